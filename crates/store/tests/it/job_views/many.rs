//! One action on many jobs: done together, with what each of them would have come to by itself.

use mindflight_api::job::JobAction;
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Lease;
use mindflight_store::Error;
use mindflight_store::job_views::{Errand, Filter, Reached};
use mindflight_store::jobs::{NewRow, UniqueKey};

use super::rig::{Rig, error, failed, later, retried, succeeded};
use crate::access::{audited, record};

const KIND: &str = "mindflight.bulk";

fn of(provider: &str) -> Filter {
    Filter { provider: Some(provider.to_owned()), ..Filter::default() }
}

fn key(key: &str) -> Option<UniqueKey> {
    Some(UniqueKey { key: key.to_owned(), until_start: false, expires_at: None })
}

impl Rig {
    /// So many jobs of this kind that are not due.
    async fn put_by(&mut self, kind: &str, count: usize) -> Vec<JobId> {
        let like = self.row(kind).await;
        let row = |_| NewRow { id: JobId::new(), due: later(), ..like.clone() };
        let rows: Vec<NewRow> = (0..count).map(row).collect();
        assert!(self.insert(&rows).await.is_empty());
        rows.into_iter().map(|row| row.id).collect()
    }

    /// An attempt at a job that does something to others.
    async fn errand(&mut self, action: JobAction, filter: Filter) -> Errand {
        self.add(KIND, |_| ()).await;
        let worker = self.worker(&[KIND]).await;
        let lease = self.take(worker, KIND).await.unwrap();
        Errand { lease, action, filter, kind: KIND.to_owned(), record: record("job.cancel") }
    }

    /// Does all that is left of it.
    async fn through(&self, errand: &Errand, mut reached: Reached) -> Reached {
        let errands = self.views.errands();
        while !reached.is_over {
            reached = errands.step(errand, &reached).await.unwrap().0;
        }
        reached
    }

    async fn states(&self, ids: &[JobId]) -> Vec<JobState> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.state(*id).await);
        }
        states
    }
}

#[tokio::test]
async fn jobs_that_wait_anywhere_or_run_are_cancelled_by_one_filter() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let holder = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let blocked = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let running = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    assert_eq!(rig.take(worker, "mail.send").await.unwrap().job, running);
    let retrying = rig.tried("mail.sync", retried()).await;
    let ended = rig.tried("mail.sync", succeeded()).await;
    let unique = rig.add("mail.send", |row| row.unique = key("mail.send:k")).await;
    let scheduled = rig.put_by("mail.send", 3).await;
    let other = rig.add("post.send", |_| ()).await;
    let bulk = rig.views.bulk(JobAction::Cancel, &of("mail"), 1000, &record("job.cancel")).await;
    let bulk = bulk.unwrap();
    assert_eq!((bulk.done.done, bulk.done.refused, bulk.done.more), (8, 0, false));
    assert_eq!(bulk.asked, [running]);
    for id in [holder, blocked, retrying, unique].into_iter().chain(scheduled) {
        let view = rig.view(id).await;
        let detail = view.error.unwrap().detail;
        assert_eq!(
            (view.state, detail.as_str()),
            (JobState::Cancelled, "cancelled by command line")
        );
    }
    assert!(rig.view(running).await.cancel_requested);
    assert_eq!(rig.states(&[ended, other]).await, [JobState::Succeeded, JobState::Queued]);
    // One for those that were done together, and one for each that takes part in a limit.
    assert_eq!(audited(rig.db.store(), "job.cancel").await, 3);
    rig.add("mail.send", |row| row.unique = key("mail.send:k")).await;
    rig.assert_sound().await;
}

#[tokio::test]
async fn jobs_run_again_by_one_filter_as_they_would_by_hand() {
    let mut rig = Rig::new().await;
    let failed_one = rig.tried("mail.send", failed()).await;
    let end = mindflight_store::jobs::End::Failed(error("worker_lost"));
    let lost = rig.tried("mail.send", end).await;
    let cancelled = rig.add("mail.send", |_| ()).await;
    rig.views.cancel(cancelled, None, &record("job.cancel")).await.unwrap();
    let [scheduled] = rig.put_by("mail.send", 1).await[..] else { panic!() };
    let retrying = rig.tried("mail.send", retried()).await;
    let done = rig.tried("mail.send", succeeded()).await;
    let bulk = rig.views.bulk(JobAction::Retry, &of("mail"), 1000, &record("job.retry")).await;
    let bulk = bulk.unwrap();
    assert_eq!((bulk.done.done, bulk.done.refused), (5, 0));
    assert_eq!(bulk.queues, [rig.queue("mail.send").await]);
    let queued = [JobState::Queued; 5];
    assert_eq!(rig.states(&[failed_one, lost, cancelled, scheduled, retrying]).await, queued);
    let view = rig.view(failed_one).await;
    assert_eq!((view.attempt, view.max_attempts, view.attempts.len()), (1, 4, 1));
    assert!(rig.view(lost).await.runs_alone && !view.runs_alone);
    assert_eq!(rig.state(done).await, JobState::Succeeded);
    assert_eq!(audited(rig.db.store(), "job.retry").await, 1);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_unique_key_that_is_taken_is_that_jobs_matter_alone() {
    let mut rig = Rig::new().await;
    let meta = Some(serde_json::json!({"key": "mail.send:k"}));
    let first = rig
        .add("mail.send", |row| (row.unique, row.meta) = (key("mail.send:k"), meta.clone()))
        .await;
    let plain = rig.add("mail.send", |_| ()).await;
    rig.views.bulk(JobAction::Cancel, &of("mail"), 1000, &record("job.cancel")).await.unwrap();
    let second = rig.add("mail.send", |row| row.unique = key("mail.send:k")).await;
    let bulk = rig.views.bulk(JobAction::Retry, &of("mail"), 1000, &record("job.retry")).await;
    let bulk = bulk.unwrap();
    assert_eq!((bulk.done.done, bulk.done.refused), (1, 1));
    let expected = [JobState::Cancelled, JobState::Queued, JobState::Queued];
    assert_eq!(rig.states(&[first, plain, second]).await, expected);
    rig.assert_sound().await;
}

#[tokio::test]
async fn nothing_is_left_of_many_deleted_jobs_or_of_those_without_history() {
    let mut rig = Rig::new().await;
    rig.tried("mail.send", succeeded()).await;
    rig.tried("mail.send", failed()).await;
    let waiting = rig.add("mail.send", |_| ()).await;
    rig.put_by("brief.send", 3).await;
    let record = record("job.delete");
    let gone = rig.views.bulk(JobAction::Delete, &of("mail"), 1000, &record).await.unwrap();
    assert_eq!((gone.done.done, gone.done.refused), (2, 0));
    let gone = rig.views.bulk(JobAction::Cancel, &of("brief"), 1000, &record).await.unwrap();
    assert_eq!((gone.done.done, gone.done.refused), (3, 0));
    assert_eq!(rig.find(&Filter::default()).await, [waiting]);
    rig.assert_sound().await;
}

#[tokio::test]
async fn an_errand_goes_on_where_the_attempt_before_it_stopped() {
    let mut rig = Rig::new().await;
    rig.put_by("mail.send", 1201).await;
    let errand = rig.errand(JobAction::Cancel, of("mail")).await;
    let after = rig.put_by("mail.send", 1).await;
    let errands = rig.views.errands();
    let begun = errands.reached(&errand).await.unwrap();
    assert_eq!(begun, Reached { total: Some(1201), ..Reached::default() });
    let (first, bulk) = errands.step(&errand, &begun).await.unwrap();
    assert_eq!((first.done, first.is_over, bulk.done.done), (500, false, 500));
    // Whoever goes on knows nothing but what is in the database.
    let found = errands.reached(&errand).await.unwrap();
    assert_eq!(found, first);
    let progress = rig.view(errand.lease.job).await.progress.unwrap();
    assert_eq!((progress.done, progress.total), (500.0, Some(1201.0)));
    assert_eq!(progress.message.as_deref(), Some("500 cancelled"));
    let end = rig.through(&errand, found).await;
    assert_eq!((end.done, end.refused), (1201, 0));
    assert_eq!(errands.reached(&errand).await.unwrap(), end);
    let made_later = rig.state(after[0]).await;
    assert_eq!(made_later, JobState::Scheduled, "it was made after the errand");
    assert_eq!(audited(rig.db.store(), "job.bulk").await, 1);
    rig.assert_sound().await;
}

#[tokio::test]
async fn errands_leave_each_other_alone() {
    let mut rig = Rig::new().await;
    let waits = rig.add(KIND, |row| row.due = later()).await;
    rig.put_by("mail.send", 2).await;
    let states = vec![JobState::Scheduled, JobState::Running];
    let errand = rig.errand(JobAction::Cancel, Filter { states, ..Filter::default() }).await;
    let end = rig.through(&errand, Reached::default()).await;
    assert_eq!((end.done, end.refused), (2, 0));
    assert_eq!(rig.state(waits).await, JobState::Scheduled);
    assert!(!rig.view(errand.lease.job).await.cancel_requested);
}

#[tokio::test]
async fn an_errand_that_another_worker_has_does_nothing() {
    let mut rig = Rig::new().await;
    let ids = rig.put_by("mail.send", 2).await;
    let errand = rig.errand(JobAction::Cancel, of("mail")).await;
    let lease = Lease { worker: errand.lease.worker + 1, ..errand.lease };
    let stale = Errand { lease, ..errand.clone() };
    let refused = rig.views.errands().step(&stale, &Reached::default()).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert_eq!(rig.states(&ids).await, [JobState::Scheduled; 2]);
    assert_eq!(rig.through(&errand, Reached::default()).await.done, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_errands_about_the_same_jobs_do_each_of_them_once() {
    let mut rig = Rig::new().await;
    rig.put_by("mail.send", 1500).await;
    let one = rig.errand(JobAction::Cancel, of("mail")).await;
    let two = rig.errand(JobAction::Cancel, of("mail")).await;
    let (a, b) =
        tokio::join!(rig.through(&one, Reached::default()), rig.through(&two, Reached::default()),);
    assert_eq!(a.done + b.done, 1500, "{a:?} {b:?}");
    rig.assert_sound().await;
}

/// T16, for many: each job is either taken or cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_are_taken_meanwhile_are_asked_to_stop() {
    let mut rig = Rig::new().await;
    let worker = rig.worker(&["mail.send"]).await;
    let like = rig.row("mail.send").await;
    let rows: Vec<NewRow> = (0..300).map(|_| NewRow { id: JobId::new(), ..like.clone() }).collect();
    rig.insert(&rows).await;
    let (views, record, filter) = (rig.views.clone(), record("job.cancel"), of("mail"));
    let taking = async {
        let mut taken = Vec::new();
        while let Some(lease) = rig.take(worker, "mail.send").await {
            taken.push(lease.job);
        }
        taken
    };
    let (bulk, mut taken) =
        tokio::join!(views.bulk(JobAction::Cancel, &filter, 1000, &record), taking);
    let bulk = bulk.unwrap();
    assert_eq!((bulk.done.done, bulk.done.refused), (300, 0));
    let mut asked = bulk.asked;
    asked.sort_unstable();
    taken.sort_unstable();
    assert_eq!(asked, taken);
    rig.assert_sound().await;
}
