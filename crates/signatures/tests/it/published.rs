//! The examples that the makers of the schemes publish.

use bytes::Bytes;
use chrono::DateTime;
use http::Request;
use mindflight_core::routes::Scheme;
use mindflight_signatures::{sign, verify};

fn request(headers: &[(&str, &str)], body: &'static str) -> Request<Bytes> {
    let mut request = Request::post("/hook");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from_static(body.as_bytes())).expect("a request")
}

#[test]
fn standard_webhooks() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = r#"{"test": 2432232314}"#;
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    let now = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
    verify(&Scheme::StandardWebhooks, secret, &request(&headers, body), now).unwrap();
    let mut ours = request(&[], body);
    sign(&Scheme::StandardWebhooks, secret, &mut ours, id, now).unwrap();
    assert_eq!(ours.headers(), request(&headers, body).headers());
    let bare = secret.trim_start_matches("whsec_");
    verify(&Scheme::StandardWebhooks, bare, &ours, now).unwrap();
}

#[test]
fn github() {
    let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let request = request(&[("X-Hub-Signature-256", expected)], "Hello, World!");
    let now = DateTime::UNIX_EPOCH;
    verify(&Scheme::GitHub, "It's a Secret to Everybody", &request, now).unwrap();
}

#[test]
fn slack() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
        &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
        &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
        %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let headers = [
        ("X-Slack-Request-Timestamp", "1531420618"),
        (
            "X-Slack-Signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ];
    let now = DateTime::from_timestamp(1_531_420_618, 0).unwrap();
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    verify(&Scheme::Slack, secret, &request(&headers, body), now).unwrap();
}

/// Test case 2 of RFC 4231.
#[test]
fn hex_hmac() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let request = request(&[("X-Signature", expected)], "what do ya want for nothing?");
    let scheme = Scheme::HexHmac("X-Signature".to_owned());
    verify(&scheme, "Jefe", &request, DateTime::UNIX_EPOCH).unwrap();
}
