//! Jobs that a process with free slots makes: they start there, without waiting in the queue.

use std::time::Duration;

use mindflight_api::JobState;
use mindflight_core::ports::EnqueueOptions;
use mindflight_queue::Settings;

use crate::bench::{Note, Wait};
use crate::rig::{Rig, eventually, quick};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

/// From now on nothing can wait in the queue.
const CLOSE: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'nothing waits here'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON mindflight.ready FOR EACH ROW EXECUTE FUNCTION refuse();
";

#[tokio::test]
async fn a_job_for_an_idle_process_does_not_wait_in_the_queue() {
    let rig = Rig::new().await;
    // Until it has looked, it does not know that the queue is empty.
    let first = rig.engine.enqueue(&note("first")).await;
    rig.reaches(first, JobState::Succeeded).await;
    eventually("it knows that nothing waits", async || {
        rig.engine.queue.is_idle("bench").await.unwrap()
    })
    .await;
    rig.sql(CLOSE).await;
    for key in ["a", "b", "c"] {
        let job = rig.engine.enqueue(&note(key)).await;
        let view = rig.reaches(job, JobState::Succeeded).await;
        assert_eq!(view.attempt, 1);
    }
    rig.succeed(4).await;
}

#[tokio::test]
async fn who_has_no_free_slot_lets_jobs_wait_and_later_ones_behind_them() {
    let rig = Rig::with(Settings { workers: 1, prefetch: 0, ..quick() }).await;
    let busy = rig.engine.enqueue(&Wait { key: "busy".to_owned(), n: 0 }).await;
    rig.starts(busy, "busy").await;
    for key in ["a", "b", "c"] {
        rig.engine.enqueue(&note(key)).await;
    }
    let options = EnqueueOptions { priority: Some(0), ..EnqueueOptions::default() };
    rig.engine.enqueue_with(&note("urgent"), options).await;
    rig.engine.gate.add_permits(1);
    rig.succeed(5).await;
    assert_eq!(*rig.engine.seen.order.lock().unwrap(), ["busy", "urgent", "a", "b", "c"]);
}

/// What this process holds is compared with what the database says all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_job_starts_once_though_it_is_asked_meanwhile_who_holds_it() {
    let often = Duration::from_millis(1);
    let settings = Settings { repair: often, poll_min: often, poll_max: often, ..quick() };
    let rig = Rig::with(settings).await;
    let (callers, jobs) = (4, 250);
    let make = async |caller: usize| {
        for number in 0..jobs {
            rig.engine.enqueue(&note(&format!("{caller}/{number}"))).await;
        }
    };
    futures::future::join_all((0..callers).map(make)).await;
    rig.succeed(1000).await;
    let starts = rig.engine.seen.starts.lock().unwrap().clone();
    let twice: Vec<_> = starts.iter().filter(|(_, starts)| **starts != 1).collect();
    assert_eq!((starts.len(), twice), (callers * jobs, Vec::new()));
}
