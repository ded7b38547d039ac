//! Stopping in good order.

use mindflight_api::JobState;
use mindflight_api::job::AttemptEnd;
use mindflight_queue::Settings;

use crate::bench::{Note, Wait};
use crate::rig::{Rig, eventually, quick};

/// T23: what was not started was never taken; what runs may end, and is handed back if it does not.
#[tokio::test]
async fn stopping_under_load_loses_nothing_and_charges_nothing() {
    let rig = Rig::idle().await;
    let settings = Settings { workers: 4, ..quick() };
    let first = rig.second(settings).await;
    // Short jobs have it take more than it can run.
    first.enqueue_all(100, |number| Note { key: format!("n{number}"), n: 0 }).await;
    rig.succeed(100).await;
    let jobs = first.enqueue_all(50, |number| Wait { key: format!("w{number}"), n: 0 }).await;
    eventually("its slots are full", async || first.queue.running() == 4).await;
    eventually("it has taken more", async || rig.count(JobState::Running).await > 4).await;
    rig.engine.gate.add_permits(1);
    first.stop().await;
    assert!(rig.db.store().job_views().workers().await.unwrap().is_empty());
    assert_eq!(rig.count(JobState::Running).await, 0);
    rig.assert_placed().await;
    let mut returned = 0;
    for job in &jobs {
        let view = rig.view(*job).await.unwrap();
        let ends: Vec<AttemptEnd> = view.attempts.iter().map(|attempt| attempt.state).collect();
        if view.state == JobState::Succeeded {
            assert_eq!(ends, [AttemptEnd::Succeeded]);
            continue;
        }
        assert_eq!(view.state, JobState::Queued);
        if view.attempt > 0 {
            returned += 1;
            assert_eq!(ends, [AttemptEnd::Returned]);
        } else {
            assert!(ends.is_empty(), "{ends:?}");
        }
    }
    assert!((3..=5).contains(&returned), "{returned} were handed back");
    let second = rig.second(quick()).await;
    second.gate.add_permits(50);
    rig.succeed(150).await;
}
