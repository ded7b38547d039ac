//! T6: connections that swallow everything and break nothing, as behind a proxy that has lost the other end.

use mindflight_api::JobState;
use mindflight_testapp::Wire;

use crate::bench::{Count, Talk};
use crate::rig::{Rig, eventually, quick};

/// Whoever asks on such a connection asks somebody else in the end, and what it had asked for happens once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_leaves_a_connection_that_swallows_what_it_asks() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "hole").await;
    let engine = rig.second_on(wire.store(), quick()).await;
    let count = || Count { key: "c".to_owned(), n: 0 };
    rig.reaches(engine.enqueue(&count()).await, JobState::Succeeded).await;
    let roles = ["hole-claimer", "hole-completer", "hole-inserter", "hole-recorder", "hole-keeper"];
    for (number, role) in roles.into_iter().enumerate() {
        let before = wire.swallowed();
        wire.freeze(role);
        let work = async {
            let talk = engine.enqueue(&Talk { key: role.to_owned(), n: 2 }).await;
            let count = engine.enqueue(&count()).await;
            for job in [talk, count] {
                rig.reaches(job, JobState::Succeeded).await;
            }
        };
        let thaw = async {
            eventually("something is swallowed", async || wire.swallowed() > before).await;
            wire.thaw();
        };
        tokio::join!(work, thaw);
        let memory = rig.db.store().memory();
        let stored = mindflight_core::ports::Memory::get(&memory, "provider:bench", "c").await;
        assert_eq!(stored.unwrap().unwrap().value, serde_json::json!(number + 2), "{role}");
    }
    rig.assert_placed().await;
    engine.stop().await;
}
