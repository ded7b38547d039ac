//! How jobs end.

use mindflight_api::JobState;

use crate::bench::{Chain, Count, Deaf, Fail, Flaky, Note, Panic, Snooze};
use crate::rig::Rig;

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

#[tokio::test]
async fn a_job_runs_and_its_result_is_kept() {
    let rig = Rig::new().await;
    let job = rig.engine.enqueue(&note("a")).await;
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!(view.result, Some(serde_json::json!({"noted": "a"})));
    assert_eq!((view.attempt, view.kind.as_str(), view.queue.as_str()), (1, "bench.note", "bench"));
    assert_eq!(rig.engine.seen.starts("a"), 1);
    rig.assert_placed().await;
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_every_attempt_is_listed() {
    let rig = Rig::new().await;
    let job = rig.engine.enqueue(&Flaky { key: "f".to_owned(), n: 3 }).await;
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!((view.attempt, view.result), (4, Some(serde_json::json!(4))));
    assert_eq!(view.attempts.len(), 4, "{:#?}", view.attempts);
    let job = rig.engine.enqueue(&Flaky { key: "g".to_owned(), n: 9 }).await;
    let view = rig.reaches(job, JobState::Failed).await;
    assert_eq!((view.attempt, view.max_attempts), (5, 5));
    assert_eq!(view.error.map(|error| error.code).as_deref(), Some("upstream_error"));
    rig.assert_placed().await;
}

#[tokio::test]
async fn permanent_errors_panics_and_deadlines_end_a_job_with_their_reason() {
    let rig = Rig::new().await;
    let fail = rig.engine.enqueue(&Fail { key: "fail".to_owned(), n: 0 }).await;
    let panic = rig.engine.enqueue(&Panic { key: "panic".to_owned(), n: 0 }).await;
    let deaf = rig.engine.enqueue(&Deaf { key: "deaf".to_owned(), n: 0 }).await;
    for (job, code, starts) in
        [(fail, "upstream_error", 1), (panic, "job_panicked", 2), (deaf, "timeout", 1)]
    {
        let view = rig.reaches(job, JobState::Failed).await;
        assert_eq!(view.error.as_ref().map(|error| error.code.as_str()), Some(code));
        assert_eq!(view.attempt, starts, "{code}");
    }
}

#[tokio::test]
async fn a_snoozed_attempt_does_not_count() {
    let rig = Rig::new().await;
    let job = rig.engine.enqueue(&Snooze { key: "s".to_owned(), n: 4 }).await;
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!(rig.engine.seen.starts("s"), 5);
    assert_eq!(view.attempts.len(), 5);
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_transaction_ends_the_attempt_with_its_effects() {
    let rig = Rig::new().await;
    let mut jobs = Vec::new();
    for _ in 0..20 {
        jobs.push(rig.engine.enqueue(&Count { key: "c".to_owned(), n: 0 }).await);
    }
    for job in jobs {
        rig.reaches(job, JobState::Succeeded).await;
    }
    let store = rig.db.store().memory();
    let memory = mindflight_core::ports::Memory::get(&store, "provider:bench", "c");
    assert_eq!(memory.await.unwrap().unwrap().value, serde_json::json!(20));
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_job_made_in_a_transaction_exists_if_it_commits() {
    let rig = Rig::new().await;
    let failed = rig.engine.enqueue(&Chain { key: "no".to_owned(), n: 1 }).await;
    rig.reaches(failed, JobState::Failed).await;
    let done = rig.engine.enqueue(&Chain { key: "yes".to_owned(), n: 0 }).await;
    rig.reaches(done, JobState::Succeeded).await;
    crate::rig::eventually("the chained job runs", async || rig.engine.seen.starts("yes") == 1)
        .await;
    assert_eq!(rig.engine.seen.starts("no"), 0);
}
