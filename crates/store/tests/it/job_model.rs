//! T24: two workers and an operator do what they may do to jobs, in any order. Every step is done to the tables and to
//! a small pure model of them, and both must say the same after it.

mod model;
mod real;

use mindflight_api::JobId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use self::model::{Hold, Key, Model, New, PATHS, Row};
use self::real::Real;

/// So many histories, of so many steps at most.
const HISTORIES: u32 = 40;
const STEPS: usize = 60;

/// What is done next. Whom it is done to is picked among those that there are by then.
#[derive(Debug, Clone)]
enum Step {
    /// Several at once.
    Make(Vec<(New, After)>),
    /// The worker that asks may be one that counts as dead. Where nothing waits, it looks elsewhere.
    Claim {
        who: usize,
        is_dead: bool,
        brief: bool,
        alone: bool,
        limit: usize,
    },
    /// Of leases that hold, or were lost lately.
    End(Vec<(Index, Ending)>),
    /// A worker begins with what it has taken, or had.
    Start(Index),
    GiveBack(Index),
    Cancel(Index),
    Retry(Index),
    Delete(Index),
    ComeDue,
    /// So much time passes that a rate lets more jobs pass.
    Refill,
    /// One worker is gone, and another takes its place.
    Die(usize),
    /// All are silent for too long.
    Silence,
    Pause(bool),
}

/// What a job starts after: some that there are, or that come before it among those that are made with it, and perhaps
/// one that there is not.
#[derive(Debug, Clone)]
struct After {
    some: Vec<Index>,
    and_none: bool,
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

/// What happens most in a history: every history is about something, or what is rare would never meet.
#[derive(Debug, Clone, Copy)]
struct Mood {
    /// How often jobs are made, claimed, started, ended, changed by an operator, come due, and lose their worker.
    steps: [u32; 7],
    /// How many jobs have a key, pass gates, and wait for others.
    keys: f64,
    gates: f64,
    links: f64,
}

/// Work that goes well; workers that die all the time; keys; gates; jobs that wait for others.
const MOODS: [Mood; 5] = [
    Mood { steps: [6, 8, 2, 6, 3, 2, 1], keys: 0.3, gates: 0.3, links: 0.3 },
    Mood { steps: [2, 8, 1, 2, 1, 1, 4], keys: 0.2, gates: 0.3, links: 0.2 },
    Mood { steps: [9, 9, 6, 4, 4, 2, 2], keys: 0.9, gates: 0.1, links: 0.1 },
    Mood { steps: [4, 9, 1, 9, 2, 2, 1], keys: 0.1, gates: 0.9, links: 0.1 },
    Mood { steps: [4, 9, 1, 9, 2, 2, 1], keys: 0.2, gates: 0.2, links: 0.7 },
];

fn history() -> impl Strategy<Value = Vec<Step>> {
    prop::sample::select(&MOODS).prop_flat_map(|mood| vec(step(mood), STEPS / 2..=STEPS))
}

fn step(mood: Mood) -> impl Strategy<Value = Step> {
    let [make, claim, start, end, act, due, crash] = mood.steps;
    prop_oneof![
        make => vec((new(mood), after(mood)), 1..4).prop_map(Step::Make),
        claim => claims(),
        start => any::<Index>().prop_map(Step::Start),
        end => vec((any::<Index>(), ending()), 1..4).prop_map(Step::End),
        1 => any::<Index>().prop_map(Step::GiveBack),
        act => any::<Index>().prop_map(Step::Cancel),
        act => any::<Index>().prop_map(Step::Retry),
        1 => any::<Index>().prop_map(Step::Delete),
        due => Just(Step::ComeDue),
        1 => Just(Step::Refill),
        crash => (0..2_usize).prop_map(Step::Die),
        1 => Just(Step::Silence),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

fn new(mood: Mood) -> impl Strategy<Value = New> {
    let rare = || prop::bool::weighted(0.3);
    let key =
        (0..2_u8, any::<bool>()).prop_map(|(number, until_start)| Key { number, until_start });
    let key = prop::option::weighted(mood.keys, key);
    let gates = prop::option::weighted(mood.gates, prop::sample::select(PATHS));
    (0..3_u8, any::<bool>(), key, 1..4_u32, rare(), gates, rare()).prop_map(
        |(priority, brief, key, allowed, later, gates, runs_anyway)| New {
            priority,
            brief,
            key,
            allowed,
            later,
            path: gates.unwrap_or_default(),
            runs_anyway,
        },
    )
}

fn after(mood: Mood) -> impl Strategy<Value = After> {
    let some = prop::option::weighted(mood.links, vec(any::<Index>(), 1..3));
    (some, prop::bool::weighted(0.02))
        .prop_map(|(some, and_none)| After { some: some.unwrap_or_default(), and_none })
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
        Step::Make(wanted) => {
            let rows = rows(wanted, model.there());
            let existing = real.make(&rows).await;
            assert_eq!(existing, model.make(&rows), "the jobs that have the keys");
        }
        Step::Claim { who, is_dead, brief, alone, limit } => {
            let worker = if *is_dead { real.ghost } else { Some(real.workers[*who]) };
            let Some(worker) = worker else { return };
            let (brief, alone) = &model.somewhere(*brief, *alone);
            let taken = real.claim(worker, *brief, *alone, *limit).await;
            assert_eq!(taken, model.claim(worker, *brief, *alone, *limit), "what was taken");
        }
        Step::End(ends) => end(ends, model, real).await,
        Step::Start(which) => {
            if let Some(lease) = pick(which, &model.leases()) {
                real.start(lease).await;
                model.start(lease);
            }
        }
        Step::GiveBack(which) => {
            if let Some(lease) = pick(which, &model.leases()) {
                real.give_back(lease).await;
                model.give_back(lease);
            }
        }
        Step::Cancel(which) | Step::Retry(which) | Step::Delete(which) => {
            if let Some(job) = pick(which, model.ids()) {
                act(step, job, model, real).await;
            }
        }
        Step::ComeDue => {
            real.come_due().await;
            model.come_due();
        }
        Step::Refill => {
            real.refill().await;
            model.refill();
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

/// Jobs that are made at once, with those that each of them comes after.
fn rows(wanted: &[(New, After)], mut there: Vec<JobId>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (new, after) in wanted {
        let some = after.some.iter().filter_map(|which| pick(which, &there));
        let after: Vec<JobId> = some.chain(after.and_none.then(JobId::new)).collect();
        // Who waits for others has no time.
        let new = New { later: new.later && after.is_empty(), ..*new };
        let id = JobId::new();
        there.push(id);
        rows.push(Row { id, new, after });
    }
    rows
}

fn pick<T: Copy>(which: &Index, those: &[T]) -> Option<T> {
    (!those.is_empty()).then(|| *which.get(those))
}

/// Ends attempts, one of each job.
async fn end(ends: &[(Index, Ending)], model: &mut Model, real: &mut Real) {
    let leases = model.leases();
    let mut batch: Vec<(Hold, Ending)> = Vec::new();
    for (which, ending) in ends {
        let lease = pick(which, &leases);
        let lease = lease.filter(|lease| batch.iter().all(|(one, _)| one.job != lease.job));
        batch.extend(lease.map(|lease| (lease, *ending)));
    }
    let count = real.end(model, &batch).await;
    assert_eq!(count, model.end(&batch), "how many were ended");
}

/// What an operator does to one job.
async fn act(step: &Step, job: JobId, model: &mut Model, real: &mut Real) {
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
    let mut model = Model::new();
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
