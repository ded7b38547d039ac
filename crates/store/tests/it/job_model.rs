//! T24: two workers and an operator do what they may do to jobs, in any order. Every step is done to the tables and to
//! a small pure model of them, and both must say the same after it.

mod model;
mod real;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use self::model::{Model, New};
use self::real::Real;

/// So many histories, of so many steps at most.
const HISTORIES: u32 = 32;
const STEPS: usize = 60;

/// What is done next. Whom it is done to is picked among those that there are by then.
#[derive(Debug, Clone)]
enum Step {
    Make(New),
    /// The worker that asks may be one that counts as dead. Where nothing waits, it looks elsewhere.
    Claim {
        who: usize,
        is_dead: bool,
        brief: bool,
        alone: bool,
        limit: usize,
    },
    /// Of any leases that there ever were, also those that were lost.
    End(Vec<(Index, Ending)>),
    GiveBack(Index),
    Cancel(Index),
    Retry(Index),
    Delete(Index),
    ComeDue,
    /// One worker is gone, and another takes its place.
    Die(usize),
    /// All are silent for too long.
    Silence,
    Pause(bool),
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Succeeded,
    Failed,
    Cancelled,
    Retry,
    Snooze,
    Returned,
}

/// How often each step is taken: make, claim, end, one of the operator's, come due, one of the crashes.
type Mood = [u32; 6];

/// Most histories are of work that goes well, some of workers that die all the time.
const CALM: Mood = [6, 8, 6, 3, 2, 1];
const DEADLY: Mood = [2, 8, 2, 1, 1, 4];

fn history() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![2 => vec(step(CALM), 1..=STEPS), 1 => vec(step(DEADLY), 1..=STEPS)]
}

fn step([make, claim, end, act, due, crash]: Mood) -> impl Strategy<Value = Step> {
    prop_oneof![
        make => new().prop_map(Step::Make),
        claim => claims(),
        end => vec((any::<Index>(), ending()), 1..4).prop_map(Step::End),
        1 => any::<Index>().prop_map(Step::GiveBack),
        act => any::<Index>().prop_map(Step::Cancel),
        act => any::<Index>().prop_map(Step::Retry),
        1 => any::<Index>().prop_map(Step::Delete),
        due => Just(Step::ComeDue),
        crash * 2 => (0..2_usize).prop_map(Step::Die),
        crash => Just(Step::Silence),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

fn new() -> impl Strategy<Value = New> {
    let key = prop::option::weighted(0.3, 0..2_u8);
    let rare = || prop::bool::weighted(0.3);
    (0..3_u8, any::<bool>(), key, 1..4_u32, rare(), rare()).prop_map(
        |(priority, brief, key, allowed, later, gated)| New {
            priority,
            brief,
            key,
            allowed,
            later,
            gated,
        },
    )
}

fn claims() -> impl Strategy<Value = Step> {
    (0..2_usize, prop::bool::weighted(0.1), any::<bool>(), any::<bool>(), 1..4_usize).prop_map(
        |(who, is_dead, brief, alone, limit)| Step::Claim { who, is_dead, brief, alone, limit },
    )
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Succeeded),
        1 => Just(Ending::Failed),
        1 => Just(Ending::Cancelled),
        2 => Just(Ending::Retry),
        1 => Just(Ending::Snooze),
        1 => Just(Ending::Returned),
    ]
}

/// Does one step to both, and compares what they answer.
async fn take(step: &Step, model: &mut Model, real: &mut Real) {
    match step {
        Step::Make(new) => {
            let (id, existing) = real.make(new).await;
            assert_eq!(existing, model.make(id, new), "the job that has the key");
        }
        Step::Claim { who, is_dead, brief, alone, limit } => {
            let worker = if *is_dead { real.ghost } else { Some(real.workers[*who]) };
            let Some(worker) = worker else { return };
            let (brief, alone) = &model.somewhere(*brief, *alone);
            let taken = real.claim(worker, *brief, *alone, *limit).await;
            assert_eq!(taken, model.claim(worker, *brief, *alone, *limit), "what was taken");
        }
        Step::End(ends) => {
            let mut batch = Vec::new();
            for (which, ending) in ends.iter().filter(|_| !model.leases.is_empty()) {
                let lease = *which.get(&model.leases);
                if !batch.iter().any(|(one, _): &(model::Hold, _)| one.job == lease.job) {
                    batch.push((lease, *ending));
                }
            }
            let count = real.end(model, &batch).await;
            assert_eq!(count, model.end(&batch), "how many were ended");
        }
        Step::GiveBack(which) => {
            if model.leases.is_empty() {
                return;
            }
            let lease = *which.get(&model.leases);
            real.give_back(lease).await;
            model.give_back(lease);
        }
        Step::Cancel(which) | Step::Retry(which) | Step::Delete(which) => {
            if model.jobs.is_empty() {
                return;
            }
            act(step, *which.get(&model.ids()), model, real).await;
        }
        Step::ComeDue => {
            real.come_due().await;
            model.come_due();
        }
        Step::Die(who) => {
            let old = real.workers[*who];
            let came_to = real.die(*who).await;
            assert_eq!(came_to, model.bury(&[old]), "how many run again, and how many do not");
        }
        Step::Silence => {
            let old = real.workers;
            let came_to = real.silence().await;
            assert_eq!(came_to, model.bury(&old), "how many run again, and how many do not");
        }
        Step::Pause(is_paused) => {
            real.pause(*is_paused).await;
            model.is_paused = *is_paused;
        }
    }
}

/// What an operator does to one job.
async fn act(step: &Step, job: mindflight_api::JobId, model: &mut Model, real: &mut Real) {
    if matches!(step, Step::Cancel(_)) {
        assert_eq!(real.cancel(job).await, model.cancel(job), "the cancel");
    } else if matches!(step, Step::Retry(_)) {
        assert_eq!(real.retry(job).await, model.retry(job), "the retry");
    } else {
        assert_eq!(real.delete(job).await, model.delete(job), "the delete");
    }
}

async fn live(steps: &[Step]) {
    let mut real = Real::new().await;
    let mut model = Model::default();
    for (number, step) in steps.iter().enumerate() {
        take(step, &mut model, &mut real).await;
        real.assert_is(&model, &format!("after step {number}, {step:?}")).await;
    }
}

/// T24, T19, T2. The same histories every time; one that fails is made as short as it can be.
#[test]
fn whatever_two_workers_and_an_operator_do_the_tables_are_what_the_model_says() {
    let config = Config {
        cases: HISTORIES,
        // The runner of tests waits for two minutes.
        max_shrink_iters: 200,
        max_shrink_time: 40_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = TestRunner::new_with_rng(config, rng).run(&history(), |steps| {
        runtime.block_on(live(&steps));
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("{why}\nthe shortest history: {steps:#?}"),
        Err(error) => panic!("{error}"),
    }
}
