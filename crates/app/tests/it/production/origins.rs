//! Which web pages may read answers (CORS).

use mindflight_testapp::{Answer, Instance, Launch};

use crate::rig::Rig;

const APP: &str = "https://app.example.com";
const ALLOWED: &str = "access-control-allow-origin";

async fn get(server: &Instance, origin: &str) -> Answer {
    server.call("GET", "/api/me").header("origin", origin).send().await
}

async fn preflight(server: &Instance, origin: &str) -> Answer {
    let call = server.call("OPTIONS", "/api/tools/demo_add").header("origin", origin);
    let call = call.header("access-control-request-method", "POST");
    call.header("access-control-request-headers", "authorization, content-type").send().await
}

#[tokio::test]
async fn pages_of_the_configured_origin_may_read_answers_and_others_may_not() {
    let rig = Rig::with(|launch: Launch| launch.env("APP_URL", APP)).await;
    let own = get(&rig.server, APP).await;
    assert_eq!((own.status, own.header(ALLOWED)), (200, APP));
    assert!(own.header("access-control-expose-headers").to_lowercase().contains("x-request-id"));
    assert!(own.header("vary").to_lowercase().contains("origin"), "{own:?}");
    // A page may read what went wrong, too.
    let error = rig.server.call("GET", "/nothing").header("origin", APP).send().await;
    assert_eq!((error.status, error.header(ALLOWED)), (404, APP));
    for foreign in [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "null",
        "http://localhost:3000",
    ] {
        let answer = get(&rig.server, foreign).await;
        assert_eq!((answer.status, answer.header(ALLOWED)), (200, ""), "{foreign}");
    }
    let none = rig.server.get("/api/me").await;
    assert_eq!(none.header(ALLOWED), "");
}

#[tokio::test]
async fn a_preflight_says_what_a_page_may_send() {
    let rig = Rig::with(|launch: Launch| launch.env("APP_URL", APP)).await;
    let answer = preflight(&rig.server, APP).await;
    assert_eq!((answer.status, answer.header(ALLOWED)), (200, APP));
    let methods = answer.header("access-control-allow-methods");
    assert!(methods.contains("POST") && methods.contains("DELETE"), "{methods}");
    let headers = answer.header("access-control-allow-headers").to_lowercase();
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    assert_eq!((answer.header("x-frame-options"), answer.header("api-version")), ("DENY", "1"));
    let foreign = preflight(&rig.server, "https://evil.example").await;
    assert_eq!(foreign.header(ALLOWED), "", "{foreign:?}");
}

#[tokio::test]
async fn pages_of_this_machine_may_read_answers_in_development_only() {
    let rig = Rig::with(|launch: Launch| launch.env("MINDFLIGHT_ENVIRONMENT", "development")).await;
    for origin in
        ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:80", "http://localhost"]
    {
        assert_eq!(get(&rig.server, origin).await.header(ALLOWED), origin);
        assert_eq!(preflight(&rig.server, origin).await.header(ALLOWED), origin);
    }
    for foreign in ["http://localhost.evil.example", "https://evil.example:3000", "null"] {
        assert_eq!(get(&rig.server, foreign).await.header(ALLOWED), "", "{foreign}");
    }
}
