//! What the board says when the database, the disk, providers or calls are unwell.

use std::collections::VecDeque;

use async_trait::async_trait;
use mindflight_core::ports::SystemClock;
use mindflight_store::Error;

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

/// A database that answers from a list: how it answers a ping, and what it says is missing.
#[derive(Default)]
struct Scripted(Mutex<VecDeque<Answer>>);

enum Answer {
    Fine(Vec<&'static str>),
    Away,
    Frozen,
}

impl Scripted {
    fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Mutex::new(answers.into_iter().collect()))
    }
}

#[async_trait]
impl Database for Scripted {
    async fn ping(&self) -> Result<Duration, Error> {
        let frozen = match self.0.lock().unwrap().front() {
            Some(Answer::Fine(_)) => return Ok(Duration::from_micros(1230)),
            Some(Answer::Frozen) => true,
            Some(Answer::Away) | None => false,
        };
        if frozen {
            std::future::pending::<()>().await;
        }
        Err(Error::Unavailable("connection refused to 10.0.0.1".into()))
    }

    async fn pending(&self) -> Result<Vec<String>, Error> {
        match self.0.lock().unwrap().pop_front() {
            Some(Answer::Fine(missing)) => Ok(missing.into_iter().map(str::to_owned).collect()),
            Some(Answer::Away | Answer::Frozen) | None => Err(Error::Unavailable("gone".into())),
        }
    }
}

fn beside() -> Beside {
    Beside { now: SystemClock.now(), unwell: BTreeMap::new(), stuck: BTreeMap::new() }
}

fn detail(health: &Health, check: &str) -> String {
    health.checks[check].detail.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_database_that_goes_away_makes_the_instance_unhealthy_until_it_is_back() {
    let board = Board::new();
    assert_eq!(board.ready(false), Ok(()));

    board.ask_database(&Scripted::of([Answer::Away]), &SystemClock, LIMIT).await;
    let health = board.health(&beside());
    assert_eq!(
        (health.status, health.checks["database"].status),
        (Status::Unhealthy, Status::Unhealthy)
    );
    let text = detail(&health, "database");
    assert!(
        text.starts_with("the database cannot be reached, since 2") && !text.contains("10.0.0.1"),
        "{text}"
    );
    assert_eq!(board.ready(false), Err(text));

    board.ask_database(&Scripted::of([Answer::Fine(vec![])]), &SystemClock, LIMIT).await;
    let health = board.health(&beside());
    assert_eq!((health.status, health.checks["database"].latency), (Status::Healthy, Some(1.23)));
    assert_eq!(board.ready(false), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_database_counts_as_away_when_the_limit_is_over() {
    let board = Board::new();
    board.ask_database(&Scripted::of([Answer::Frozen]), &SystemClock, LIMIT).await;
    let text = detail(&board.health(&beside()), "database");
    assert!(text.starts_with("the database did not answer within 5 s"), "{text}");
}

#[tokio::test]
async fn missing_migrations_keep_it_from_being_ready_and_are_asked_for_until_none_is_missing() {
    let board = Board::new();
    let database = Scripted::of([
        Answer::Fine(vec!["3_audit"]),
        Answer::Fine(vec![]),
        Answer::Fine(vec!["never asked"]),
    ]);
    board.ask_database(&database, &SystemClock, LIMIT).await;
    assert_eq!(board.ready(false), Err("migrations are missing: 3_audit".to_owned()));
    for _ in 0..2 {
        board.ask_database(&database, &SystemClock, LIMIT).await;
        assert_eq!(board.ready(false), Ok(()));
    }
    assert_eq!(database.0.lock().unwrap().len(), 1);
}

#[test]
fn a_server_that_drains_is_not_ready_and_yet_healthy() {
    let board = Board::new();
    assert_eq!(board.ready(true), Err("the server is shutting down".to_owned()));
    assert_eq!(board.health(&beside()).status, Status::Healthy);
}

#[test]
fn checks_that_stand_still_are_not_believed() {
    let board = Board::new();
    board.state().good_for = Duration::ZERO;
    let health = board.health(&beside());
    assert_eq!(health.status, Status::Unhealthy);
    assert!(
        detail(&health, "database").contains("threads of the engine are blocked"),
        "{health:?}"
    );
    assert!(board.ready(false).is_err());
}

#[test]
fn unwell_providers_and_stuck_calls_only_degrade() {
    let board = Board::new();
    let unwell = BTreeMap::from([("weather".to_owned(), "the vendor is away".to_owned())]);
    let stuck = BTreeMap::from([("demo_block".to_owned(), 2)]);
    let health = board.health(&Beside { unwell, stuck, ..beside() });
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(detail(&health, "provider.weather"), "the vendor is away");
    assert!(detail(&health, "calls").contains("`demo_block` (2)"), "{health:?}");
    assert_eq!(board.ready(false), Ok(()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_degrades_and_none_is_no_fault() {
    let board = Board::new();
    board.probe_storage(None, &SystemClock).await;
    assert_eq!(detail(&board.health(&beside()), "storage"), "no data folder");

    let folder = tempfile::tempdir().unwrap();
    board.probe_storage(Some(folder.path()), &SystemClock).await;
    assert!(board.health(&beside()).checks["storage"].latency.is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the probe is left behind");

    board.probe_storage(Some(&folder.path().join("gone")), &SystemClock).await;
    let health = board.health(&beside());
    assert_eq!(health.status, Status::Degraded);
    assert!(detail(&health, "storage").contains("cannot be written to"), "{health:?}");
}
