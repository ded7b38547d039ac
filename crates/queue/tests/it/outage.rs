//! Connections that break again and again.

use mindflight_api::JobState;
use mindflight_queue::Settings;
use mindflight_testapp::Wire;

use crate::bench::{Count, Note};
use crate::rig::{Rig, eventually, quick};

/// T4: no task ends because a connection did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_roles_connection_may_be_cut_again_and_again() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    rig.engine.enqueue_all(250, |_| Count { key: "c".to_owned(), n: 0 }).await;
    rig.engine.enqueue_all(250, |number| Note { key: number.to_string(), n: 0 }).await;
    for _ in 0..40 {
        rig.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE 'mindflight-test-%'",
        )
        .await;
        tokio::task::yield_now().await;
    }
    rig.succeed(500).await;
    let memory = rig.db.store().memory();
    let stored = mindflight_core::ports::Memory::get(&memory, "provider:bench", "c").await;
    assert_eq!(stored.unwrap().unwrap().value, serde_json::json!(250));
    let next = rig.engine.enqueue(&Note { key: "next".to_owned(), n: 0 }).await;
    rig.reaches(next, JobState::Succeeded).await;
}

/// T16: an engine without work asks for it, beats, and looks after the rest about four times a second.
#[tokio::test]
async fn an_idle_engine_asks_little() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "idle").await;
    let idle = rig.second_on(wire.store(), Settings::default()).await;
    let began = tokio::time::Instant::now();
    let settle = std::time::Duration::from_millis(2000);
    eventually("it has settled", async || {
        idle.queue.worker().is_some() && began.elapsed() > settle
    })
    .await;
    let (before, since) = (wire.asked(), tokio::time::Instant::now());
    eventually("it asks", async || wire.asked() >= before + 10).await;
    let took = since.elapsed();
    assert!(took > std::time::Duration::from_millis(1500), "10 questions in {took:?}");
}
