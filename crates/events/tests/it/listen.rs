//! Hints between processes, on connections that break, freeze, or deliver nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mindflight_api::JobId;
use mindflight_events::Settings;
use mindflight_store::admin::Admin;
use mindflight_store::signal::Signal;
use mindflight_testapp::{TestDb, Wire};

use crate::peers::{Logged, Peer, eventually, hinted, next};

/// What the server's list of connections calls the connection of a log.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'mindflight-listen'";

async fn pair(db: &TestDb) -> (Peer, Peer) {
    let one = Peer::start(db.store(), hinted(db.url()));
    let other = Peer::start(db.store(), hinted(db.url()));
    one.listens().await;
    other.listens().await;
    (one, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_the_other_processes_without_a_poll() {
    let db = TestDb::new().await;
    let (one, other) = pair(&db).await;
    let (mut here, mut there) = (one.reader(), other.reader());
    for number in 0..20 {
        one.publish(number).await;
        assert_eq!((next(&mut here).await, next(&mut there).await), (number, number));
    }
    other.publish(20).await;
    assert_eq!((next(&mut here).await, next(&mut there).await), (20, 20));
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jobs_need_to_know_is_told_to_the_others_alone() {
    let db = TestDb::new().await;
    let (one, other) = pair(&db).await;
    // What was said while nobody listened may be lost: each looks once when it begins to.
    assert_eq!((one.heard(), other.heard()), (vec![Signal::Scheduled], vec![Signal::Scheduled]));

    let mut admin = Admin::connect(&db.settings()).await.unwrap();
    let garbage = "SELECT pg_notify('mindflight_jobs', 'ready x'), pg_notify('mindflight_jobs', ''),
                          pg_notify('mindflight_control', 'cancel nobody'), pg_notify('mindflight_events', 'head')";
    admin.run(garbage).await.unwrap();

    let job = JobId::new();
    let signals = one.log.signals();
    signals.send(Signal::Ready(vec![3, 1]));
    signals.send(Signal::Scheduled);
    signals.send(Signal::Limits);
    signals.send(Signal::Cancel(job));
    let all = [Signal::Ready(vec![1, 3]), Signal::Scheduled, Signal::Limits, Signal::Cancel(job)];
    let heard = Mutex::new(Vec::new());
    eventually("all of it is heard", async || {
        let mut heard = heard.lock().unwrap();
        heard.extend(other.heard());
        all.iter().all(|signal| match signal {
            // They may come one by one.
            Signal::Ready(queues) => queues.iter().all(|queue| {
                heard.iter().any(|one| matches!(one, Signal::Ready(some) if some.contains(queue)))
            }),
            Signal::Scheduled | Signal::Limits | Signal::Cancel(_) => heard.contains(signal),
        })
    })
    .await;
    assert_eq!(heard.lock().unwrap().len(), all.len(), "{heard:?}");
    // By now its own would have come, too.
    other.log.signals().send(Signal::Scheduled);
    let own = Mutex::new(Vec::new());
    eventually("the answer is heard", async || {
        own.lock().unwrap().extend(one.heard());
        !own.lock().unwrap().is_empty()
    })
    .await;
    assert_eq!(*own.lock().unwrap(), [Signal::Scheduled]);
}

/// T5: the connection is cut again and again, also while it is being made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_the_connection_is_cut_again_and_again() {
    const EVENTS: u64 = 200;
    let db = TestDb::new().await;
    let (one, other) = pair(&db).await;
    let mut admin = Admin::connect(&db.settings()).await.unwrap();
    let (mut here, mut there) = (one.reader(), other.reader());
    let is_published = AtomicBool::new(false);
    let publish = async {
        for number in 0..EVENTS {
            if number % 2 == 0 { one.publish(number).await } else { other.publish(number).await }
        }
        is_published.store(true, Ordering::SeqCst);
    };
    let cut = async {
        while !is_published.load(Ordering::SeqCst) {
            admin.run(CUT).await.unwrap();
        }
    };
    let read = async {
        for number in 0..EVENTS {
            assert_eq!((next(&mut here).await, next(&mut there).await), (number, number));
        }
    };
    futures::join!(publish, cut, read);

    one.listens().await;
    other.listens().await;
    one.publish(EVENTS).await;
    assert_eq!((next(&mut here).await, next(&mut there).await), (EVENTS, EVENTS));
}

/// T6: bytes are swallowed, and nothing breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_swallows_everything_is_noticed_and_replaced() {
    let db = TestDb::new().await;
    let wire = Wire::new(&db, "swallowed").await;
    let one = Peer::start(db.store(), hinted(db.url()));
    let other = Peer::start(db.store(), hinted(wire.url()));
    one.listens().await;
    other.listens().await;
    let mut there = other.reader();
    one.publish(0).await;
    assert_eq!(next(&mut there).await, 0);

    wire.freeze("mindflight-listen");
    one.publish(1).await;
    other.is_cut().await;
    one.publish(2).await;
    wire.thaw();
    other.listens().await;
    assert_eq!((next(&mut there).await, next(&mut there).await), (1, 2));
    one.publish(3).await;
    assert_eq!(next(&mut there).await, 3);
}

#[tokio::test]
async fn an_address_that_delivers_nothing_is_named_with_what_to_do() {
    let (logged, _guard) = Logged::here();
    let db = TestDb::new().await;
    let wire = Wire::new(&db, "deaf").await;
    wire.deafen();
    let mut settings = hinted(wire.url());
    settings.check_timeout = Duration::from_millis(300);
    let peer = Peer::start(db.store(), settings);
    eventually("it says so", async || {
        let line = logged.line("does not deliver notifications");
        line.is_some_and(|line| line.contains("DATABASE_DIRECT_URL"))
    })
    .await;
    assert_eq!(peer.log.is_listening(), Some(false));
    peer.stop().await;
}

#[tokio::test]
async fn without_a_connection_hints_are_dropped_and_stopping_is_quick() {
    let db = TestDb::new().await;
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let away = Peer::start(db.store(), hinted(nowhere));
    away.log.signals().send(Signal::Scheduled);
    assert_eq!(away.log.is_listening(), Some(false));
    away.stop().await;

    let alone = Peer::start(db.store(), Settings::default());
    alone.log.signals().send(Signal::Scheduled);
    assert_eq!(alone.log.is_listening(), None);
    alone.publish(1).await;
    assert_eq!(next(&mut alone.reader()).await, 1);
    alone.stop().await;
}
