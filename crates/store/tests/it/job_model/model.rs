//! What the job tables mean, without tables: where each job is, who holds it, and what follows from a step.

use std::collections::HashMap;

use mindflight_api::{JobId, JobState};

use super::Ending;

/// How many jobs pass the gate at once.
pub(super) const SLOTS: usize = 2;

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
    pub(super) key: Option<u8>,
    pub(super) allowed: u32,
    pub(super) later: bool,
    pub(super) gated: bool,
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
}

impl Job {
    /// Whether it is to be had, in this queue, for a worker that runs it alone or beside others.
    fn waits_in(&self, brief: bool, alone: bool) -> bool {
        self.state == JobState::Queued && self.new.brief == brief && (self.lane == SUSPECT) == alone
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

#[derive(Default)]
pub(super) struct Model {
    pub(super) jobs: HashMap<JobId, Job>,
    /// All that were made, and in which order; also those that are gone.
    made: Vec<JobId>,
    /// All that ever were.
    pub(super) leases: Vec<Hold>,
    pub(super) is_paused: bool,
    keys: HashMap<u8, JobId>,
    dead: Vec<i64>,
}

impl Model {
    /// All jobs that were ever made.
    pub(super) fn ids(&self) -> Vec<JobId> {
        self.made.clone()
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

    /// The job that has the key already, if there is one; otherwise there is a new job.
    pub(super) fn make(&mut self, id: JobId, new: &New) -> Option<JobId> {
        if let Some(holder) = new.key.and_then(|key| self.keys.get(&key)) {
            return Some(*holder);
        }
        self.keys.extend(new.key.map(|key| (key, id)));
        self.made.push(id);
        let job = Job {
            new: *new,
            state: JobState::Scheduled,
            worker: None,
            attempt: 0,
            max_attempts: new.allowed,
            is_unwanted: false,
            lane: i16::from(new.priority),
            crashes: 0,
            was_lost: false,
        };
        self.jobs.insert(id, job);
        if !new.later {
            self.wait(id);
        }
        None
    }

    /// The job waits for a worker, and first for a slot if it needs one.
    fn wait(&mut self, id: JobId) {
        let job = self.jobs.get_mut(&id).unwrap();
        job.state = if job.new.gated { JobState::Blocked } else { JobState::Queued };
        self.admit();
    }

    /// Lets jobs in while there are slots: by lane, and then the older first.
    fn admit(&mut self) {
        let uses =
            |job: &&Job| job.new.gated && matches!(job.state, JobState::Queued | JobState::Running);
        while self.jobs.values().filter(uses).count() < SLOTS {
            let blocked = self.jobs.iter_mut().filter(|(_, job)| job.state == JobState::Blocked);
            let Some((_, job)) = blocked.min_by_key(|(id, job)| (job.lane, **id)) else { return };
            job.state = JobState::Queued;
        }
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

    /// The job, if this attempt of it runs.
    fn holds(&mut self, hold: Hold) -> Option<&mut Job> {
        let job = self.jobs.get_mut(&hold.job)?;
        (job.worker == Some(hold.worker) && job.attempt == hold.attempt).then_some(job)
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
                Ending::Retry => job.state = JobState::Retrying,
                Ending::Snooze => {
                    job.state = JobState::Retrying;
                    job.max_attempts += 1;
                }
                Ending::Returned => {
                    job.state = JobState::Queued;
                    job.max_attempts += 1;
                }
            }
        }
        self.admit();
        count
    }

    /// The job has ended for good: its key is free, and without history it is gone unless it failed.
    fn close(&mut self, id: JobId, state: JobState) {
        let job = self.jobs.get_mut(&id).unwrap();
        (job.state, job.worker) = (state, None);
        let is_forgotten = job.new.brief && state != JobState::Failed;
        self.keys.retain(|_, holder| *holder != id);
        if is_forgotten {
            self.jobs.remove(&id);
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
        self.close(id, JobState::Cancelled);
        self.admit();
        Told::Done
    }

    pub(super) fn retry(&mut self, id: JobId) -> Told {
        let Some(job) = self.jobs.get_mut(&id) else { return Told::Gone };
        match job.state {
            JobState::Scheduled | JobState::Retrying => {}
            JobState::Failed | JobState::Cancelled => {
                if job.new.key.is_some_and(|key| self.keys.contains_key(&key)) {
                    return Told::KeyTaken;
                }
                self.keys.extend(job.new.key.map(|key| (key, id)));
                job.max_attempts = job.attempt + job.new.allowed;
                job.lane = if job.was_lost { SUSPECT } else { i16::from(job.new.priority) };
                (job.crashes, job.was_lost, job.is_unwanted) = (0, false, false);
            }
            JobState::Queued | JobState::Blocked | JobState::Running | JobState::Succeeded => {
                return Told::Refused(job.state);
            }
        }
        self.wait(id);
        Told::Done
    }

    pub(super) fn delete(&mut self, id: JobId) -> Told {
        let Some(job) = self.jobs.get(&id) else { return Told::Gone };
        if !job.state.is_final() {
            return Told::Refused(job.state);
        }
        self.jobs.remove(&id);
        Told::Done
    }

    /// Everything that is not due is due now.
    pub(super) fn come_due(&mut self) {
        let is_later = |job: &Job| matches!(job.state, JobState::Scheduled | JobState::Retrying);
        let due: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| is_later(job)).map(|(id, _)| *id).collect();
        for id in &due {
            let job = self.jobs.get_mut(id).unwrap();
            job.state = if job.new.gated { JobState::Blocked } else { JobState::Queued };
        }
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
        self.admit();
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
        // What a crash ended is kept for whoever has to look into it.
        self.keys.retain(|_, holder| *holder != id);
        false
    }
}
