//! All that this process holds: jobs that wait in it, run in it, or have ended and are not written yet.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mindflight_api::JobId;
use mindflight_core::ports::Lease;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Why a running job was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// The server stops.
    Shutdown,
    /// It is not this process's any more.
    Lost,
    /// It has run for as long as it may.
    Deadline,
}

enum Stage {
    Waiting,
    Running {
        token: CancellationToken,
        since: Instant,
        deadline: Instant,
        stop: Option<Stop>,
        told: bool,
    },
    Ended,
}

struct Hold {
    lease: Lease,
    stage: Stage,
    /// Told to stop before it was started.
    cancelled: bool,
    /// After which question it was taken.
    since: Question,
}

/// Which of the questions to the database what this process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question(u64);

/// Ids are looked up several times for each job, and nobody outside chooses them.
type Holds = HashMap<JobId, Hold, foldhash::fast::RandomState>;

/// All that this process holds.
#[derive(Default)]
pub(crate) struct Held {
    holds: Mutex<Holds>,
    /// Jobs that are just being made for this process: it may have their leases without knowing.
    starting: Mutex<Vec<JobId>>,
    questions: AtomicU64,
    running: AtomicUsize,
    unwritten: AtomicUsize,
    changed: Notify,
}

impl Held {
    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Jobs that run.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Ended attempts that are not written.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Jobs in any stage.
    pub(crate) fn len(&self) -> usize {
        self.holds().len()
    }

    /// Ends when some job ended or was written.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn took(&self, leases: impl IntoIterator<Item = Lease>) {
        let mut holds = self.holds();
        let since = Question(self.questions.load(Ordering::Relaxed));
        for lease in leases {
            let hold = Hold { lease, stage: Stage::Waiting, cancelled: false, since };
            // An earlier attempt may be here still: one that was lost, or whose end is written, but not taken off.
            match holds.insert(lease.job, hold).map(|old| old.stage) {
                Some(Stage::Running { token, .. }) => token.cancel(),
                Some(Stage::Ended) => drop(self.unwritten.fetch_sub(1, Ordering::Relaxed)),
                Some(Stage::Waiting) | None => {}
            }
        }
    }

    /// An attempt starts now, with a deadline, and takes a slot until what this gives is dropped; nothing if the job is
    /// not held any more.
    pub(crate) fn starts(
        &self,
        lease: Lease,
        token: &CancellationToken,
        (since, deadline): (Instant, Instant),
    ) -> Option<Slot<'_>> {
        let mut holds = self.holds();
        let hold = holds.get_mut(&lease.job).filter(|hold| hold.lease == lease)?;
        let stop = hold.cancelled.then_some(Stop::Cancelled);
        if stop.is_some() {
            token.cancel();
        }
        let (token, told) = (token.clone(), false);
        hold.stage = Stage::Running { token, since, deadline, stop, told };
        self.running.fetch_add(1, Ordering::Relaxed);
        Some(Slot(&self.running))
    }

    /// An attempt has ended and will be written; why it was told to stop, if it was. The second value is whether it
    /// is still held.
    pub(crate) fn ends(&self, lease: Lease) -> (Option<Stop>, bool) {
        let mut holds = self.holds();
        let found = holds.get_mut(&lease.job).filter(|hold| hold.lease == lease);
        let ended = match found {
            None => (Some(Stop::Lost), false),
            Some(hold) => {
                let stage = std::mem::replace(&mut hold.stage, Stage::Ended);
                if !matches!(stage, Stage::Ended) {
                    self.unwritten.fetch_add(1, Ordering::Relaxed);
                }
                match stage {
                    Stage::Running { stop, .. } => (stop, true),
                    Stage::Waiting | Stage::Ended => (None, true),
                }
            }
        };
        drop(holds);
        self.changed.notify_one();
        ended
    }

    /// Ended attempts are written, or need not be.
    pub(crate) fn wrote(&self, leases: impl IntoIterator<Item = Lease>) {
        let mut holds = self.holds();
        for lease in leases {
            if holds.get(&lease.job).is_some_and(|hold| hold.lease == lease) {
                let hold = holds.remove(&lease.job);
                if hold.is_some_and(|hold| matches!(hold.stage, Stage::Ended)) {
                    self.unwritten.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        drop(holds);
        self.changed.notify_one();
    }

    /// Tells a job to stop, if it is here and has not ended.
    pub(crate) fn stop(&self, job: JobId, why: Stop) -> bool {
        let mut holds = self.holds();
        let Some(hold) = holds.get_mut(&job) else { return false };
        match &mut hold.stage {
            Stage::Waiting => hold.cancelled = true,
            Stage::Running { token, stop, .. } => {
                stop.get_or_insert(why);
                token.cancel();
            }
            Stage::Ended => return false,
        }
        true
    }

    /// Tells those to stop that have run for as long as they may; the earliest deadline of the others.
    pub(crate) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for hold in self.holds().values_mut() {
            let Stage::Running { token, deadline, stop, .. } = &mut hold.stage else { continue };
            if *deadline <= now {
                stop.get_or_insert(Stop::Deadline);
                token.cancel();
            } else {
                next = Some(next.map_or(*deadline, |next| next.min(*deadline)));
            }
        }
        next
    }

    /// Tells every running job to stop.
    pub(crate) fn stop_all(&self, why: Stop) {
        for hold in self.holds().values_mut() {
            if let Stage::Running { token, stop, .. } = &mut hold.stage {
                stop.get_or_insert(why);
                token.cancel();
            }
        }
    }

    /// These jobs are about to be made for this process, and given to it before what this gives is dropped. One
    /// task makes jobs, so there are no others.
    pub(crate) fn starting(&self, jobs: impl IntoIterator<Item = JobId>) -> Starting<'_> {
        self.being_started().extend(jobs);
        Starting(self)
    }

    fn being_started(&self) -> MutexGuard<'_, Vec<JobId>> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database will be asked what this process holds.
    pub(crate) fn ask(&self) -> Question {
        Question(self.questions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Compares with what the database says is held: gives the leases that nobody here knows, tells those to stop
    /// that the database does not know, and forgets those of them that were not started. What was taken after the
    /// question the answer cannot know.
    pub(crate) fn compare(&self, said: &[Lease], asked: Question) -> Vec<Lease> {
        // First: what is given to this process from now on is among its holds before it leaves these.
        let starting = self.being_started().clone();
        let mut holds = self.holds();
        let is_known = |lease: &Lease| {
            holds.get(&lease.job).is_some_and(|hold| hold.lease == *lease)
                || starting.contains(&lease.job)
        };
        let unknown = said.iter().filter(|lease| !is_known(lease)).copied().collect();
        let said: HashMap<JobId, Lease> = said.iter().map(|lease| (lease.job, *lease)).collect();
        holds.retain(|job, hold| {
            if hold.since >= asked || said.get(job).is_some_and(|lease| *lease == hold.lease) {
                return true;
            }
            if let Stage::Running { token, stop, .. } = &mut hold.stage {
                stop.get_or_insert(Stop::Lost);
                token.cancel();
            }
            !matches!(hold.stage, Stage::Waiting)
        });
        unknown
    }

    /// How many have been running for longer than this.
    pub(crate) fn running_longer(&self, than: Duration) -> usize {
        let is_long = |hold: &Hold| match &hold.stage {
            Stage::Running { since, .. } => since.elapsed() > than,
            Stage::Waiting | Stage::Ended => false,
        };
        self.holds().values().filter(|hold| is_long(hold)).count()
    }

    /// Those that have been running for longer than this, of which nobody was told yet.
    pub(crate) fn untold(&self, than: Duration) -> Vec<Lease> {
        let is_new = |hold: &Hold| match &hold.stage {
            Stage::Running { since, told, .. } => !told && since.elapsed() > than,
            Stage::Waiting | Stage::Ended => false,
        };
        self.holds().values().filter(|hold| is_new(hold)).map(|hold| hold.lease).collect()
    }

    /// Everybody was told that these run for long.
    pub(crate) fn told(&self, leases: &[Lease]) {
        let mut holds = self.holds();
        for lease in leases {
            let hold = holds.get_mut(&lease.job).filter(|hold| hold.lease == *lease);
            if let Some(Hold { stage: Stage::Running { told, .. }, .. }) = hold {
                *told = true;
            }
        }
    }

    /// Takes over what was taken and not started: from now on nobody here holds it, and it cannot start.
    pub(crate) fn unstarted(&self) -> Vec<Lease> {
        let is_waiting = |hold: &Hold| matches!(hold.stage, Stage::Waiting);
        self.holds().extract_if(|_, hold| is_waiting(hold)).map(|(_, hold)| hold.lease).collect()
    }

    /// Whether a job is held, in any stage.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.holds().contains_key(&job)
    }

    /// Takes over what a worker that gives up has not ended: from now on nobody here holds it.
    pub(crate) fn abandon(&self) -> Vec<Lease> {
        let is_open = |hold: &Hold| !matches!(hold.stage, Stage::Ended);
        self.holds().extract_if(|_, hold| is_open(hold)).map(|(_, hold)| hold.lease).collect()
    }
}

/// A slot in which an attempt runs.
pub(crate) struct Slot<'a>(&'a AtomicUsize);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Jobs that are being made for this process.
pub(crate) struct Starting<'a>(&'a Held);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.being_started().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease { job: JobId::new(), worker: 1, attempt: 1 }
    }

    #[test]
    fn what_was_taken_after_the_question_is_neither_stopped_nor_forgotten() {
        let (held, before, after) = (Held::default(), lease(), lease());
        held.took([before]);
        let asked = held.ask();
        held.took([after]);
        assert_eq!(held.compare(&[], asked), []);
        assert!(!held.has(before.job) && held.has(after.job));
        let (token, now) = (CancellationToken::new(), Instant::now());
        let _slot = held.starts(after, &token, (now, now)).unwrap();
        assert_eq!(held.compare(&[], asked), []);
        assert!(!token.is_cancelled());
        assert_eq!(held.compare(&[], held.ask()), []);
        assert!(token.is_cancelled());
    }

    #[test]
    fn a_job_that_is_being_started_is_not_given_back() {
        let (held, started, lost) = (Held::default(), lease(), lease());
        let starting = held.starting([started.job]);
        let asked = held.ask();
        assert_eq!(held.compare(&[started, lost], asked), [lost]);
        held.took([started]);
        drop(starting);
        assert_eq!(held.compare(&[started, lost], asked), [lost]);
        // Nobody was told that it was made.
        drop(held.starting([lost.job]));
        assert_eq!(held.compare(&[lost], held.ask()), [lost]);
    }
}
