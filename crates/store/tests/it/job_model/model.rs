//! What the job tables mean, without tables: where each job is, who holds it, and what follows from a step.

use std::collections::{HashMap, HashSet};

use mindflight_api::{JobId, JobState};

use super::Ending;

/// A gate: how many jobs have passed it at once, and how many may pass before time goes on.
pub(super) struct Gate {
    pub(super) slots: Option<usize>,
    pub(super) rate: Option<usize>,
    pub(super) is_outer: bool,
}

/// Outer ones come last.
pub(super) const GATES: [Gate; 3] = [
    Gate { slots: Some(2), rate: None, is_outer: false },
    Gate { slots: None, rate: Some(RATE), is_outer: false },
    Gate { slots: Some(3), rate: None, is_outer: true },
];

const RATE: usize = 3;

/// The places in [`GATES`] of those that a job may have to pass, one after the other.
pub(super) const PATHS: &[&[usize]] = &[&[0], &[1], &[2], &[0, 2], &[1, 2]];

/// The crashes that are a job's end: two alone, each of which counts as six in company.
const BUDGET: u32 = 12;
const ALONE: u32 = 6;

/// The lane of jobs that were running when their worker died.
const SUSPECT: i16 = 10;

/// A job that is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct New {
    pub(super) priority: u8,
    /// In the queue that keeps no history.
    pub(super) brief: bool,
    pub(super) key: Option<Key>,
    pub(super) allowed: u32,
    pub(super) later: bool,
    pub(super) path: &'static [usize],
    /// It runs whatever became of those it waited for.
    pub(super) runs_anyway: bool,
}

/// A key that one job at a time has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) number: u8,
    /// Until an attempt starts, instead of until the job ends.
    pub(super) until_start: bool,
}

/// One of several jobs that are made at once.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: JobId,
    pub(super) new: New,
    /// It starts once these have ended.
    pub(super) after: Vec<JobId>,
}

/// One attempt of one worker at one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) job: JobId,
    pub(super) worker: i64,
    pub(super) attempt: u32,
}

/// A job, as it has to be.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) new: New,
    pub(super) state: JobState,
    pub(super) worker: Option<i64>,
    pub(super) attempt: u32,
    pub(super) max_attempts: u32,
    /// Somebody wants the attempt that runs to be stopped.
    pub(super) is_unwanted: bool,
    lane: i16,
    crashes: u32,
    was_lost: bool,
    /// How many gates of its path it has passed.
    passed: usize,
    parents: Vec<JobId>,
    waits_for_others: bool,
    is_awaited: bool,
}

impl Job {
    /// Whether it is to be had, in this queue, for a worker that runs it alone or beside others.
    fn waits_in(&self, brief: bool, alone: bool) -> bool {
        self.state == JobState::Queued && self.new.brief == brief && (self.lane == SUSPECT) == alone
    }

    /// Whether it waits to be let through this gate.
    fn waits_at(&self, gate: usize) -> bool {
        self.state == JobState::Blocked
            && !self.waits_for_others
            && self.new.path.get(self.passed) == Some(&gate)
    }

    /// Whether it uses a slot of this gate.
    fn uses(&self, gate: usize) -> bool {
        self.new.path[..self.passed].contains(&gate)
    }
}

/// What an operator is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    /// Its worker is asked to stop it.
    Asked,
    /// Not in this state.
    Refused(JobState),
    /// Another job has its key.
    KeyTaken,
    Gone,
}

#[derive(Clone)]
pub(super) struct Model {
    pub(super) jobs: HashMap<JobId, Job>,
    /// All that were made, and in which order; also those that are gone.
    made: Vec<JobId>,
    /// All that ever were.
    leases: Vec<Hold>,
    pub(super) is_paused: bool,
    /// Who has which key.
    keys: HashMap<u8, (JobId, Key)>,
    /// Who waits for whom, or did.
    links: HashSet<(JobId, JobId)>,
    /// How many more may pass the gate with a rate.
    tokens: usize,
    dead: Vec<i64>,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            jobs: HashMap::new(),
            made: Vec::new(),
            leases: Vec::new(),
            is_paused: false,
            keys: HashMap::new(),
            links: HashSet::new(),
            tokens: RATE,
            dead: Vec::new(),
        }
    }

    /// All jobs that were ever made.
    pub(super) fn ids(&self) -> &[JobId] {
        &self.made
    }

    /// All jobs that there are.
    pub(super) fn there(&self) -> Vec<JobId> {
        self.made.iter().filter(|id| self.jobs.contains_key(id)).copied().collect()
    }

    /// What is held, and what was lost lately.
    pub(super) fn leases(&self) -> Vec<Hold> {
        let holds = |hold: &&Hold| self.is_held(**hold);
        let lost = self.leases.iter().rev().filter(|hold| !holds(hold)).take(2);
        self.leases.iter().filter(holds).chain(lost).copied().collect()
    }

    /// What a worker holds.
    pub(super) fn held(&self, worker: i64) -> Vec<Hold> {
        let mut held: Vec<Hold> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.worker == Some(worker))
            .map(|(id, job)| Hold { job: *id, worker, attempt: job.attempt })
            .collect();
        held.sort_by_key(|hold| hold.job);
        held
    }

    /// The rows whose key another job has, with that job; nothing if a row waits for a job that there is not, and
    /// then no job is made.
    pub(super) fn make(&mut self, rows: &[Row]) -> Option<HashMap<JobId, JobId>> {
        let before = self.clone();
        let mut existing = HashMap::new();
        let mut fresh = Vec::new();
        for row in rows {
            match row.new.key.and_then(|key| self.keys.get(&key.number)) {
                Some((holder, _)) => drop(existing.insert(row.id, *holder)),
                None => {
                    self.keys.extend(row.new.key.map(|key| (key.number, (row.id, key))));
                    self.made.push(row.id);
                    self.jobs.insert(row.id, fresh_job(row.new));
                    fresh.push(row);
                }
            }
        }
        for row in fresh {
            let parents: Vec<JobId> =
                row.after.iter().map(|id| *existing.get(id).unwrap_or(id)).collect();
            if parents.iter().any(|parent| !self.jobs.contains_key(parent)) {
                *self = before;
                return None;
            }
            self.enter(row.id, parents);
        }
        self.settle();
        Some(existing)
    }

    /// A new job waits for its parents, its time or a worker.
    fn enter(&mut self, id: JobId, parents: Vec<JobId>) {
        for parent in &parents {
            self.jobs.get_mut(parent).unwrap().is_awaited = true;
            self.links.insert((id, *parent));
        }
        let job = self.jobs.get_mut(&id).unwrap();
        if !parents.is_empty() {
            (job.state, job.waits_for_others, job.parents) = (JobState::Blocked, true, parents);
        } else if !job.new.later {
            self.wait(id);
        }
    }

    /// The job waits for a worker, and first at its gates.
    fn wait(&mut self, id: JobId) {
        let job = self.jobs.get_mut(&id).unwrap();
        (job.passed, job.waits_for_others) = (0, false);
        job.state = if job.new.path.is_empty() { JobState::Queued } else { JobState::Blocked };
    }

    /// After whatever has ended or come: jobs that waited for others go on, or are cancelled as one of those has not
    /// succeeded; then gates let jobs pass.
    fn settle(&mut self) {
        let judged = |model: &Self| {
            let mut waiting = model.jobs.iter().filter(|(_, job)| job.waits_for_others);
            waiting.find_map(|(id, job)| Some((*id, model.goes_on(job)?)))
        };
        while let Some((id, goes_on)) = judged(self) {
            match goes_on {
                true => self.wait(id),
                false => self.stop(id),
            }
        }
        self.admit();
    }

    /// Whether a job that waits for others goes on or is cancelled, if it need not wait any more.
    fn goes_on(&self, job: &Job) -> Option<bool> {
        let parents = || job.parents.iter().filter_map(|parent| self.jobs.get(parent));
        let has_failed =
            |parent: &Job| matches!(parent.state, JobState::Failed | JobState::Cancelled);
        if !job.new.runs_anyway && parents().any(has_failed) {
            return Some(false);
        }
        parents().all(|parent| parent.state.is_final()).then_some(true)
    }

    /// Lets jobs pass: by lane, and then the older first.
    fn admit(&mut self) {
        for (number, gate) in GATES.iter().enumerate() {
            while self.has_room(number, gate) {
                let waiting = self.jobs.iter_mut().filter(|(_, job)| job.waits_at(number));
                let next = waiting.min_by_key(|(id, job)| (job.lane, **id));
                let Some((_, job)) = next else { break };
                job.passed += 1;
                if job.passed == job.new.path.len() {
                    job.state = JobState::Queued;
                }
                self.tokens -= usize::from(gate.rate.is_some());
            }
        }
    }

    fn has_room(&self, number: usize, gate: &Gate) -> bool {
        gate.slots.is_none_or(|slots| self.using(number) < slots)
            && (gate.rate.is_none() || self.tokens > 0)
    }

    /// How many use a slot of this gate.
    fn using(&self, number: usize) -> usize {
        self.jobs.values().filter(|job| job.uses(number)).count()
    }

    /// So much time has passed that the rate is there again for all who have not used it up.
    pub(super) fn refill(&mut self) {
        self.tokens = RATE.saturating_sub(self.using(1));
        self.admit();
    }

    /// This queue and lane if something waits there, or others where something does.
    pub(super) fn somewhere(&self, brief: bool, alone: bool) -> (bool, bool) {
        let places = [(brief, alone), (brief, !alone), (!brief, alone), (!brief, !alone)];
        let waits = |(brief, alone): &(bool, bool)| {
            self.jobs.values().any(|job| job.waits_in(*brief, *alone))
        };
        places.into_iter().find(waits).unwrap_or((brief, alone))
    }

    pub(super) fn claim(
        &mut self,
        worker: i64,
        brief: bool,
        alone: bool,
        limit: usize,
    ) -> Vec<Hold> {
        // Only the queue that keeps history is ever paused.
        if self.dead.contains(&worker) || (self.is_paused && !brief) {
            return Vec::new();
        }
        let mut waiting: Vec<(i16, JobId)> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.waits_in(brief, alone))
            .map(|(id, job)| (job.lane, *id))
            .collect();
        waiting.sort_unstable();
        waiting.truncate(limit);
        let taken = waiting.into_iter().map(|(_, id)| {
            let job = self.jobs.get_mut(&id).unwrap();
            (job.state, job.worker) = (JobState::Running, Some(worker));
            job.attempt += 1;
            Hold { job: id, worker, attempt: job.attempt }
        });
        let taken: Vec<Hold> = taken.collect();
        self.leases.extend(&taken);
        taken
    }

    /// Whether this attempt runs.
    fn is_held(&self, hold: Hold) -> bool {
        let is_it = |job: &Job| job.worker == Some(hold.worker) && job.attempt == hold.attempt;
        self.jobs.get(&hold.job).is_some_and(is_it)
    }

    /// The job, if this attempt of it runs.
    fn holds(&mut self, hold: Hold) -> Option<&mut Job> {
        let is_held = self.is_held(hold);
        self.jobs.get_mut(&hold.job).filter(|_| is_held)
    }

    /// The worker has begun with what it took.
    pub(super) fn start(&mut self, hold: Hold) {
        if self.holds(hold).is_some() {
            self.keys.retain(|_, (holder, key)| *holder != hold.job || !key.until_start);
        }
    }

    /// How many of these attempts ran, and have ended now.
    pub(super) fn end(&mut self, batch: &[(Hold, Ending)]) -> usize {
        let mut count = 0;
        for (hold, ending) in batch {
            let Some(job) = self.holds(*hold) else { continue };
            count += 1;
            job.worker = None;
            let runs_again = matches!(ending, Ending::Retry | Ending::Snooze | Ending::Returned);
            match ending {
                _ if runs_again && job.is_unwanted => self.close(hold.job, JobState::Cancelled),
                Ending::Succeeded => self.close(hold.job, JobState::Succeeded),
                Ending::Failed => self.close(hold.job, JobState::Failed),
                Ending::Cancelled => self.close(hold.job, JobState::Cancelled),
                Ending::Retry => (job.state, job.passed) = (JobState::Retrying, 0),
                Ending::Snooze => {
                    (job.state, job.passed) = (JobState::Retrying, 0);
                    job.max_attempts += 1;
                }
                Ending::Returned => {
                    job.state = JobState::Queued;
                    job.max_attempts += 1;
                }
            }
        }
        self.settle();
        count
    }

    /// The job has ended for good: its key is free, and without history it is gone, unless it failed or others wait
    /// for it.
    fn close(&mut self, id: JobId, state: JobState) {
        let job = self.jobs.get_mut(&id).unwrap();
        (job.state, job.worker, job.passed) = (state, None, 0);
        job.waits_for_others = false;
        let is_forgotten = job.new.brief && state != JobState::Failed && !job.is_awaited;
        self.keys.retain(|_, (holder, _)| *holder != id);
        if is_forgotten {
            self.jobs.remove(&id);
        }
    }

    /// The job has ended without having run.
    fn stop(&mut self, id: JobId) {
        self.close(id, JobState::Cancelled);
        if !self.jobs.contains_key(&id) {
            self.links.retain(|(child, _)| *child != id);
        }
    }

    pub(super) fn give_back(&mut self, hold: Hold) {
        let Some(job) = self.holds(hold) else { return };
        (job.state, job.worker) = (JobState::Queued, None);
        job.attempt -= 1;
    }

    pub(super) fn cancel(&mut self, id: JobId) -> Told {
        let Some(job) = self.jobs.get_mut(&id) else { return Told::Gone };
        if job.state == JobState::Running {
            job.is_unwanted = true;
            return Told::Asked;
        }
        if job.state.is_final() {
            return Told::Refused(job.state);
        }
        job.is_unwanted = false;
        self.stop(id);
        self.settle();
        Told::Done
    }

    pub(super) fn retry(&mut self, id: JobId) -> Told {
        let Some(job) = self.jobs.get_mut(&id) else { return Told::Gone };
        match job.state {
            JobState::Scheduled | JobState::Retrying => {}
            JobState::Failed | JobState::Cancelled => {
                if job.new.key.is_some_and(|key| self.keys.contains_key(&key.number)) {
                    return Told::KeyTaken;
                }
                self.keys.extend(job.new.key.map(|key| (key.number, (id, key))));
                job.is_awaited = self.links.iter().any(|(_, parent)| *parent == id);
                job.max_attempts = job.attempt + job.new.allowed;
                job.lane = if job.was_lost { SUSPECT } else { i16::from(job.new.priority) };
                (job.crashes, job.was_lost, job.is_unwanted) = (0, false, false);
            }
            JobState::Queued | JobState::Blocked | JobState::Running | JobState::Succeeded => {
                return Told::Refused(job.state);
            }
        }
        self.wait(id);
        self.settle();
        Told::Done
    }

    pub(super) fn delete(&mut self, id: JobId) -> Told {
        let Some(job) = self.jobs.get(&id) else { return Told::Gone };
        if !job.state.is_final() {
            return Told::Refused(job.state);
        }
        self.jobs.remove(&id);
        self.links.retain(|(child, _)| *child != id);
        Told::Done
    }

    /// Everything that is not due is due now.
    pub(super) fn come_due(&mut self) {
        let is_later = |job: &Job| matches!(job.state, JobState::Scheduled | JobState::Retrying);
        let due: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| is_later(job)).map(|(id, _)| *id).collect();
        due.into_iter().for_each(|id| self.wait(id));
        self.admit();
    }

    /// These workers are dead: how many of their jobs run again, and how many do not.
    pub(super) fn bury(&mut self, workers: &[i64]) -> (usize, usize) {
        let (mut again, mut ended) = (0, 0);
        for worker in workers {
            self.dead.push(*worker);
            let held = self.held(*worker);
            for hold in &held {
                if self.crash(hold.job, held.len() == 1) {
                    again += 1;
                } else {
                    ended += 1;
                }
            }
        }
        self.settle();
        (again, ended)
    }

    /// Whether it runs again.
    fn crash(&mut self, id: JobId, was_alone: bool) -> bool {
        let job = self.jobs.get_mut(&id).unwrap();
        job.crashes += if was_alone { ALONE } else { 1 };
        let runs_again = !job.is_unwanted
            && job.crashes < BUDGET
            && job.new.allowed > 1
            && (!was_alone || job.attempt < job.max_attempts);
        job.worker = None;
        if runs_again {
            job.state = JobState::Queued;
            // The first crash in company is nobody's fault.
            if was_alone || job.crashes > 1 {
                job.lane = SUSPECT;
            }
            job.max_attempts += u32::from(!was_alone);
            return true;
        }
        job.was_lost = !job.is_unwanted;
        job.state = if job.is_unwanted { JobState::Cancelled } else { JobState::Failed };
        job.passed = 0;
        // What a crash ended is kept for whoever has to look into it.
        self.keys.retain(|_, (holder, _)| *holder != id);
        false
    }
}

fn fresh_job(new: New) -> Job {
    Job {
        new,
        state: JobState::Scheduled,
        worker: None,
        attempt: 0,
        max_attempts: new.allowed,
        is_unwanted: false,
        lane: i16::from(new.priority),
        crashes: 0,
        was_lost: false,
        passed: 0,
        parents: Vec::new(),
        waits_for_others: false,
        is_awaited: false,
    }
}
