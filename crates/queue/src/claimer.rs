//! Takes jobs from the queues, as many as there is room for, and knows where to look.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_api::JobId;
use mindflight_store::jobs::{Begin, Claim, Claimed, Claimer, KnownQueue, Lane, Limited, first_id};
use mindflight_store::signal::Signal;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::attempt::jittered;
use crate::beginnings::{Beginnings, Cost, Left, Look, SLACK};
use crate::kinds::Numbered;
use crate::limits::Holds;
use crate::meters::Meters;
use crate::queue::{Room, Shared};

/// Jobs that are taken in one go; more take longer than they save.
const BATCH: usize = 500;

/// Takes jobs for `worker` until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, worker: i64, stop: CancellationToken) {
    let claimer = match shared.jobs.claimer() {
        Ok(claimer) => claimer,
        Err(error) => return tracing::error!(error = %error, "no job can be taken: {error}"),
    };
    let mut taking = Taking::new(shared, (worker, stop.clone()), claimer);
    while stop.run_until_cancelled(taking.wait()).await.is_some() {
        // Not cut short: what the database has given must not get lost here.
        if let Err(error) = taking.step().await {
            tracing::warn!(error = %error, "no jobs could be taken: {error}");
            taking.failed();
        }
    }
}

/// A job that was there when its worker died: it runs while nothing else does, for a while.
struct Suspect {
    waiting: Option<Claimed>,
    job: JobId,
    since: Instant,
}

struct Taking {
    shared: Arc<Shared>,
    worker: i64,
    stop: CancellationToken,
    claimer: Claimer,
    kinds: Vec<i32>,
    queues: Vec<i16>,
    /// Queues that are thought to have jobs.
    hot: BTreeSet<i16>,
    beginnings: Beginnings,
    /// Queues whose limits let nothing be taken now.
    holds: Holds,
    suspect: Option<Suspect>,
    /// Since when suspects keep the others waiting, and from when on the next may.
    alone_since: Option<Instant>,
    suspects_from: Instant,
    /// The queue that was served last: the next is the first when there is not room for all.
    served: i16,
    /// Which version of the kinds is known.
    version: Option<u64>,
    /// The pause before the next look when nothing is known.
    pause: std::time::Duration,
    look: Instant,
    look_cost: Cost,
    refresh: Instant,
    repair: Instant,
}

impl Taking {
    fn new(
        shared: Arc<Shared>,
        (worker, stop): (i64, CancellationToken),
        claimer: Claimer,
    ) -> Self {
        let now = Instant::now();
        let (pause, repair) = (shared.settings.poll_min, now + shared.settings.repair);
        let (kinds, queues, hot, holds) = Default::default();
        let beginnings = Beginnings::new(shared.settings.rescan, shared.settings.costly);
        let look_cost = Cost::new(shared.settings.costly);
        Self {
            shared,
            worker,
            stop,
            claimer,
            kinds,
            queues,
            hot,
            beginnings,
            holds,
            suspect: None,
            alone_since: None,
            suspects_from: now,
            served: i16::MIN,
            version: None,
            pause,
            look: now,
            look_cost,
            refresh: now,
            repair,
        }
    }

    /// Ends when there is something to do.
    async fn wait(&mut self) {
        let shared = self.shared.clone();
        let known = self.refresh.min(self.repair);
        let known = self.holds.next().map_or(known, |next| known.min(next));
        let known = match shared.backlog.waits_since() {
            Some(since) => known.min(since + self.patience()),
            None => known,
        };
        if let Some(suspect) = &self.suspect {
            let patience = suspect.since + shared.settings.isolation;
            tokio::select! {
                () = shared.held.changed() => {}
                () = shared.remounted.notified() => {}
                () = tokio::time::sleep_until(known.min(patience)) => {}
            }
        } else if self.room() == 0 {
            tokio::select! {
                () = shared.held.changed() => {}
                () = shared.backlog.hungry() => {}
                () = shared.remounted.notified() => {}
                () = tokio::time::sleep_until(known.min(self.look)) => {}
            }
        } else if self.hot.is_empty() {
            tokio::select! {
                () = shared.wake.added() => {}
                () = shared.remounted.notified() => {}
                () = tokio::time::sleep_until(known.min(self.look)) => {}
            }
        } else {
            // So that stopping is noticed also when there is always work.
            tokio::task::yield_now().await;
        }
    }

    /// How many jobs may be taken now.
    fn room(&self) -> usize {
        if self.suspect.is_some() {
            return 0;
        }
        let Room { free, waiting, ahead } = self.shared.room();
        // Few large takes instead of many small ones.
        if waiting > ahead / 2 {
            return 0;
        }
        free.min(BATCH)
    }

    async fn step(&mut self) -> mindflight_core::Result<()> {
        let now = Instant::now();
        if self.refresh <= now || self.version != Some(self.shared.kinds.version()) {
            self.learn().await?;
        }
        if self.repair <= now {
            self.compare().await?;
        }
        for queue in self.shared.wake.take() {
            if self.holds.is_worth(queue, now) {
                self.hot.insert(queue);
                self.beginnings.forget(queue, now);
            }
        }
        self.hot.extend(self.holds.over(now));
        self.return_stale(now).await?;
        self.watch_suspect();
        if self.suspect.is_none() && self.look <= now {
            self.look_around().await?;
        }
        self.take().await
    }

    /// How long what was taken ahead may wait: much longer than it was expected to.
    fn patience(&self) -> Duration {
        self.shared.settings.prefetch_time * 20
    }

    /// Gives back what was taken ahead when jobs turn out to take longer than those before: somebody else may have
    /// a free slot.
    async fn return_stale(&mut self, now: Instant) -> mindflight_core::Result<()> {
        let patience = self.patience();
        let is_stale = |since: Instant| now.duration_since(since) >= patience;
        if !self.shared.backlog.waits_since().is_some_and(is_stale) {
            return Ok(());
        }
        let leases = self.shared.take_unstarted();
        // So that they are not taken again at once.
        self.shared.pace.took(patience);
        let queues = self.claimer.give_back(&leases).await?;
        tracing::debug!("{} jobs that were taken ahead are given back", leases.len());
        self.shared.wake.add(&queues);
        self.shared.signals.send(Signal::Ready(queues));
        Ok(())
    }

    /// The claim may have been done although its answer was lost.
    fn failed(&mut self) {
        let soon = Instant::now() + jittered(self.shared.settings.poll_max);
        self.repair = soon;
        self.look = soon;
        self.refresh = self.refresh.max(soon);
        self.hot.clear();
        self.beginnings.clear();
        self.shared.wake.forget();
    }

    /// Reads which kinds there are, and in which queues they may be.
    async fn learn(&mut self) -> mindflight_core::Result<()> {
        let shared = &self.shared;
        let version = shared.kinds.version();
        let mut numbered = HashMap::new();
        for (name, runs) in shared.kinds.all().iter() {
            let number = shared.numbers.kind(name).await?;
            let known = shared.kinds.numbered(number);
            let meters = known.map_or_else(|| Meters::of(name), |kind| kind.meters.clone());
            let kind = Numbered { name: name.as_str().into(), runs: runs.clone(), meters };
            numbered.insert(number, Arc::new(kind));
        }
        self.kinds = numbered.keys().copied().collect();
        shared.kinds.number(numbered, version);
        let queues = self.claimer.queues_of(&self.kinds).await?;
        let number = |queue: &KnownQueue| queue.number;
        shared.kinds.forget_in(queues.iter().filter(|queue| !queue.keeps_history).map(number));
        shared.limited.replace(queues.iter().filter(|queue| queue.is_limited).map(number));
        self.queues = queues.iter().map(number).collect();
        if self.version.replace(version) != Some(version) {
            self.look = Instant::now();
            self.holds.clear();
            // What waits may be of a kind that was not looked for.
            self.beginnings.clear();
        }
        self.refresh = Instant::now() + jittered(shared.settings.refresh);
        Ok(())
    }

    /// Gives back what the database says is held and nobody here knows: the answer of a claim was lost. Also when
    /// nothing is held here.
    async fn compare(&mut self) -> mindflight_core::Result<()> {
        let asked = self.shared.held.ask();
        let said = self.claimer.held(self.worker).await?;
        if self.stop.is_cancelled() {
            // Whoever ends this worker has taken over what it holds: not knowing it any more says nothing.
            return Ok(());
        }
        let unknown = self.shared.held.compare(&said, asked);
        if !unknown.is_empty() {
            // Mostly they have ended between the question and the answer; then nothing is given back.
            let given_back = self.claimer.give_back(&unknown).await?;
            if !given_back.is_empty() {
                tracing::warn!("jobs were taken without this worker knowing, and are given back");
            }
            self.hot.extend(given_back);
        }
        self.repair = Instant::now() + jittered(self.shared.settings.repair);
        Ok(())
    }

    /// Asks which queues have jobs.
    async fn look_around(&mut self) -> mindflight_core::Result<()> {
        let settings = &self.shared.settings;
        let began = Instant::now();
        let mut found = self.claimer.waiting(&self.queues, &self.kinds).await?;
        let rest = self.look_cost.rest(began.elapsed());
        found.retain(|(queue, _)| !self.holds.has(*queue));
        self.pause = match found.is_empty() && self.hot.is_empty() {
            true => (self.pause * 2).min(settings.poll_max),
            false => settings.poll_min,
        };
        // While work comes by itself, only what nobody announced has to be found.
        let pause = if self.hot.is_empty() { self.pause } else { settings.poll_max };
        let now = Instant::now();
        self.look = now + jittered(pause).max(rest);
        let is_usual = |(_, lane): &(i16, Lane)| *lane == Lane::Usual;
        let has_usual = found.iter().any(is_usual) || !self.hot.is_empty();
        if found.iter().all(is_usual) {
            self.alone_since = None;
        }
        for (queue, lane) in found {
            match lane {
                Lane::Usual => {
                    self.shared.wake.filled(queue);
                    self.hot.insert(queue);
                }
                // While there is nothing else to do, suspects keep nobody waiting.
                Lane::Suspect if now >= self.suspects_from || !has_usual => {
                    self.take_suspect(queue).await?;
                }
                Lane::Suspect => {}
            }
        }
        Ok(())
    }

    async fn take(&mut self) -> mindflight_core::Result<()> {
        let after = (Bound::Excluded(self.served), Bound::Unbounded);
        let queues = self.hot.range(after).chain(self.hot.range(..=self.served));
        let queues: Vec<i16> = queues.copied().collect();
        for (index, queue) in queues.iter().enumerate() {
            let room = self.room();
            if room == 0 || self.stop.is_cancelled() {
                return Ok(());
            }
            // Everybody who waits gets a share; what one leaves, the next gets.
            let limit = room.div_ceil(queues.len() - index);
            let claimed = self.claim(*queue, limit).await?;
            self.served = *queue;
            if claimed.len() < limit {
                self.hot.remove(queue);
            }
            self.hand_over(claimed).await?;
        }
        Ok(())
    }

    /// Takes jobs of a queue, in their order.
    async fn claim(&mut self, queue: i16, limit: usize) -> mindflight_core::Result<Vec<Claimed>> {
        let at = Instant::now();
        let lately = first_id(self.shared.clock.now() - SLACK);
        let begins = self.beginnings.of(queue, at);
        let mut claimed = Vec::new();
        for begin in &begins {
            let rest = limit - claimed.len();
            if rest == 0 {
                break;
            }
            match self.claim_from((queue, Lane::Usual), *begin, rest).await {
                Ok(more) => claimed.extend(more),
                Err(error) => {
                    // What came before is taken, and has to run.
                    self.hand_over(claimed).await?;
                    return Err(error);
                }
            }
        }
        // A limit may have left some, or all.
        let is_held = self.holds.has(queue);
        if is_held && claimed.is_empty() {
            return Ok(claimed);
        }
        let (took, is_full) = (at.elapsed(), is_held || claimed.len() == limit);
        let begin = begins.last().copied().unwrap_or(Begin::Start);
        let look = Look { queue, begin, at, took, lately, claimed: &claimed, is_full };
        match self.beginnings.looked(&look) {
            Left::More => {}
            Left::Unknown => self.shared.wake.add(&[queue]),
            // One that gives nothing at all may be paused.
            Left::Nothing if claimed.is_empty() => {}
            Left::Nothing => self.shared.wake.emptied(queue),
        }
        Ok(claimed)
    }

    async fn claim_from(
        &mut self,
        (queue, lane): (i16, Lane),
        begin: Begin,
        limit: usize,
    ) -> mindflight_core::Result<Vec<Claimed>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claim = Claim { queue, lane, limit, worker: self.worker, kinds: &self.kinds, begin };
        let claimed = match self.shared.limited.has(queue) {
            false => self.claimer.claim(&claim).await?,
            true => {
                let Limited { jobs, hold } = self.claimer.claim_limited(&claim).await?;
                if let Some(hold) = hold {
                    let poll = jittered(self.shared.settings.poll_max);
                    self.holds.add(queue, hold, (Instant::now(), poll));
                }
                jobs
            }
        };
        self.shared.held.took(claimed.iter().map(|job| job.lease));
        Ok(claimed)
    }

    /// To the workers; keys that are held only until the start are given back first.
    async fn hand_over(&mut self, claimed: Vec<Claimed>) -> mindflight_core::Result<()> {
        let started = self.start_unique(&claimed).await;
        // They are taken, whatever became of the keys.
        self.shared.backlog.push(claimed);
        started
    }

    async fn start_unique(&mut self, claimed: &[Claimed]) -> mindflight_core::Result<()> {
        let unique: Vec<JobId> =
            claimed.iter().filter(|job| job.is_unique).map(|job| job.lease.job).collect();
        if !unique.is_empty() {
            self.claimer.start_unique(self.worker, &unique).await?;
        }
        Ok(())
    }

    async fn take_suspect(&mut self, queue: i16) -> mindflight_core::Result<()> {
        if self.suspect.is_some() {
            return Ok(());
        }
        let claimed = self.claim_from((queue, Lane::Suspect), Begin::Start, 1).await?;
        let started = self.start_unique(&claimed).await;
        self.suspect = claimed.into_iter().next().map(|claimed| {
            let (job, since) = (claimed.lease.job, Instant::now());
            tracing::info!(job = %job, "job {job} was running when its worker died; it runs alone");
            self.alone_since.get_or_insert(since);
            self.shared.is_isolated.store(true, Ordering::Release);
            Suspect { job, since, waiting: Some(claimed) }
        });
        started
    }

    /// Starts a suspect once nothing else runs, and goes on once it has ended; neither waits for ever.
    fn watch_suspect(&mut self) {
        let Some(suspect) = &mut self.suspect else { return };
        let (now, isolation) = (Instant::now(), self.shared.settings.isolation);
        let is_patient = now < suspect.since + isolation;
        match suspect.waiting.take() {
            Some(claimed) if self.shared.held.len() > 1 && is_patient => {
                suspect.waiting = Some(claimed);
            }
            Some(claimed) => {
                suspect.since = now;
                self.shared.backlog.push(vec![claimed]);
            }
            None if self.shared.held.has(suspect.job) && is_patient => {}
            None => {
                self.suspect = None;
                self.shared.is_isolated.store(false, Ordering::Release);
                self.look = now;
                // After a while of suspects alone the others have a while.
                if self.alone_since.is_some_and(|since| now >= since + isolation) {
                    self.alone_since = None;
                    self.suspects_from = now + isolation;
                }
            }
        }
    }
}
