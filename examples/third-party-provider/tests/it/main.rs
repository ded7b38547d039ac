//! The provider as its callers meet it: no server, no database, no network.

use http::{Method, StatusCode};
use mindflight_testkit::{Kit, contract_tests};
use serde_json::{Value, json};

use parcels::Parcels;

const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBjYXJyaWVy";

fn config() -> Value {
    json!({"carrier_secret": SECRET})
}

contract_tests!(Parcels, config = config());

async fn kit() -> Kit<Parcels> {
    let kit = Kit::new(config()).await;
    let parcel = json!({"number": "AB123", "content": "a lamp"});
    kit.call("expect", parcel)
        .await
        .assert_ok(json!({"number": "AB123", "content": "a lamp", "place": null}));
    kit
}

#[tokio::test]
async fn a_message_of_the_carrier_moves_a_parcel_once() {
    let kit = kit().await;
    let message = json!({"number": "AB123", "place": "Oslo"});
    let answers = kit.webhook("/carrier").json(&message).signed().twice().await;
    assert_eq!(answers.map(|answer| answer.status()), [202, 202]);
    kit.events().assert_published_once("parcels.moved");
    kit.run_until_idle().await.assert_all_succeeded();
    let track = kit.call("track", json!({"number": "AB123"})).await;
    assert_eq!(track.output()["place"], "Oslo");
    let board = kit.request(Method::GET, "/board/AB123").send().await;
    assert_eq!(
        (board.status(), board.text()),
        (StatusCode::OK.as_u16(), "a lamp: Oslo\n".to_owned())
    );
}

#[tokio::test]
async fn a_parcel_is_noted_once() {
    let kit = kit().await;
    let again = kit.call("expect", json!({"number": "AB123", "content": "a chair"})).await;
    again.assert_error().code("conflict").detail_contains("AB123");
    let unknown = kit.call("track", json!({"number": "AB124"})).await;
    unknown.assert_error().code("not_found").has_fix();
}

#[tokio::test]
async fn the_reminder_counts_and_survives_every_crash() {
    let kit = kit().await;
    let run = kit.run_job(("remind", json!({}))).await;
    run.assert_ok(json!({"expected": 1}));
    kit.crash_matrix(("remind", json!({}))).await.effects_once();
}
