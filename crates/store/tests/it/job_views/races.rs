//! An operator and a worker want the same job at the same moment: one of them gets it.

use mindflight_api::JobState;
use mindflight_store::job_views::{Cancel, Delete, Retry};

use super::rig::{Rig, failed, later, succeeded};
use crate::access::record;

const ROUNDS: usize = 40;

/// T16: a cancel and a claim, and then a cancel and an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_never_runs_and_one_that_runs_is_asked_once() {
    let mut rig = Rig::new().await;
    let worker = rig.worker(&["mail.send"]).await;
    let views = rig.views.clone();
    let record = record("job.cancel");
    for _ in 0..ROUNDS {
        let id = rig.add("mail.send", |_| ()).await;
        let work = async {
            let lease = rig.take(worker, "mail.send").await;
            match lease {
                Some(lease) => (true, rig.end(lease, succeeded()).await),
                None => (false, false),
            }
        };
        let (cancelled, (ran, ended)) = tokio::join!(views.cancel(id, None, &record), work);
        match cancelled.unwrap().unwrap() {
            Cancel::Cancelled { .. } => assert!(!ran),
            Cancel::Asked | Cancel::Final(JobState::Succeeded) => assert!(ran && ended),
            Cancel::Final(state) => panic!("{state:?}"),
        }
    }
    rig.assert_sound().await;
}

/// T16: a cancel and the moment at which a job comes due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_comes_due_is_cancelled_all_the_same() {
    let mut rig = Rig::new().await;
    let views = rig.views.clone();
    let record = record("job.cancel");
    for _ in 0..ROUNDS {
        let due = mindflight_store::jobs::Due::After(std::time::Duration::from_millis(1));
        let id = rig.add("mail.send", |row| row.due = due).await;
        let (cancelled, promoted) =
            tokio::join!(views.cancel(id, None, &record), rig.keeper.promote(10));
        promoted.unwrap();
        assert!(matches!(cancelled.unwrap(), Some(Cancel::Cancelled { .. })));
        assert_eq!(rig.state(id).await, JobState::Cancelled);
    }
    rig.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_act_on_one_job_one_succeeds() {
    let mut rig = Rig::new().await;
    let (one, two) = (rig.views.clone(), rig.views.clone());
    let record = record("job.retry");
    for _ in 0..ROUNDS {
        let id = rig.tried("mail.send", failed()).await;
        let (retried, deleted) = tokio::join!(one.retry(id, &record), two.delete(id, &record));
        let retried = matches!(retried.unwrap(), Some(Retry::Queued { .. }));
        let deleted = matches!(deleted.unwrap(), Some(Delete::Deleted));
        assert!(retried != deleted, "exactly one of them");
        if retried {
            let (a, b) = tokio::join!(one.cancel(id, None, &record), two.cancel(id, None, &record));
            let won = |done| matches!(done, Some(Cancel::Cancelled { .. }));
            assert!(won(a.unwrap()) != won(b.unwrap()));
        }
    }
    rig.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_slot_is_lost_when_jobs_at_a_limit_are_cancelled() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let worker = rig.worker(&["mail.report"]).await;
    let views = rig.views.clone();
    let record = record("job.cancel");
    for _ in 0..ROUNDS {
        let mut jobs = Vec::new();
        for _ in 0..3 {
            jobs.push(rig.add("mail.report", |row| row.gate = Some(gate)).await);
        }
        let lease = rig.take(worker, "mail.report").await.unwrap();
        assert_eq!(lease.job, jobs[0]);
        // The end of the first lets the second in, which is cancelled at the same time: the third is next then.
        let (ended, cancelled) =
            tokio::join!(rig.end(lease, succeeded()), views.cancel(jobs[1], None, &record));
        assert!(ended && matches!(cancelled.unwrap(), Some(Cancel::Cancelled { .. })));
        let lease = rig.take(worker, "mail.report").await.unwrap();
        assert_eq!(lease.job, jobs[2]);
        assert!(rig.end(lease, succeeded()).await);
    }
    rig.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_hastened_and_cancelled_ends_in_one_place() {
    let mut rig = Rig::new().await;
    let (one, two) = (rig.views.clone(), rig.views.clone());
    let record = record("job.retry");
    for _ in 0..ROUNDS {
        let id = rig.add("mail.send", |row| row.due = later()).await;
        let (cancelled, retried) =
            tokio::join!(one.cancel(id, None, &record), two.retry(id, &record));
        assert!(matches!(cancelled.unwrap(), Some(Cancel::Cancelled { .. })));
        assert!(matches!(retried.unwrap(), Some(Retry::Queued { .. })), "before, or again after");
    }
    rig.assert_sound().await;
}
