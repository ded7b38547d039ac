//! What an engine and the database know of each other, after answers were lost.

use std::sync::atomic::Ordering;

use mindflight_api::{InstanceId, JobState};
use mindflight_queue::Settings;
use mindflight_store::jobs::{Begin, Claim, Claimed, End, Finished, Lane, Registration};
use mindflight_testapp::Wire;

use crate::bench::{Note, One, Single, Wait};
use crate::rig::{Rig, eventually, quick};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

/// Takes a job for a worker without telling it.
async fn take(rig: &Rig, kind: &str, worker: i64) -> Claimed {
    let names = rig.db.store().jobs().names();
    let queue = names.queue("bench", true).await.unwrap();
    let kinds = [names.kind(kind).await.unwrap()];
    let mut claimer = rig.db.store().jobs().claimer().unwrap();
    let (lane, begin) = (Lane::Usual, Begin::Start);
    let claim = Claim { queue, lane, limit: 1, worker, kinds: &kinds, begin };
    claimer.claim(&claim).await.unwrap().remove(0)
}

/// T25: a claim whose answer was lost does not keep its jobs for ever.
#[tokio::test]
async fn a_lease_that_the_engine_does_not_know_is_given_back_and_run() {
    let rig = Rig::with(Settings { workers: 1, ..quick() }).await;
    let busy = rig.engine.enqueue(&Wait { key: "busy".to_owned(), n: 0 }).await;
    rig.starts(busy, "busy").await;
    let job = rig.engine.enqueue(&note("n")).await;
    let taken = take(&rig, "bench.note", rig.engine.queue.worker().unwrap()).await;
    assert_eq!(taken.lease.job, job);
    rig.reaches(job, JobState::Queued).await;
    rig.engine.gate.add_permits(1);
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!((view.attempt, view.attempts.len()), (1, 1));
    rig.assert_placed().await;
}

/// T4: a claim that the server forgot when it crashed is somebody else's by now.
#[tokio::test]
async fn a_handler_whose_lease_has_vanished_is_told_to_stop() {
    let rig = Rig::new().await;
    let job = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    rig.starts(job, "w").await;
    eventually("it starts", async || rig.engine.seen.starts("w") == 1).await;
    rig.sql(
        "WITH gone AS (DELETE FROM mindflight.lease RETURNING *)
         INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate)
         SELECT queue, lane, id, kind, attempt - 1, crashes, max_attempts, is_unique, gate FROM gone",
    )
    .await;
    eventually("it is told", async || rig.engine.seen.told.load(Ordering::SeqCst) > 0).await;
    eventually("it runs again", async || rig.engine.seen.starts("w") >= 2).await;
    rig.engine.gate.add_permits(2);
    rig.reaches(job, JobState::Succeeded).await;
    rig.assert_placed().await;
}

/// T25: a batch that is sent again moves no counter twice.
#[tokio::test]
async fn a_batch_of_ends_that_is_sent_twice_changes_nothing() {
    let rig = Rig::idle().await;
    let jobs = rig.db.store().jobs();
    let registration = Registration {
        instance: InstanceId::new(),
        holder: None,
        host: "here".to_owned(),
        pid: 1,
        version: "1".to_owned(),
        slots: 1,
        kinds: Vec::new(),
    };
    let worker = jobs.keeper().unwrap().register(&registration).await.unwrap();
    let one = |key: &str| One { key: key.to_owned(), n: 0 };
    for key in ["a", "b", "c"] {
        rig.engine.enqueue(&one(key)).await;
    }
    rig.engine.enqueue(&note("n")).await;
    let leases = [take(&rig, "bench.one", worker).await, take(&rig, "bench.note", worker).await];
    let batch: Vec<Finished> = leases
        .iter()
        .map(|claimed| Finished {
            lease: claimed.lease,
            kind: claimed.kind,
            end: End::Succeeded("null".to_owned()),
            is_tied: claimed.is_gated,
            keeps_history: true,
            cause: None,
        })
        .collect();
    let mut completer = jobs.completer().unwrap();
    let ended = completer.complete(&batch).await.unwrap();
    assert_eq!((ended.count, ended.queues.len()), (2, 1), "the next is let in");
    for _ in 0..2 {
        assert_eq!(completer.complete(&batch).await.unwrap(), Default::default());
    }
    assert_eq!(rig.count(JobState::Blocked).await, 1);
    assert_eq!(rig.count(JobState::Queued).await, 1);
    rig.assert_placed().await;
}

/// T25: whoever asks for a job gets one, whether or not the first answer arrived.
#[tokio::test]
async fn a_job_whose_making_was_not_answered_is_made_once() {
    let rig = Rig::new().await;
    let wire = Wire::new(&rig.db, "lossy").await;
    let lossy = rig.second_on(wire.store(), quick()).await;
    lossy.enqueue(&note("first")).await;
    wire.lose("inserter", "INSERT 0 1");
    let plain = lossy.enqueue(&note("plain")).await;
    assert_eq!(wire.lost(), 1);
    wire.lose("inserter", "COMMIT");
    let single = Single { key: "s".to_owned(), n: 0 };
    let (unique, is_old) = lossy.make(&single).await;
    assert_eq!((wire.lost(), is_old), (2, false));
    assert_eq!(lossy.make(&single).await, (unique, true));
    rig.engine.gate.add_permits(1);
    for job in [plain, unique] {
        rig.reaches(job, JobState::Succeeded).await;
    }
    assert_eq!((lossy.seen.starts("plain"), lossy.seen.starts("s")), (1, 1));
    rig.succeed(3).await;
}

/// T25: answers to claims and to ends.
#[tokio::test]
async fn lost_answers_of_claims_and_ends_hang_no_job() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "lossy").await;
    let lossy = rig.second_on(wire.store(), quick()).await;
    let first = lossy.enqueue(&note("first")).await;
    rig.reaches(first, JobState::Succeeded).await;
    wire.lose("claimer", "astray");
    let claimed = rig.engine.enqueue(&note("astray")).await;
    let view = rig.reaches(claimed, JobState::Succeeded).await;
    assert_eq!((wire.lost(), view.attempt, lossy.seen.starts("astray")), (1, 1, 1));
    wire.lose("completer", "SELECT");
    let ended = lossy.enqueue(&note("ended")).await;
    rig.reaches(ended, JobState::Succeeded).await;
    eventually("it is lost", async || wire.lost() == 2).await;
    let next = lossy.enqueue(&note("next")).await;
    rig.reaches(next, JobState::Succeeded).await;
    assert_eq!(lossy.seen.starts("ended"), 1);
    rig.assert_placed().await;
}
