//! A third party's crate with a program of its own: `examples/third-party-provider`, as its author builds and runs it.

use bytes::Bytes;
use mindflight_core::routes::Scheme;
use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::{Value, json};

use crate::outside::Outside;
use crate::rig::{eventually, key, start};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/third-party-provider");
const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBjYXJyaWVy";

/// A server of the third party's program. The server ends before its database is dropped.
struct Third {
    server: Instance,
    _db: TestDb,
}

impl Third {
    async fn new() -> Self {
        let outside = Outside::at(FOLDER);
        let build = ["build", "--workspace", "--all-targets", "--locked", "--offline"];
        let _ = outside.cargo(&build).await;
        let db = TestDb::new().await;
        let key = key(&db, "admin").await;
        let launch = Launch::serve(&outside.program("parcels-server"), db.url())
            .env("MINDFLIGHT_PROVIDERS__PARCELS__CARRIER_SECRET", SECRET);
        Self { server: start(launch).await.with_key(&key), _db: db }
    }

    async fn expect(&self, number: &str) -> Value {
        let parcel = json!({"number": number, "content": "a lamp"});
        self.server.tool("parcels_expect", parcel).await.ok()
    }

    /// Waits until the parcel was seen there.
    async fn seen(&self, number: &str, place: &str) {
        eventually(async || {
            let parcel = self.server.tool("parcels_track", json!({"number": number})).await.ok();
            (parcel["place"] == place).then_some(())
        })
        .await;
    }
}

/// A message as the carrier signs it.
fn signed(body: &'static [u8], id: &str) -> http::Request<Bytes> {
    let mut request = http::Request::new(Bytes::from_static(body));
    let now = std::time::SystemTime::now().into();
    mindflight_signatures::sign(&Scheme::StandardWebhooks, SECRET, &mut request, id, now).unwrap();
    request
}

#[tokio::test]
async fn its_program_serves_its_tool_route_webhook_job_and_subscription() {
    let third = Third::new().await;
    let server = &third.server;
    assert_eq!(third.expect("AB123").await["place"], json!(null));
    let board = server.get("/providers/parcels/board/AB123").await;
    assert_eq!((board.status, board.text.as_str()), (200, "a lamp: nobody knows where\n"));

    let event = json!({"type": "parcels.moved", "data": {"number": "AB123", "place": "Oslo"}});
    assert_eq!(server.post("/api/events", &event).await.status, 202);
    third.seen("AB123", "Oslo").await;

    const MESSAGE: &[u8] = br#"{"number":"AB123","place":"Bergen"}"#;
    let message = signed(MESSAGE, "m1");
    let send = || server.call("POST", "/webhooks/parcels/carrier").key("nobody").bytes(MESSAGE);
    let _ = send().send().await.problem(401, "unauthenticated");
    let headers = message.headers().iter();
    let delivery = headers
        .fold(send(), |call, (name, value)| call.header(name.as_str(), value.to_str().unwrap()));
    let delivered = delivery.send().await;
    assert_eq!(delivered.status, 202, "{}", delivered.text);
    third.seen("AB123", "Bergen").await;
    let board = server.get("/providers/parcels/board/AB123").await;
    assert_eq!(board.text, "a lamp: Bergen\n");

    let made = server.post("/api/jobs", &json!({"kind": "parcels.remind"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    let job = eventually(async || {
        let job = server.get(&format!("/api/jobs/{id}?wait=20")).await.ok();
        (job["state"] == "succeeded").then_some(job)
    })
    .await;
    assert_eq!(job["result"], json!({"expected": 1}));
    let schedules = server.get("/api/schedules").await.ok();
    let kinds = schedules["items"].as_array().unwrap();
    assert!(kinds.iter().any(|schedule| schedule["kind"] == "parcels.remind"), "{schedules}");
}

#[tokio::test]
async fn its_own_tests_formatting_and_check_pass() {
    let outside = Outside::at(FOLDER);
    let fmt = ["fmt", "--package", "parcels", "--package", "parcels-server", "--check"];
    let _ = outside.cargo(&fmt).await;
    let _ = outside.linted(&["test", "--workspace", "--locked", "--offline"]).await;
    let build = ["build", "--workspace", "--all-targets", "--locked", "--offline"];
    let _ = outside.cargo(&build).await;
    let check = ["provider", "check", "parcels", "--strict", "-o", "json"];
    let found = Launch::new(&outside.program("parcels-server"), &check).stdout().await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap()["items"], json!([]));
}
