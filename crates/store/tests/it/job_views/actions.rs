//! What is done to jobs by hand.

use mindflight_api::job::JobAction;
use mindflight_api::{JobId, JobState};
use mindflight_store::job_views::{Cancel, Delete, Filter, Retry};
use mindflight_store::jobs::{End, Recorded, UniqueKey};
use serde_json::json;

use super::rig::{Rig, error, failed, later, retried, succeeded};
use crate::access::{at, audited, record};

fn unique(key: &str) -> Option<UniqueKey> {
    Some(UniqueKey { key: key.to_owned(), until_start: false, expires_at: None })
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_wherever_it_waits() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let holder = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let blocked = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let queued = rig.add("mail.send", |_| ()).await;
    let scheduled = rig.add("mail.send", |row| row.due = later()).await;
    let record = record("job.cancel");
    for id in [blocked, queued, scheduled] {
        let done = rig.views.cancel(id, Some("not wanted"), &record).await.unwrap();
        assert_eq!(done, Some(Cancel::Cancelled { queues: vec![] }));
        let view = rig.view(id).await;
        let error = view.error.unwrap();
        assert_eq!((view.state, error.code.as_str()), (JobState::Cancelled, "job_cancelled"));
        assert_eq!(error.detail, "cancelled by command line: not wanted");
        assert!(view.attempts.is_empty() && view.finished_at.is_some());
        let again = rig.views.cancel(id, None, &record).await.unwrap();
        assert_eq!(again, Some(Cancel::Final(JobState::Cancelled)));
    }
    assert_eq!(rig.views.cancel(JobId::new(), None, &record).await.unwrap(), None);
    assert_eq!(audited(rig.db.store(), "job.cancel").await, 3);
    assert_eq!(rig.state(holder).await, JobState::Queued);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_slot_and_a_key_are_free_once_their_job_is_cancelled() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let queue = rig.queue("mail.report").await;
    let key = || unique("mail.report:k");
    let first = rig.add("mail.report", |row| (row.gate, row.unique) = (Some(gate), key())).await;
    let second = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    assert_eq!(rig.state(second).await, JobState::Blocked);
    let done = rig.views.cancel(first, None, &record("job.cancel")).await.unwrap();
    assert_eq!(done, Some(Cancel::Cancelled { queues: vec![queue] }));
    assert_eq!(rig.state(second).await, JobState::Queued);
    rig.add("mail.report", |row| row.unique = key()).await;
    rig.assert_sound().await;
}

#[tokio::test]
async fn what_runs_is_asked_to_stop() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    let lease = rig.take(worker, "mail.send").await.unwrap();
    for _ in 0..2 {
        let done = rig.views.cancel(id, Some("stop"), &record("job.cancel")).await.unwrap();
        assert_eq!(done, Some(Cancel::Asked));
    }
    let view = rig.view(id).await;
    assert!(view.cancel_requested && view.state == JobState::Running);
    let kind = rig.names.kind("mail.send").await.unwrap();
    assert_eq!(rig.keeper.beat(worker, 1, Some(&[kind])).await.unwrap().cancelled, [id]);
    assert!(rig.end(lease, End::Cancelled(error("job_cancelled"))).await);
    assert_eq!(rig.state(id).await, JobState::Cancelled);
}

#[tokio::test]
async fn a_queue_without_history_forgets_what_is_cancelled() {
    let mut rig = Rig::new().await;
    let id = rig.add("brief.send", |_| ()).await;
    let done = rig.views.cancel(id, None, &record("job.cancel")).await.unwrap();
    assert_eq!(done, Some(Cancel::Cancelled { queues: vec![] }));
    assert_eq!(rig.views.cancel(id, None, &record("job.cancel")).await.unwrap(), None);
    assert!(rig.find(&Filter::default()).await.is_empty());
    rig.assert_sound().await;
}

#[tokio::test]
async fn what_failed_runs_again_with_fresh_attempts() {
    let mut rig = Rig::new().await;
    let queue = rig.queue("mail.send").await;
    let id = rig.tried("mail.send", failed()).await;
    let done = rig.views.retry(id, &record("job.retry")).await.unwrap();
    assert_eq!(done, Some(Retry::Queued { queues: vec![queue] }));
    let view = rig.view(id).await;
    assert_eq!((view.state, view.attempt, view.max_attempts), (JobState::Queued, 1, 4));
    assert_eq!((view.attempts.len(), view.error), (1, Some(error("upstream_error"))));
    assert_eq!(audited(rig.db.store(), "job.retry").await, 1);
    let worker = rig.worker(&["mail.send"]).await;
    let lease = rig.take(worker, "mail.send").await.unwrap();
    assert_eq!(lease.attempt, 2);
    assert_eq!(
        rig.views.retry(id, &record("job.retry")).await.unwrap(),
        Some(Retry::Refused(JobState::Running))
    );
    assert!(rig.end(lease, succeeded()).await);
    assert_eq!(
        rig.views.retry(id, &record("job.retry")).await.unwrap(),
        Some(Retry::Refused(JobState::Succeeded))
    );
    assert_eq!(rig.view(id).await.attempts.len(), 2);
    assert_eq!(rig.views.retry(JobId::new(), &record("job.retry")).await.unwrap(), None);
    rig.assert_sound().await;
}

#[tokio::test]
async fn what_is_not_due_runs_now() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let scheduled = rig.add("mail.send", |row| row.due = later()).await;
    let retrying = rig.tried("mail.send", retried()).await;
    let free = rig.add("mail.report", |row| (row.due, row.gate) = (later(), Some(gate))).await;
    let limited = rig.add("mail.report", |row| (row.due, row.gate) = (later(), Some(gate))).await;
    let queue = rig.queue("mail.send").await;
    for (id, state, queues) in [
        (scheduled, JobState::Queued, vec![queue]),
        (retrying, JobState::Queued, vec![queue]),
        (free, JobState::Queued, vec![queue]),
        (limited, JobState::Blocked, vec![]),
    ] {
        let done = rig.views.retry(id, &record("job.retry")).await.unwrap();
        assert_eq!(done, Some(Retry::Queued { queues }));
        assert_eq!(rig.state(id).await, state);
    }
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_job_is_unique_and_limited_again_when_it_runs_again() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report:box=1", 1).await.unwrap();
    let unique = || unique("mail.report:k");
    let meta = Some(json!({"key": "mail.report:k", "gate": gate}));
    let first = rig
        .add("mail.report", |row| {
            (row.unique, row.gate, row.meta) = (unique(), Some(gate), meta);
        })
        .await;
    rig.views.cancel(first, None, &record("job.cancel")).await.unwrap();
    let second =
        rig.add("mail.report", |row| (row.unique, row.gate) = (unique(), Some(gate))).await;
    let refused = rig.views.retry(first, &record("job.retry")).await.unwrap_err().to_string();
    assert!(refused.contains(&second.to_string()), "{refused}");
    assert_eq!(rig.state(first).await, JobState::Cancelled, "it stays as it was");
    let gate_holder = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    rig.views.cancel(second, None, &record("job.cancel")).await.unwrap();
    assert_eq!(rig.state(gate_holder).await, JobState::Queued);
    let done = rig.views.retry(first, &record("job.retry")).await.unwrap();
    assert_eq!(done, Some(Retry::Queued { queues: vec![] }));
    assert_eq!(rig.state(first).await, JobState::Blocked);
    let mut third = rig.row("mail.report").await;
    third.unique = unique();
    let existing = rig.insert(std::slice::from_ref(&third)).await;
    assert_eq!(existing.get(&third.id), Some(&first));
    rig.assert_sound().await;
}

#[tokio::test]
async fn what_was_lost_with_its_workers_runs_alone() {
    let mut rig = Rig::new().await;
    let id = rig.tried("mail.send", End::Failed(error("worker_lost"))).await;
    rig.views.retry(id, &record("job.retry")).await.unwrap();
    let view = rig.view(id).await;
    assert!(view.runs_alone && view.state == JobState::Queued);
    assert_eq!(
        rig.views.cancel(id, None, &record("x")).await.unwrap(),
        Some(Cancel::Cancelled { queues: vec![] })
    );
}

#[tokio::test]
async fn only_what_has_ended_is_forgotten_and_then_all_of_it() {
    let mut rig = Rig::new().await;
    let waiting = rig.add("mail.send", |row| row.due = later()).await;
    let refused = rig.views.delete(waiting, &record("job.delete")).await.unwrap();
    assert_eq!(refused, Some(Delete::Refused(JobState::Scheduled)));
    let id = rig.tried("mail.send", failed()).await;
    let lines = vec![(id, 1, at(0), "a line".to_owned())];
    let recorded = Recorded { lines, ..Recorded::default() };
    rig.db.store().jobs().recorder().unwrap().record(&recorded).await.unwrap();
    let done = rig.views.delete(id, &record("job.delete")).await.unwrap();
    assert_eq!(done, Some(Delete::Deleted));
    assert_eq!(rig.views.delete(id, &record("job.delete")).await.unwrap(), None);
    assert!(rig.views.logs(id, None, 10).await.unwrap().is_empty());
    assert_eq!(rig.find(&Filter::default()).await, [waiting]);
    assert_eq!(audited(rig.db.store(), "job.delete").await, 1);
    rig.assert_sound().await;
}

#[tokio::test]
async fn many_are_done_at_once_and_each_batch_is_recorded() {
    let mut rig = Rig::new().await;
    for n in 0..7 {
        rig.add("mail.send", |row| {
            if n % 2 == 0 {
                row.due = later();
            }
        })
        .await;
    }
    let done = rig.tried("mail.sync", succeeded()).await;
    let of_mail = Filter { provider: Some("mail".to_owned()), ..Filter::default() };
    let record = record("job.bulk");
    let first = rig.views.bulk(JobAction::Cancel, &of_mail, 4, &record).await.unwrap();
    assert_eq!((first.done.done, first.done.refused, first.done.more), (4, 0, true));
    let rest = rig.views.bulk(JobAction::Cancel, &of_mail, 4, &record).await.unwrap();
    assert_eq!((rest.done.done, rest.done.refused, rest.done.more), (3, 0, false));
    assert_eq!(audited(rig.db.store(), "job.bulk").await, 2);
    let named = Filter { ids: Some(vec![done]), ..Filter::default() };
    let refused = rig.views.bulk(JobAction::Retry, &named, 4, &record).await.unwrap();
    assert_eq!((refused.done.done, refused.done.refused, refused.done.more), (0, 1, false));
    let retried = rig.views.bulk(JobAction::Retry, &of_mail, 1000, &record).await.unwrap();
    assert_eq!((retried.done.done, retried.queues), (7, vec![rig.queue("mail.send").await]));
    let gone = rig.views.bulk(JobAction::Delete, &of_mail, 1000, &record).await.unwrap();
    assert_eq!(gone.done.done, 1, "what waits again is left alone");
    rig.assert_sound().await;
}

#[tokio::test]
async fn running_jobs_of_a_bulk_are_named_so_that_they_can_be_told() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    rig.take(worker, "mail.send").await.unwrap();
    let filter = Filter { kind: Some("mail.send".to_owned()), ..Filter::default() };
    let bulk = rig.views.bulk(JobAction::Cancel, &filter, 10, &record("job.bulk")).await.unwrap();
    assert_eq!((bulk.asked, bulk.done.done), (vec![id], 1));
}
