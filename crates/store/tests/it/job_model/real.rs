//! The same steps, done to the tables by those who do them in a server.

use std::collections::HashMap;
use std::time::Duration;

use mindflight_api::{InstanceId, JobId, codes};
use mindflight_core::policy::Rate;
use mindflight_core::ports::{Lease, Record};
use mindflight_store::admin::Admin;
use mindflight_store::job_views::{Cancel, Delete, Retry};
use mindflight_store::jobs::{
    Begin, Claim, Claimer, Completer, Due, End, Finished, Inserter, Keeper, Lane, Limit, NewRow,
    Registration, UniqueKey,
};
use mindflight_store::{Error, JobViews};
use mindflight_testapp::TestDb;

use super::Ending;
use super::model::{GATES, Hold, Model, Row, Told};
use crate::access::record;
use crate::jobs::{crash, error};

/// Later than any test ends.
const NEVER: Duration = Duration::from_secs(3600);

/// As long as no test takes.
const AGES: Duration = Duration::from_secs(3_600_000_000);

/// What only one worker at a time can hold.
const HOLDERS: [&str; 2] = ["left", "right"];

pub(super) struct Real {
    /// The workers that live.
    pub(super) workers: [i64; 2],
    /// The latest one that does not.
    pub(super) ghost: Option<i64>,
    names: Numbers,
    claimer: Claimer,
    completer: Completer,
    inserter: Inserter,
    keeper: Keeper,
    views: JobViews,
    admin: Admin,
    record: Record,
    _db: TestDb,
}

/// Of the queue that keeps history and the one that does not, of the kind of the first gate and the one of all other
/// jobs, and of the gates.
struct Numbers {
    queues: [i16; 2],
    kinds: [i32; 2],
    gates: Vec<i32>,
}

impl Real {
    pub(super) async fn new() -> Self {
        let db = TestDb::new().await;
        let jobs = db.store().jobs();
        let names = jobs.names();
        let mut gates = Vec::new();
        for (gate, name) in GATES.iter().zip(["model.gated", "model.rated", "model.outer"]) {
            let number = |number| u32::try_from(number).unwrap();
            let slots = gate.slots.map(number);
            let rate = gate.rate.map(|count| Rate::new(number(count), AGES));
            let limit = Limit { slots, rate, is_outer: gate.is_outer };
            gates.push(names.gate(name, limit).await.unwrap());
        }
        let numbers = Numbers {
            queues: [
                names.queue("model", true).await.unwrap(),
                names.queue("brief", false).await.unwrap(),
            ],
            kinds: [
                names.kind("model.free").await.unwrap(),
                names.kind("model.gated").await.unwrap(),
            ],
            gates,
        };
        let mut real = Self {
            workers: [0; 2],
            ghost: None,
            names: numbers,
            claimer: jobs.claimer().unwrap(),
            completer: jobs.completer().unwrap(),
            inserter: jobs.inserter().unwrap(),
            keeper: jobs.keeper().unwrap(),
            views: db.store().job_views(),
            admin: Admin::connect(&db.settings()).await.unwrap(),
            record: record("job.act"),
            _db: db,
        };
        for who in 0..2 {
            real.workers[who] = real.register(who).await;
        }
        real
    }

    async fn register(&mut self, who: usize) -> i64 {
        let registration = Registration {
            instance: InstanceId::new(),
            holder: Some(HOLDERS[who].to_owned()),
            host: "here".to_owned(),
            pid: 1,
            version: "1".to_owned(),
            slots: 8,
            kinds: self.names.kinds.to_vec(),
        };
        self.keeper.register(&registration).await.unwrap()
    }

    /// The rows whose key another job has, with that job; nothing if a row waits for a job that there is not.
    pub(super) async fn make(&mut self, rows: &[Row]) -> Option<HashMap<JobId, JobId>> {
        let rows: Vec<NewRow> = rows.iter().map(|row| self.row(row)).collect();
        match self.inserter.insert(&rows).await {
            Ok(existing) => Some(existing),
            Err(Error::Invalid(why)) if why.contains("`after`: there is no job") => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn row(&self, Row { id, new, after }: &Row) -> NewRow {
        let mut gates = new.path.iter().map(|gate| self.names.gates[*gate]);
        let (gate, outer_gate) = (gates.next(), gates.next());
        // Its gate is found by its kind if nothing says which it is.
        let is_of_kind = new.path == [0];
        let key = new.key.map(|key| UniqueKey {
            key: format!("key {}", key.number),
            until_start: key.until_start,
            expires_at: None,
        });
        NewRow {
            id: *id,
            kind: self.names.kinds[usize::from(is_of_kind)],
            queue: self.names.queues[usize::from(new.brief)],
            priority: new.priority,
            max_attempts: u16::try_from(new.allowed).unwrap(),
            due: if new.later { Due::After(NEVER) } else { Due::Now },
            args: "{}".to_owned(),
            meta: Some(serde_json::json!({
                "key": key.as_ref().map(|unique| &unique.key),
                "until_start": key.as_ref().is_some_and(|unique| unique.until_start),
                "gate": gate.filter(|_| !is_of_kind),
                "outer_gate": outer_gate,
                "on_failure": if new.runs_anyway { "run" } else { "cancel" },
            })),
            needs_meta: false,
            unique: key,
            gate,
            outer_gate,
            after: after.clone(),
            is_awaited: false,
        }
    }

    pub(super) async fn claim(
        &mut self,
        worker: i64,
        brief: bool,
        alone: bool,
        limit: usize,
    ) -> Vec<Hold> {
        let claim = Claim {
            queue: self.names.queues[usize::from(brief)],
            lane: if alone { Lane::Suspect } else { Lane::Usual },
            limit: i64::try_from(limit).unwrap(),
            worker,
            kinds: &self.names.kinds,
            begin: Begin::Start,
        };
        let taken = self.claimer.claim(&claim).await.unwrap();
        taken.into_iter().map(|one| hold(one.lease)).collect()
    }

    /// How many of these attempts were ended.
    pub(super) async fn end(&mut self, model: &Model, batch: &[(Hold, Ending)]) -> usize {
        let batch: Vec<Finished> = batch
            .iter()
            .map(|(hold, ending)| {
                // What a worker knows of a job it has known since it took it.
                let new = model.jobs.get(&hold.job).map(|job| job.new);
                Finished {
                    lease: lease(*hold),
                    kind: 1,
                    end: end(*ending),
                    is_tied: new.is_none_or(|new| !new.path.is_empty() || new.key.is_some()),
                    keeps_history: new.is_none_or(|new| !new.brief),
                    cause: None,
                }
            })
            .collect();
        self.completer.complete(&batch).await.unwrap().count
    }

    pub(super) async fn start(&mut self, hold: Hold) {
        self.claimer.start_unique(hold.worker, &[hold.job]).await.unwrap();
    }

    pub(super) async fn give_back(&mut self, hold: Hold) {
        self.claimer.give_back(&[lease(hold)]).await.unwrap();
    }

    pub(super) async fn cancel(&self, job: JobId) -> Told {
        match self.views.cancel(job, None, &self.record).await.unwrap() {
            Some(Cancel::Cancelled { .. }) => Told::Done,
            Some(Cancel::Asked) => Told::Asked,
            Some(Cancel::Final(state)) => Told::Refused(state),
            None => Told::Gone,
        }
    }

    pub(super) async fn retry(&self, job: JobId) -> Told {
        match self.views.retry(job, &self.record).await {
            Ok(Some(Retry::Queued { .. })) => Told::Done,
            Ok(Some(Retry::Refused(state))) => Told::Refused(state),
            Ok(None) => Told::Gone,
            Err(Error::Conflict { .. }) => Told::KeyTaken,
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn delete(&self, job: JobId) -> Told {
        match self.views.delete(job, &self.record).await.unwrap() {
            Some(Delete::Deleted) => Told::Done,
            Some(Delete::Refused(state)) => Told::Refused(state),
            None => Told::Gone,
        }
    }

    pub(super) async fn come_due(&mut self) {
        let past = "UPDATE mindflight.scheduled SET run_at = clock_timestamp() - interval '1 second' WHERE why <> 3";
        self.admin.run(past).await.unwrap();
        self.keeper.promote(1000).await.unwrap();
    }

    pub(super) async fn refill(&mut self) {
        let later = "
            UPDATE mindflight.gate
            SET tokens_at = clock_timestamp(), wakes_at = clock_timestamp(), tokens = greatest(0, rate
                - (SELECT count(*) FROM mindflight.ready WHERE gate.id IN (ready.gate, ready.outer_gate))
                - (SELECT count(*) FROM mindflight.lease WHERE gate.id IN (lease.gate, lease.outer_gate))
                - (SELECT count(*) FROM mindflight.blocked WHERE gate.id = blocked.inner_gate))
            WHERE rate IS NOT NULL";
        self.admin.run(later).await.unwrap();
        self.keeper.promote(1000).await.unwrap();
    }

    /// Another worker comes that holds what this one held: how many jobs run again, and how many do not.
    pub(super) async fn die(&mut self, who: usize) -> (usize, usize) {
        self.ghost = Some(self.workers[who]);
        let rescued = self.keeper.take_over(HOLDERS[who], &crash()).await.unwrap();
        self.workers[who] = self.register(who).await;
        (rescued.again, rescued.ended)
    }

    pub(super) async fn silence(&mut self) -> (usize, usize) {
        self.ghost = Some(self.workers[0]);
        let rescued = self.keeper.rescue(Duration::ZERO, &crash()).await.unwrap();
        for who in 0..2 {
            self.workers[who] = self.register(who).await;
        }
        (rescued.again, rescued.ended)
    }

    pub(super) async fn pause(&self, is_paused: bool) {
        let done = match is_paused {
            true => self.views.pause_queue("model", (None, None), &self.record).await,
            false => self.views.resume_queue("model", &self.record).await,
        };
        assert!(done.unwrap().is_some());
    }

    /// Compares everything with the model.
    pub(super) async fn assert_is(&mut self, model: &Model, when: &str) {
        assert_eq!(self.views.misplaced().await.unwrap(), [], "in no place, or in several {when}");
        let ids = model.ids();
        let views = self.views.get_all(ids, NEVER).await.unwrap();
        assert_eq!(views.len(), model.jobs.len(), "jobs that there are {when}");
        for view in views {
            let job = &model.jobs[&view.id];
            let runs = view.state == mindflight_api::JobState::Running;
            let worker = view.worker.as_ref().map(|(worker, _)| *worker).filter(|_| runs);
            assert_eq!(
                (view.state, view.attempt, worker),
                (job.state, job.attempt, job.worker),
                "{view:#?} {when}"
            );
            if !view.state.is_final() {
                // By hand, a job may run more often than it was allowed to.
                let most = job.max_attempts.max(job.attempt);
                assert_eq!(view.max_attempts, most, "{view:#?} {when}");
            }
            if runs {
                assert_eq!(view.cancel_requested, job.is_unwanted, "{view:#?} {when}");
            }
        }
        for worker in self.workers {
            let held = self.claimer.held(worker).await.unwrap();
            let mut held: Vec<Hold> = held.into_iter().map(hold).collect();
            held.sort_by_key(|hold| hold.job);
            assert_eq!(held, model.held(worker), "what {worker} holds {when}");
        }
    }
}

fn hold(lease: Lease) -> Hold {
    Hold { job: lease.job, worker: lease.worker, attempt: lease.attempt }
}

fn lease(hold: Hold) -> Lease {
    Lease { job: hold.job, worker: hold.worker, attempt: hold.attempt }
}

fn end(ending: Ending) -> End {
    match ending {
        Ending::Succeeded => End::Succeeded("null".to_owned()),
        Ending::Failed => End::Failed(error(codes::UPSTREAM)),
        Ending::Cancelled => End::Cancelled(error(codes::JOB_CANCELLED)),
        Ending::Retry => End::Retry(NEVER, error(codes::UPSTREAM)),
        Ending::Snooze => End::Snooze(NEVER),
        Ending::Returned => End::Returned,
    }
}
