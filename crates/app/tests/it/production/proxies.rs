//! Whose word on the caller's address is taken.

use mindflight_testapp::Launch;
use serde_json::Value;

use crate::rig::Rig;

/// The address that the audit log has for a request with these headers.
async fn recorded(rig: &Rig, forwarded: &[&str]) -> Value {
    let call =
        rig.server.call("POST", "/api/tools/demo_count").json(&serde_json::json!({"key": "k"}));
    let call = forwarded.iter().fold(call, |call, value| call.header("x-forwarded-for", value));
    let answer = call.send().await;
    let request = answer.header("x-request-id");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let audit = rig.server.get("/api/audit?action=tool.call&limit=1").await.ok();
    assert_eq!(audit["items"][0]["request_id"], request);
    audit["items"][0]["ip"].clone()
}

#[tokio::test]
async fn a_caller_cannot_make_up_its_address() {
    let rig = Rig::new().await;
    assert_eq!(recorded(&rig, &["203.0.113.9"]).await, "127.0.0.1");
    let rig =
        Rig::with(|launch: Launch| launch.env("MINDFLIGHT_SERVER__TRUSTED_PROXIES", "10.0.0.0/8"))
            .await;
    assert_eq!(recorded(&rig, &["203.0.113.9"]).await, "127.0.0.1");
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_address_and_what_stands_left_of_it_is_ignored() {
    let trust = |launch: Launch| {
        launch.env("MINDFLIGHT_SERVER__TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8,fd00::/8")
    };
    let rig = Rig::with(trust).await;
    for (forwarded, expected) in [
        (&["203.0.113.9"][..], "203.0.113.9"),
        // The left ones came from the caller itself.
        (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (&["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        // Proxies behind each other.
        (&["6.6.6.6, 203.0.113.9, 10.1.2.3, fd00::7"], "203.0.113.9"),
        (&["2001:db8::7, 10.1.2.3"], "2001:db8::7"),
        (&["::ffff:203.0.113.9"], "203.0.113.9"),
        // Nobody outside: then it is the proxy itself.
        (&["10.1.2.3"], "127.0.0.1"),
        (&["203.0.113.9, unknown"], "127.0.0.1"),
        (&[""], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        assert_eq!(recorded(&rig, forwarded).await, expected, "{forwarded:?}");
    }
}

#[tokio::test]
async fn addresses_behind_a_trusted_proxy_are_limited_apart() {
    let rig = Rig::with(|launch: Launch| {
        launch
            .env("MINDFLIGHT_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")
            .env("MINDFLIGHT_LIMITS__ENABLED", "true")
            .env("MINDFLIGHT_LIMITS__REQUESTS_PER_MINUTE", "1")
    })
    .await;
    let guess = async |from: &str| {
        let call = rig.server.call("GET", "/api/me").key("nobody").header("x-forwarded-for", from);
        call.send().await.status
    };
    assert_eq!(guess("203.0.113.9").await, 401);
    assert_eq!(guess("6.6.6.6, 203.0.113.9").await, 429);
    assert_eq!(guess("203.0.113.10").await, 401);
}
