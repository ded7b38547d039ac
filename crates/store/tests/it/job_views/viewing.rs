//! One job, in every state.

use mindflight_api::job::{AttemptEnd, Progress};
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Lease;
use mindflight_store::jobs::{Due, End, Recorded};
use serde_json::json;

use super::rig::{ALIVE, Rig, error, failed, later, retried, succeeded};
use crate::access::{at, record};

#[tokio::test]
async fn a_job_that_waits_says_what_it_is_and_what_is_before_it() {
    let mut rig = Rig::new().await;
    let first = rig.add("mail.send", |_| ()).await;
    let id = rig
        .add("mail.send", |row| {
            row.args = json!({"to": "ada", "z": 1, "a": 2}).to_string();
            row.meta = Some(json!({"tags": ["vip"], "owner": "user:1"}));
            row.priority = 7;
        })
        .await;
    let view = rig.view(id).await;
    assert_eq!(
        (view.state, view.kind.as_str(), view.queue.as_str()),
        (JobState::Queued, "mail.send", "mail")
    );
    assert_eq!((view.attempt, view.max_attempts, view.priority), (0, 3, 7));
    assert_eq!(view.args.to_string(), r#"{"to":"ada","z":1,"a":2}"#, "in the order it came");
    assert_eq!((view.tags, view.owner), (vec!["vip".to_owned()], Some("user:1".to_owned())));
    assert_eq!((view.ahead, view.kind_workers, view.run_at), (Some(1), Some(0), None));
    assert!(view.attempts.is_empty() && view.created_at <= view.now);
    assert_eq!(rig.view(first).await.ahead, Some(0));
    assert!(rig.views.get(JobId::new(), ALIVE).await.unwrap().is_none());
}

#[tokio::test]
async fn only_live_workers_that_have_the_kind_are_counted() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |_| ()).await;
    rig.worker(&["mail.send", "mail.sync"]).await;
    rig.worker(&["mail.sync"]).await;
    let stopping = rig.worker(&["mail.send"]).await;
    rig.keeper.stopping(stopping).await.unwrap();
    assert_eq!(rig.view(id).await.kind_workers, Some(1));
    let nobody = rig.views.get(id, std::time::Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(nobody.kind_workers, Some(0), "who was silent for longer is not live");
}

#[tokio::test]
async fn a_job_that_is_not_due_says_when_it_is() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |row| row.due = Due::At(at(4_000_000_000))).await;
    let view = rig.view(id).await;
    assert_eq!((view.state, view.run_at), (JobState::Scheduled, Some(at(4_000_000_000))));
    assert!(!view.is_put_off);
}

#[tokio::test]
async fn a_job_that_runs_has_a_worker_an_attempt_and_what_it_said() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    rig.take(worker, "mail.send").await.unwrap();
    let progress = Progress { done: 1.0, total: Some(4.0), message: Some("page 1".to_owned()) };
    let lines = (0..3).map(|n| (id, 1, at(n), format!("line {n}"))).collect();
    let own = Lease { job: id, worker, attempt: 1 };
    let stale = Progress { done: 3.0, ..progress.clone() };
    let mut recorder = rig.db.store().jobs().recorder().unwrap();
    let recorded = Recorded { progress: vec![(own, progress.clone())], lines };
    recorder.record(&recorded).await.unwrap();
    // Of a worker that has lost the job.
    let late = vec![(Lease { worker: worker + 1, ..own }, stale)];
    recorder.record(&Recorded { progress: late, lines: Vec::new() }).await.unwrap();
    let view = rig.view(id).await;
    assert_eq!((view.state, view.attempt, view.progress), (JobState::Running, 1, Some(progress)));
    assert_eq!(view.worker, Some((worker, Some("a1".to_owned()))));
    assert!(view.started_at.is_some() && !view.cancel_requested);
    let attempt = &view.attempts[0];
    assert_eq!(
        (attempt.attempt, attempt.state, attempt.worker),
        (1, AttemptEnd::Running, Some(worker))
    );
    let all = rig.views.logs(id, None, 2).await.unwrap();
    assert_eq!(
        all.iter().map(|(_, line)| line.line.as_str()).collect::<Vec<_>>(),
        ["line 0", "line 1"]
    );
    let rest = rig.views.logs(id, Some(all[1].0), 10).await.unwrap();
    assert_eq!((rest.len(), rest[0].1.at, rest[0].1.attempt), (1, at(2), 1));
}

#[tokio::test]
async fn a_job_that_was_tried_several_times_tells_each_attempt() {
    let mut rig = Rig::new().await;
    let id = rig.tried("mail.send", retried()).await;
    let view = rig.view(id).await;
    assert_eq!((view.state, view.attempt), (JobState::Retrying, 1));
    assert_eq!(view.error, Some(error("upstream_error")));
    assert!(view.started_at.is_some() && view.run_at > Some(view.now));
    rig.views.retry(id, &record("job.retry")).await.unwrap();
    let worker = rig.worker(&["mail.send"]).await;
    let lease = rig.take(worker, "mail.send").await.unwrap();
    assert_eq!(lease.attempt, 2);
    assert!(rig.end(lease, End::Snooze(std::time::Duration::from_secs(60))).await);
    let view = rig.view(id).await;
    assert!(view.is_put_off && view.state == JobState::Retrying);
    assert_eq!(view.max_attempts, 4, "being put off costs no attempt");
    rig.views.retry(id, &record("job.retry")).await.unwrap();
    let lease = rig.take(worker, "mail.send").await.unwrap();
    assert!(rig.end(lease, succeeded()).await);
    let view = rig.view(id).await;
    assert_eq!(
        (view.state, view.attempt, view.result),
        (JobState::Succeeded, 3, Some(json!({"n": 1})))
    );
    assert_eq!(view.error, None, "what has succeeded has no error");
    let ends: Vec<_> = view.attempts.iter().map(|one| (one.attempt, one.state)).collect();
    assert_eq!(
        ends,
        [(1, AttemptEnd::Failed), (2, AttemptEnd::Snoozed), (3, AttemptEnd::Succeeded)]
    );
    assert_eq!(view.attempts[0].error, Some(error("upstream_error")));
    assert!(view.attempts.iter().all(|one| one.started_at.is_some() && one.finished_at.is_some()));
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_job_that_failed_has_its_last_attempt_once() {
    let mut rig = Rig::new().await;
    let id = rig.tried("mail.send", failed()).await;
    let view = rig.view(id).await;
    assert_eq!((view.state, view.error), (JobState::Failed, Some(error("upstream_error"))));
    assert_eq!(view.attempts.len(), 1);
    assert_eq!((view.attempts[0].state, view.attempts[0].attempt), (AttemptEnd::Failed, 1));
    assert_eq!(view.finished_at, view.attempts[0].finished_at);
    // One that was cancelled while it waited for its second attempt had no second one.
    let id = rig.tried("mail.send", retried()).await;
    rig.views.cancel(id, None, &record("job.cancel")).await.unwrap();
    let view = rig.view(id).await;
    let ends: Vec<_> = view.attempts.iter().map(|one| (one.attempt, one.state)).collect();
    assert_eq!((view.state, ends), (JobState::Cancelled, vec![(1, AttemptEnd::Failed)]));
}

#[tokio::test]
async fn a_job_that_waits_for_a_limit_names_it() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let first = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let second = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    assert_eq!(rig.state(first).await, JobState::Queued);
    let view = rig.view(second).await;
    let limit = view.gate.unwrap();
    assert_eq!((view.state, limit.name.as_str()), (JobState::Blocked, "mail.report"));
    assert_eq!((limit.slots, limit.used), (Some(1), 1));
}

#[tokio::test]
async fn what_is_not_due_does_not_count_as_waiting_for_workers() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |row| row.due = later()).await;
    let view = rig.view(id).await;
    assert_eq!((view.kind_workers, view.ahead, view.gate), (None, None, None));
}
