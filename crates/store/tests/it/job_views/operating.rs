//! Queues, workers and schedules.

use mindflight_api::ScheduleId;
use mindflight_api::job::Queue;
use mindflight_core::policy::Missed;
use mindflight_store::jobs::NewSchedule;

use super::rig::{ALIVE, Rig, later};
use crate::access::{audited, record};

#[tokio::test]
async fn a_queue_tells_how_much_waits_and_who_works_on_it() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    for _ in 0..3 {
        rig.add("mail.send", |_| ()).await;
    }
    for _ in 0..2 {
        rig.add("mail.report", |row| row.gate = Some(gate)).await;
    }
    rig.add("mail.send", |row| row.due = later()).await;
    rig.add("brief.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    rig.take(worker, "mail.send").await.unwrap();
    let queues = rig.views.queues(ALIVE).await.unwrap();
    let names: Vec<_> =
        queues.iter().map(|queue| (queue.name.as_str(), queue.keeps_history)).collect();
    assert_eq!(names, [("brief", false), ("mail", true)]);
    let mail = &queues[1];
    assert_eq!((mail.queued, mail.running, mail.scheduled, mail.blocked), (3, 1, 1, 1));
    assert_eq!((mail.workers, queues[0].workers), (1, 0));
    assert!(mail.oldest_ms.is_some());
    let alone = rig.views.queue("mail", ALIVE).await.unwrap().unwrap();
    assert!(alone.oldest_ms >= mail.oldest_ms, "time goes on");
    assert_eq!(Queue { oldest_ms: mail.oldest_ms, ..alone }, *mail);
    assert_eq!(rig.views.queue("nothing", ALIVE).await.unwrap(), None);
}

#[tokio::test]
async fn a_paused_queue_says_who_and_why_and_starts_nothing() {
    let mut rig = Rig::new().await;
    let id = rig.add("mail.send", |_| ()).await;
    let worker = rig.worker(&["mail.send"]).await;
    let number = Some(rig.queue("mail.send").await);
    let (paused, resumed) = (record("queue.pause"), record("queue.resume"));
    assert_eq!(
        rig.views.pause_queue("mail", (Some("incident"), None), &paused).await.unwrap(),
        number
    );
    let since = rig.views.queue("mail", ALIVE).await.unwrap().unwrap().paused_at;
    assert_eq!(
        rig.views.pause_queue("mail", (Some("still"), None), &paused).await.unwrap(),
        number
    );
    let queue = rig.views.queue("mail", ALIVE).await.unwrap().unwrap();
    assert_eq!((queue.paused_at, queue.pause_reason.as_deref()), (since, Some("still")));
    assert_eq!(queue.paused_by.as_deref(), Some("command line"));
    let why = rig.view(id).await.paused.unwrap();
    assert_eq!((Some(why.at), why.reason.as_deref()), (since, Some("still")));
    assert!(rig.take(worker, "mail.send").await.is_none());
    assert_eq!(rig.views.resume_queue("mail", &resumed).await.unwrap(), number);
    assert!(rig.view(id).await.paused.is_none());
    assert!(rig.take(worker, "mail.send").await.is_some());
    assert_eq!(rig.views.pause_queue("nothing", (None, None), &paused).await.unwrap(), None);
    assert_eq!(rig.views.resume_queue("nothing", &resumed).await.unwrap(), None);
    assert_eq!(audited(rig.db.store(), "queue.pause").await, 2);
    assert_eq!(audited(rig.db.store(), "queue.resume").await, 1);
}

#[tokio::test]
async fn workers_are_listed_newest_first_with_their_kinds() {
    let mut rig = Rig::new().await;
    let old = rig.worker(&["mail.send", "demo.sleep"]).await;
    let new = rig.worker(&[]).await;
    let workers = rig.views.workers().await.unwrap();
    assert_eq!(workers.iter().map(|worker| worker.id).collect::<Vec<_>>(), [new, old]);
    assert_eq!(workers[1].kinds, ["demo.sleep", "mail.send"]);
    assert_eq!((workers[1].slots, workers[1].running, workers[1].stopping), (8, 0, false));
}

#[tokio::test]
async fn a_paused_schedule_is_not_among_those_that_fire() {
    let mut rig = Rig::new().await;
    let kind = rig.names.kind("mail.sync").await.unwrap();
    let cron = "0 9 * * *".to_owned();
    let declared = NewSchedule { kind, cron, zone: "UTC".to_owned(), missed: Missed::Latest };
    let active = rig.keeper.schedules(std::slice::from_ref(&declared), &[kind]).await.unwrap();
    let id = active[0].id;
    let listed = rig.views.schedules().await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].kind.as_str()), (1, id, "mail.sync"));
    assert_eq!((listed[0].cron.as_str(), listed[0].missed.as_str()), ("0 9 * * *", "latest"));
    assert!(rig.views.pause_schedule(id, &record("schedule.pause")).await.unwrap());
    let paused = rig.views.schedule(id).await.unwrap().unwrap();
    assert_eq!(paused.paused_by.as_deref(), Some("command line"));
    assert!(rig.keeper.schedules(&[declared], &[kind]).await.unwrap().is_empty());
    assert!(rig.views.resume_schedule(id, &record("schedule.resume")).await.unwrap());
    assert!(rig.views.schedule(id).await.unwrap().unwrap().paused_at.is_none());
    let other = ScheduleId::new();
    assert!(!rig.views.pause_schedule(other, &record("schedule.pause")).await.unwrap());
    assert!(!rig.views.resume_schedule(other, &record("schedule.resume")).await.unwrap());
    assert!(rig.views.schedule(other).await.unwrap().is_none());
    assert_eq!(audited(rig.db.store(), "schedule.pause").await, 1);
}
