//! Every way to prove who asks, and that no secret is shown.

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_openapi::OpenApi;
use serde_json::{Value, json};

use crate::{PETSTORE, refused};

const SECRET: &str = "s3cret/+ \"ü";
const PLAIN: &str = "s3cret-plain";

async fn kit(auth: Value) -> Kit<OpenApi> {
    Kit::new(json!({"document": PETSTORE, "auth": auth})).await
}

type Header = (&'static str, &'static str);

/// Each form with the header, if it is one, and the query that it is sent as.
fn forms() -> [(Value, Option<Header>, &'static str); 4] {
    [
        (json!({"bearer_token": PLAIN}), Some(("authorization", "Bearer s3cret-plain")), ""),
        (
            json!({"basic": {"username": "u", "password": PLAIN}}),
            Some(("authorization", "Basic dTpzM2NyZXQtcGxhaW4=")),
            "",
        ),
        (json!({"header": {"name": "X-Key", "secret": PLAIN}}), Some(("x-key", PLAIN)), ""),
        (
            json!({"query": {"name": "api key", "secret": SECRET}}),
            None,
            "?api%20key=s3cret%2F%2B%20%22%C3%BC",
        ),
    ]
}

#[tokio::test]
async fn every_form_is_sent() {
    for (auth, header, query) in forms() {
        let kit = kit(auth).await;
        kit.http().on(Method::GET, &format!("/v1/pets{query}")).reply(200, json!([]));
        assert_eq!(kit.call("list_pets", json!({})).await.output()["status"], 200);
        if let Some((name, value)) = header {
            assert_eq!(kit.http().requests()[0].headers()[name], value);
        }
        kit.http().assert_all_used();
    }
}

#[tokio::test]
async fn no_secret_is_in_an_error_or_a_result() {
    for (auth, header, query) in forms() {
        let kit = kit(auth).await;
        let sent = header.map_or(query, |(_, value)| value);
        // The service repeats what it got: as it was sent, and as JSON writes it.
        let echo = json!({"you sent": sent, "plain": PLAIN, "secret": SECRET});
        let hidden = [PLAIN, "s3cret%2F", "dTpzM2NyZXQ"];
        let is_clean = |text: &str| {
            let own = if query.is_empty() { PLAIN } else { "s3cret/+" };
            assert!(
                !text.contains(own) && !hidden[1..].iter().any(|one| text.contains(one)),
                "{text}"
            );
        };
        for status in [200, 401, 500] {
            let answer =
                Scripted::new(status, echo.clone()).header("location", &format!("/x{query}"));
            kit.http().on(Method::GET, "/v1/pets").reply_sequence([answer]);
            let reply = kit.call("list_pets", json!({})).await;
            match reply.error() {
                None => is_clean(&reply.output().to_string()),
                Some(error) => is_clean(&format!("{error:?}")),
            }
        }
        kit.http().on(Method::GET, "/v1/pets").drop_connection();
        let reply = kit.call("list_pets", json!({})).await;
        reply.assert_error().code("upstream_error");
        is_clean(&format!("{:?}", reply.error()));
    }
}

#[tokio::test]
async fn what_the_operator_sends_is_no_argument() {
    let config = json!({
        "document": PETSTORE, "headers": {"idempotency-key": "fixed"},
        "auth": {"query": {"name": "limit", "secret": "5"}}
    });
    let kit = Kit::<OpenApi>::new(config).await;
    for tool in kit.tools() {
        let properties = &tool.input_schema["properties"];
        assert!(properties.get("limit").is_none() && properties.get("Idempotency-Key").is_none());
    }
}

#[tokio::test]
async fn credentials_that_cannot_work_are_refused_by_name() {
    for (auth, named) in [
        (json!({"bearer_token": ""}), "`auth.bearer_token`"),
        (json!({"bearer_token": "hunter2\n"}), "`auth.bearer_token`"),
        (
            json!({"bearer_token": "hunter2", "basic": {"username": "u", "password": "p"}}),
            "`auth.basic`",
        ),
        (json!({"basic": {"username": "u:v", "password": "hunter2"}}), "`auth.basic.username`"),
        (json!({"header": {"name": "Host", "secret": "hunter2"}}), "`auth.header`"),
        (json!({"header": {"name": "X Y", "secret": "hunter2"}}), "`auth.header`"),
        (json!({"query": {"name": "q", "secret": ""}}), "`auth.query.secret`"),
        (json!({"bearer": "hunter2"}), "bearer"),
    ] {
        let detail = refused(json!({"document": PETSTORE, "auth": auth})).await;
        assert!(detail.contains(named) && !detail.contains("hunter2"), "{detail}");
    }
}
