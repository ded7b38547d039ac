//! T2: whoever takes the jobs of a dead worker is held up between any two of its steps, and meanwhile the worker says that
//! it has ended them: one of the two has its way, and the other changes nothing.

use std::time::Duration;

use mindflight_api::{JobState, codes};
use mindflight_core::ports::Lease;
use mindflight_store::jobs::{End, Finished, Rescued};
use sqlx::PgConnection;

use crate::jobs::{Roles, crash, error};
use crate::past::{other, run};

const PATIENCE: Duration = Duration::from_secs(20);

/// The names of the connections, as the server lists them.
const KEEPER: &str = "mindflight-test-keeper";
const COMPLETER: &str = "mindflight-test-completer";

/// Holds what the rescue needs before it declares anybody dead, after it has looked whether that is needed.
const BEFORE_BURIAL: &str = "BEGIN; LOCK TABLE mindflight.worker IN EXCLUSIVE MODE";
/// Holds what it needs last, after it has taken the jobs.
const BEFORE_END: &str = "BEGIN; LOCK TABLE mindflight.cancel_request IN EXCLUSIVE MODE";
/// Holds what the end of a limited job needs last.
const GATE: &str = "BEGIN; SELECT id FROM mindflight.gate FOR UPDATE";

/// Waits until this connection waits for a lock.
async fn waits(watch: &mut PgConnection, name: &str) {
    let waiting = async {
        loop {
            let count: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'",
            )
            .bind(name)
            .fetch_one(&mut *watch)
            .await
            .unwrap();
            if count > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("{name} does not wait"));
}

fn finished(lease: Lease, end: End, is_tied: bool) -> Finished {
    Finished { lease, kind: 1, end, is_tied, keeps_history: true, cause: None }
}

fn done() -> End {
    End::Succeeded("null".to_owned())
}

/// How a worker may say that an attempt has ended, each with whether its job holds a key or a slot.
fn ends() -> [(End, bool); 5] {
    [
        (done(), false),
        (done(), true),
        (End::Failed(error(codes::UPSTREAM)), false),
        (End::Retry(Duration::from_secs(3600), error(codes::UPSTREAM)), false),
        (End::Returned, false),
    ]
}

async fn count(roles: &Roles, state: JobState) -> u64 {
    let counts = roles.db.store().job_views().counts(None, None, None).await.unwrap();
    counts.counts.get(&state).copied().unwrap_or_default()
}

async fn assert_placed(roles: &Roles) {
    assert_eq!(roles.db.store().job_views().misplaced().await.unwrap(), []);
}

#[tokio::test]
async fn what_ends_between_the_look_and_the_burial_has_ended() {
    let mut roles = Roles::new().await;
    let (mut holder, mut watch) = (other(&roles.db).await, other(&roles.db).await);
    roles.make(1, |_, _| ()).await;
    let lease = roles.take(1, |_| ()).await[0].lease;
    run(&mut holder, BEFORE_BURIAL).await;
    let (keeper, completer) = (&mut roles.keeper, &mut roles.completer);
    let (crash, batch) = (crash(), [finished(lease, done(), true)]);
    let (rescued, ended) = tokio::join!(keeper.rescue(Duration::ZERO, &crash), async {
        waits(&mut watch, KEEPER).await;
        let ended = completer.complete(&batch).await.unwrap().count;
        run(&mut holder, "COMMIT").await;
        ended
    });
    let rescued = rescued.unwrap();
    assert_eq!((ended, rescued.workers.len(), rescued.again + rescued.ended), (1, 1, 0));
    assert_eq!(count(&roles, JobState::Succeeded).await, 1);
    assert_placed(&roles).await;
}

#[tokio::test]
async fn what_was_taken_from_a_worker_is_not_ended_by_it_however_it_says_so() {
    let mut roles = Roles::new().await;
    let (mut holder, mut watch) = (other(&roles.db).await, other(&roles.db).await);
    for (end, is_tied) in ends() {
        let made = roles.make(1, |_, _| ()).await;
        roles.renew().await;
        let lease = roles.take(1, |_| ()).await[0].lease;
        assert_eq!(lease.job, made[0]);
        run(&mut holder, BEFORE_END).await;
        let (keeper, completer) = (&mut roles.keeper, &mut roles.completer);
        let (crash, batch) = (crash(), [finished(lease, end, is_tied)]);
        let (rescued, ended, ()) = tokio::join!(
            keeper.rescue(Duration::ZERO, &crash),
            async {
                waits(&mut watch, KEEPER).await;
                completer.complete(&batch).await.unwrap().count
            },
            async {
                let mut watch = other(&roles.db).await;
                waits(&mut watch, COMPLETER).await;
                run(&mut holder, "COMMIT").await;
            },
        );
        assert_eq!((rescued.unwrap().again, ended), (1, 0), "{batch:?}");
        assert_eq!(count(&roles, JobState::Queued).await, 1, "{batch:?}");
        // Another worker has it by now, and the first one says it again.
        roles.renew().await;
        let next = roles.take(1, |claim| claim.lane = mindflight_store::jobs::Lane::Suspect).await;
        assert_eq!(roles.completer.complete(&batch).await.unwrap().count, 0);
        assert_eq!(count(&roles, JobState::Running).await, 1);
        let batch = [finished(next[0].lease, done(), is_tied)];
        assert_eq!(roles.completer.complete(&batch).await.unwrap().count, 1);
        assert_placed(&roles).await;
    }
    assert_eq!(count(&roles, JobState::Succeeded).await, ends().len() as u64);
}

#[tokio::test]
async fn an_end_that_is_being_written_is_passed_over_and_counts() {
    let mut roles = Roles::new().await;
    let (mut holder, mut watch) = (other(&roles.db).await, other(&roles.db).await);
    let gate = roles.db.store().jobs().names().gate("mail.send", 1).await.unwrap();
    roles.make(2, |_, row| row.gate = Some(gate)).await;
    let lease = roles.take(1, |_| ()).await[0].lease;
    run(&mut holder, GATE).await;
    let (keeper, completer) = (&mut roles.keeper, &mut roles.completer);
    let (crash, batch) = (crash(), [finished(lease, done(), true)]);
    let (ended, rescued) = tokio::join!(completer.complete(&batch), async {
        waits(&mut watch, COMPLETER).await;
        let rescued = keeper.rescue(Duration::ZERO, &crash).await.unwrap();
        run(&mut holder, "COMMIT").await;
        rescued
    });
    assert_eq!((rescued.workers.len(), rescued.again + rescued.ended), (1, 0));
    assert_eq!(ended.unwrap().count, 1);
    assert_eq!(roles.keeper.rescue(Duration::ZERO, &crash).await.unwrap(), Rescued::default());
    assert_eq!(count(&roles, JobState::Succeeded).await, 1);
    assert_eq!(count(&roles, JobState::Queued).await, 1, "the other one has the slot");
    assert_placed(&roles).await;
}

/// The worker's connection breaks while it writes down an end that a rescue has passed over.
#[tokio::test]
async fn an_end_that_was_passed_over_and_came_to_nothing_is_found_by_the_next_rescue() {
    let mut roles = Roles::new().await;
    let (mut holder, mut watch) = (other(&roles.db).await, other(&roles.db).await);
    let gate = roles.db.store().jobs().names().gate("mail.send", 1).await.unwrap();
    roles.make(2, |_, row| row.gate = Some(gate)).await;
    let lease = roles.take(1, |_| ()).await[0].lease;
    run(&mut holder, GATE).await;
    let (keeper, completer) = (&mut roles.keeper, &mut roles.completer);
    let (crash, batch) = (crash(), [finished(lease, done(), true)]);
    let (ended, passed_over) = tokio::join!(completer.complete(&batch), async {
        waits(&mut watch, COMPLETER).await;
        let rescued = keeper.rescue(Duration::ZERO, &crash).await.unwrap();
        run(
            &mut watch,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'mindflight-test-completer'",
        )
        .await;
        rescued
    });
    assert!(ended.is_err(), "{ended:?}");
    assert_eq!(passed_over.again + passed_over.ended, 0);
    run(&mut holder, "COMMIT").await;
    let rescued = roles.keeper.rescue(Duration::ZERO, &crash).await.unwrap();
    assert_eq!((rescued.again, rescued.ended), (1, 0));
    assert_eq!(roles.completer.complete(&batch).await.unwrap().count, 0);
    assert_eq!(count(&roles, JobState::Queued).await, 1, "it has kept its slot");
    assert_eq!(count(&roles, JobState::Blocked).await, 1);
    assert_placed(&roles).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_rescue_at_once_each_takes_what_the_other_does_not() {
    let mut roles = Roles::new().await;
    let mut second = roles.db.store().jobs().keeper().unwrap();
    let crash = crash();
    for _ in 0..20 {
        roles.make(20, |_, _| ()).await;
        assert_eq!(roles.take(20, |_| ()).await.len(), 20);
        let (one, two) = tokio::join!(
            roles.keeper.rescue(Duration::ZERO, &crash),
            second.rescue(Duration::ZERO, &crash)
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        // Whoever comes second may still find jobs of a worker that the first has buried.
        let rest = roles.keeper.rescue(Duration::ZERO, &crash).await.unwrap();
        assert_eq!(one.again + two.again + rest.again, 20);
        assert_eq!(one.workers.len() + two.workers.len(), 1);
        assert_placed(&roles).await;
        roles.renew().await;
    }
}
