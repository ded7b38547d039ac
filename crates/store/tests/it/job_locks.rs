//! T10: everything that acts on several jobs at once, on the same jobs at the same moment, each in an order of its own.

use std::time::Duration;

use mindflight_api::{JobId, codes};
use mindflight_core::ports::Lease;
use mindflight_store::Error;
use mindflight_store::jobs::{Due, End, Finished, UniqueKey};

use crate::access::record;
use crate::jobs::{Roles, crash, error};
use crate::past::other;

const ROUNDS: usize = 25;
const JOBS: usize = 60;

/// The same in an order that looks like none.
fn shuffled<T: Clone>(all: &[T], step: usize) -> Vec<T> {
    // The step and the number have no common factor.
    (0..all.len()).map(|at| all[at * step % all.len()].clone()).collect()
}

fn ends(leases: &[Lease], end: &End) -> Vec<Finished> {
    let one = |lease: &Lease| Finished {
        lease: *lease,
        kind: 1,
        end: end.clone(),
        is_tied: true,
        keeps_history: true,
        cause: None,
    };
    leases.iter().map(one).collect()
}

fn key(key: String) -> UniqueKey {
    UniqueKey { key, until_start: false, expires_at: None }
}

/// Somebody else was faster: that is no mistake.
#[track_caller]
fn unless_taken<T>(done: Result<T, Error>) {
    match done {
        Ok(_) | Err(Error::Conflict { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_in_a_circle_when_all_act_on_the_same_jobs_in_other_orders() {
    let mut roles = Roles::new().await;
    let jobs = roles.db.store().jobs();
    let gates =
        [jobs.names().gate("a", 7).await.unwrap(), jobs.names().gate("b", 3).await.unwrap()];
    let views = roles.db.store().job_views();
    let (mut one, mut two) = (jobs.completer().unwrap(), jobs.completer().unwrap());
    let (mut giver, mut second) = (jobs.claimer().unwrap(), jobs.keeper().unwrap());
    let (crash, record) = (crash(), record("job.act"));
    for round in 0..ROUNDS {
        roles.renew().await;
        let made = roles.make(JOBS, |number, row| {
            row.gate = gates.get(number % 3).copied();
            row.unique = (number % 5 == 0).then(|| key(format!("{round} {number}")));
            row.due = if number % 7 == 0 { Due::After(Duration::from_millis(1)) } else { Due::Now };
            row.max_attempts = 1 + u16::try_from(number % 2).unwrap();
        });
        let made = made.await;
        let leases: Vec<Lease> =
            roles.take(JOBS as i64, |_| ()).await.iter().map(|taken| taken.lease).collect();
        let backwards: Vec<Lease> = leases.iter().rev().copied().collect();
        let succeeded = ends(&leases, &End::Succeeded("null".to_owned()));
        let later = End::Retry(Duration::from_millis(1), error(codes::UPSTREAM));
        let retried = ends(&backwards, &later);
        let given = shuffled(&leases, 7);
        let some: Vec<JobId> = shuffled(&made, 11).into_iter().take(20).collect();
        let act = async |forward: bool| {
            for at in 0..some.len() {
                let job = some[if forward { at } else { some.len() - 1 - at }];
                unless_taken(views.cancel(job, None, &record).await);
                unless_taken(views.retry(job, &record).await);
                unless_taken(views.delete(job, &record).await);
            }
        };
        let (a, b, c, d, e, (), ()) = tokio::join!(
            one.complete(&succeeded),
            two.complete(&retried),
            giver.give_back(&given),
            roles.keeper.rescue(Duration::ZERO, &crash),
            second.promote(1000),
            act(true),
            act(false),
        );
        for done in [a.map(drop), b.map(drop), c.map(drop), d.map(drop), e.map(drop)] {
            unless_taken(done);
        }
        assert_eq!(views.misplaced().await.unwrap(), [], "round {round}");
    }
    // Those who end tell what they have seen.
    drop((one, two, giver, second));
    let Roles { db, .. } = roles;
    db.store().close().await;
    let mut admin = other(&db).await;
    let deadlocks: i64 = sqlx::query_scalar(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);
}
