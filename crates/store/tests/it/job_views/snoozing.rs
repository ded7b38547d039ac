//! Jobs that are put off by hand.

use std::time::Duration;

use mindflight_api::{JobId, JobState};
use mindflight_store::job_views::{Snooze, Until};

use super::rig::{Rig, later, retried, succeeded};
use crate::access::{at, audited, record};

const HOUR: Until = Until::After(Duration::from_secs(3600));

#[tokio::test]
async fn whatever_waits_is_put_off_until_another_time() {
    let mut rig = Rig::new().await;
    let queued = rig.add("mail.send", |_| ()).await;
    let scheduled = rig.add("mail.send", |row| row.due = later()).await;
    let retrying = rig.tried("mail.sync", retried()).await;
    let time = at(1_000_000_000);
    for (id, state) in [
        (queued, JobState::Scheduled),
        (scheduled, JobState::Scheduled),
        (retrying, JobState::Retrying),
    ] {
        let done = rig.views.snooze(id, Until::At(time), &record("job.snooze")).await.unwrap();
        assert_eq!(done, Some(Snooze::PutOff { queues: vec![] }));
        let view = rig.view(id).await;
        assert_eq!((view.state, view.run_at), (state, Some(time)));
    }
    assert!(rig.view(retrying).await.is_put_off);
    assert_eq!(audited(rig.db.store(), "job.snooze").await, 3);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_job_that_is_put_off_gives_its_slot_to_another_and_gets_it_back() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let queue = rig.queue("mail.report").await;
    let first = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let second = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let third = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let record = record("job.snooze");
    let done = rig.views.snooze(first, HOUR, &record).await.unwrap();
    assert_eq!(done, Some(Snooze::PutOff { queues: vec![queue] }));
    assert_eq!(rig.state(second).await, JobState::Queued);
    let done = rig.views.snooze(third, HOUR, &record).await.unwrap();
    assert_eq!(done, Some(Snooze::PutOff { queues: vec![] }));
    assert_eq!(rig.state(third).await, JobState::Scheduled);
    let now = Until::After(Duration::ZERO);
    rig.views.snooze(first, now, &record).await.unwrap();
    rig.keeper.promote(10).await.unwrap();
    assert_eq!(rig.state(first).await, JobState::Blocked, "the slot is taken");
    rig.assert_sound().await;
}

#[tokio::test]
async fn what_runs_has_ended_or_is_not_there_is_not_put_off() {
    let mut rig = Rig::new().await;
    let done = rig.tried("mail.send", succeeded()).await;
    let running = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    rig.take(worker, "mail.send").await.unwrap();
    let record = record("job.snooze");
    for (id, state) in [(done, JobState::Succeeded), (running, JobState::Running)] {
        let refused = rig.views.snooze(id, HOUR, &record).await.unwrap();
        assert_eq!(refused, Some(Snooze::Refused(state)));
    }
    assert_eq!(rig.views.snooze(JobId::new(), HOUR, &record).await.unwrap(), None);
    assert_eq!(audited(rig.db.store(), "job.snooze").await, 0);
}

#[tokio::test]
async fn a_job_that_waits_for_others_is_not_put_off() {
    let mut rig = Rig::new().await;
    let parent = rig.add("mail.send", |row| row.due = later()).await;
    let waits = rig.add("mail.send", |row| row.after = vec![parent]).await;
    let refused = rig.views.snooze(waits, HOUR, &record("job.snooze")).await.unwrap();
    assert_eq!(refused, Some(Snooze::Refused(JobState::Blocked)));
    rig.assert_sound().await;
}
