//! The handle of the job queue: everybody who makes, stops or waits for jobs has a copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::{InstanceId, JobId};
use mindflight_core::guard::Guard;
use mindflight_core::jobs::Kind;
use mindflight_core::mounted::{Mounted, Surface};
use mindflight_core::ports::{
    Clock, Jobs as Port, Lease, NewJob, Parent, Transactions as TransactionsPort,
};
use mindflight_core::{Caller, Result};
use mindflight_store::Store;
use mindflight_store::jobs::{Claimed, Due, Jobs, NewRow};
use mindflight_store::signal::{Signal, Signals, Urgency};
use tokio::sync::{Notify, mpsc};

use crate::Settings;
use crate::backlog::Backlog;
use crate::cron::Timetable;
use crate::engine;
use crate::enqueue::{self, Enqueue, Written};
use crate::gates;
use crate::graph;
use crate::held::{Held, Stop};
use crate::kinds::{Kinds, MountedKind, Runs, Tools, sound};
use crate::limits::Limited;
use crate::numbers::Numbers;
use crate::pace::Pace;
use crate::resolve::{Made, Request, Resolved, Resolver, Sort};
use crate::said::Said;
use crate::transactions::Transactions;
use crate::unwritten::Unwritten;
use crate::wake::Wake;

/// The job queue of one process. Cheap to clone.
#[derive(Clone)]
pub struct Queue(pub(crate) Arc<Shared>);

/// A job that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// Its id.
    pub id: JobId,
    /// Whether it was there already, under the same unique key.
    pub existing: bool,
    /// What was asked for, as it was resolved.
    pub made: Made,
    /// Whether its place is known without looking: it was not there before, and no limit holds it.
    pub is_placed: bool,
}

/// What all parts of the engine share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) jobs: Jobs,
    pub(crate) settings: Settings,
    pub(crate) instance: InstanceId,
    pub(crate) guard: Guard,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signals: Arc<dyn Signals>,
    pub(crate) tools: Arc<dyn Tools>,
    pub(crate) kinds: Kinds,
    pub(crate) numbers: Numbers,
    pub(crate) enqueue: Enqueue,
    pub(crate) wake: Wake,
    /// Jobs were made that come due later.
    pub(crate) due: Notify,
    /// The mounted kinds are others now.
    pub(crate) remounted: Notify,
    /// Queues with limits of their own.
    pub(crate) limited: Limited,
    pub(crate) backlog: Backlog,
    pub(crate) held: Held,
    pub(crate) pace: Pace,
    pub(crate) said: mpsc::Sender<Said>,
    pub(crate) listener: std::sync::Mutex<Option<mpsc::Receiver<Said>>>,
    pub(crate) unwritten: Unwritten,
    /// The number of this process's worker; 0 while it has none.
    pub(crate) worker: AtomicI64,
    /// Whether the worker takes jobs.
    pub(crate) is_taking: AtomicBool,
    /// Whether one job has this process to itself, or is about to.
    pub(crate) is_isolated: AtomicBool,
}

/// What a [`Queue`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Runs handlers.
    pub guard: Guard,
    /// What time it is, for what providers see.
    pub clock: Arc<dyn Clock>,
    /// Carries hints to the other processes.
    pub signals: Arc<dyn Signals>,
    /// Runs tools as jobs.
    pub tools: Arc<dyn Tools>,
    /// The process.
    pub instance: InstanceId,
    /// Limits and intervals.
    pub settings: Settings,
}

/// Jobs that start without waiting in the queue, at most: a fair share, where other processes have free slots.
const MOST_STARTED: usize = 64;

/// Lines of progress and logs that may wait to be written.
const SAID: usize = 10_000;

impl Queue {
    /// A queue without kinds yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, guard, clock, signals, tools, instance, settings } = parts;
        let jobs = store.jobs();
        let numbers = Numbers::new(jobs.names(), settings.without_history.clone());
        let kinds = Kinds::new(settings.kinds.clone());
        let (said, listener) = mpsc::channel(SAID);
        Self(Arc::new(Shared {
            store,
            jobs,
            instance,
            guard,
            clock,
            signals,
            tools,
            numbers,
            settings,
            said,
            listener: std::sync::Mutex::new(Some(listener)),
            kinds,
            enqueue: Enqueue::new(),
            wake: Wake::default(),
            due: Notify::new(),
            remounted: Notify::new(),
            limited: Limited::default(),
            backlog: Backlog::default(),
            held: Held::default(),
            pace: Pace::default(),
            unwritten: Unwritten::default(),
            worker: AtomicI64::new(0),
            is_taking: AtomicBool::new(false),
            is_isolated: AtomicBool::new(false),
        }))
    }

    /// Limits and intervals.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// From now on, this process runs jobs of these providers. Jobs that run go on.
    pub fn replace(&self, mounted: &[Mounted]) {
        self.0.kinds.replace(mounted, &*self.0.tools);
        self.0.remounted.notify_one();
    }

    /// What kinds of these providers declare and this engine does not do, with the kind.
    #[must_use]
    pub fn left_out(mounted: &[Mounted]) -> Vec<(String, String)> {
        let mut left_out = Vec::new();
        for provider in mounted {
            let (surface, owner) = (provider.surface(), provider.context().name());
            for (kind, what) in sound(&surface.subscriptions).1 {
                left_out.push((format!("{owner}.{kind}"), what));
            }
            for kind in surface.jobs {
                let name = format!("{owner}.{}", kind.name);
                for schedule in &kind.options.schedules {
                    if let Err(error) = Timetable::new(&schedule.cron, &schedule.zone) {
                        left_out.push((name.clone(), format!("a schedule: {error}")));
                    }
                }
                left_out.extend(gates::left_out(&kind.options).map(|what| (name, what)));
            }
        }
        left_out
    }

    /// Kinds of which the operator says something and that this process does not have, sorted by name.
    #[must_use]
    pub fn idle_overrides(&self) -> Vec<&str> {
        let all = self.0.kinds.all();
        let is_kind = |name: &str| matches!(all.get(name), Some(Runs::Kind(_)));
        let said = self.0.settings.kinds.keys().map(String::as_str);
        let mut idle: Vec<&str> = said.filter(|name| !is_kind(name)).collect();
        idle.sort_unstable();
        idle
    }

    /// The kinds of a provider: those it declares, and those of its subscriptions.
    pub fn kinds_of(surface: &Surface) -> impl Iterator<Item = Arc<Kind>> {
        surface.jobs.iter().cloned().chain(sound(&surface.subscriptions).0)
    }

    /// The kinds that this process can run, sorted by name.
    #[must_use]
    pub fn kinds(&self) -> Vec<Arc<MountedKind>> {
        let all = self.0.kinds.all();
        all.values()
            .filter_map(|runs| match runs {
                Runs::Kind(mounted) => Some(mounted.clone()),
                Runs::Tool { .. } => None,
            })
            .collect()
    }

    /// One kind that this process can run.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Arc<MountedKind>> {
        match self.0.kinds.get(name).ok()? {
            Runs::Kind(mounted) => Some(mounted),
            Runs::Tool { .. } => None,
        }
    }

    /// The kinds whose jobs are made by subscriptions, sorted by name.
    #[must_use]
    pub fn listening(&self) -> Vec<Arc<MountedKind>> {
        let mut kinds = self.kinds();
        kinds.retain(|mounted| mounted.kind.listens.is_some());
        kinds
    }

    /// The row of a job that somebody else writes, in a transaction of their own.
    ///
    /// # Errors
    /// 422 `unknown_kind`, or 503 when the database is away.
    pub async fn row(&self, job: NewJob) -> Result<NewRow> {
        Ok(self.0.resolve(&Request { job, caller: None }).await?.row)
    }

    /// Jobs have ended otherwise than by an attempt.
    pub fn ended(&self, queues: &[i16]) {
        self.wake(queues);
        self.0.signals.published(Urgency::Soon);
    }

    /// Makes jobs, all or none; durable when this returns.
    ///
    /// # Errors
    /// 422 `unknown_kind`, or 503 when the database is away.
    pub async fn enqueue(&self, requests: Vec<Request>) -> Result<Vec<Enqueued>> {
        graph::check(requests.iter().map(|request| &request.job.options))?;
        let mut rows = Vec::with_capacity(requests.len());
        let mut enqueued = Vec::with_capacity(requests.len());
        let mut last = None;
        for request in &requests {
            let Resolved { row, made } = self.0.resolve_next(request, &mut last).await?;
            let is_placed = row.gate.is_none() && row.after.is_empty();
            enqueued.push(Enqueued { id: row.id, existing: false, made, is_placed });
            rows.push(row);
        }
        graph::mark(&mut rows);
        let mut ready: Vec<i16> =
            rows.iter().filter(|row| row.due == Due::Now).map(|row| row.queue).collect();
        ready.dedup();
        let later = rows.iter().any(|row| row.due != Due::Now);
        let Written { existing, is_started } = self.0.enqueue.insert(rows).await?;
        if !is_started {
            self.made(&ready, later);
        }
        for one in &mut enqueued {
            if let Some(other) = existing.get(&one.id) {
                (one.id, one.existing, one.is_placed) = (*other, true, false);
            }
        }
        Ok(enqueued)
    }

    /// Wakes whoever can run jobs that were committed a moment ago.
    pub(crate) fn made(&self, ready: &[i16], later: bool) {
        self.wake(ready);
        if later {
            self.0.due.notify_one();
            self.0.signals.send(Signal::Scheduled);
        }
    }

    /// Wakes workers, here and elsewhere: these queues have jobs.
    pub fn wake(&self, queues: &[i16]) {
        if queues.is_empty() {
            return;
        }
        self.0.wake.add(queues);
        self.0.signals.send(Signal::Ready(queues.to_vec()));
    }

    /// A queue has other limits than before, or its pause another end: whoever keeps them looks again.
    pub fn limits_changed(&self) {
        self.heard(Signal::Limits);
        self.0.signals.send(Signal::Limits);
    }

    /// Whether this process knows that a queue has limits.
    #[must_use]
    pub fn is_limited(&self, queue: i16) -> bool {
        self.0.limited.has(queue)
    }

    /// The number of a queue, which exists from then on.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn number_of(&self, queue: &str) -> Result<i16> {
        self.0.numbers.queue(queue).await
    }

    /// Whether jobs of a kind that this process can run are put into this queue, unless somebody says otherwise.
    #[must_use]
    pub fn is_used(&self, queue: &str) -> bool {
        let all = self.0.kinds.all();
        all.values().any(|runs| runs.options().queue.as_deref().unwrap_or(runs.provider()) == queue)
    }

    /// A job was put off by hand: it may be due before all others that are not.
    pub fn put_off(&self) {
        self.made(&[], true);
    }

    /// Tells whoever runs a job that it was asked to stop.
    pub fn cancel(&self, job: JobId) {
        if !self.0.held.stop(job, Stop::Cancelled) {
            self.0.signals.send(Signal::Cancel(job));
        }
    }

    /// A hint of another process has arrived.
    pub fn heard(&self, signal: Signal) {
        match signal {
            Signal::Ready(queues) => self.0.wake.add(&queues),
            Signal::Scheduled => self.0.due.notify_one(),
            Signal::Limits => {
                self.0.kinds.spread();
                self.0.remounted.notify_one();
                self.0.due.notify_one();
            }
            Signal::Cancel(job) => {
                self.0.held.stop(job, Stop::Cancelled);
            }
        }
    }

    /// Makes a job of a kind that is on a schedule, now.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub async fn fire_now(&self, kind: &str, caller: Option<Caller>) -> Result<JobId> {
        let args = serde_json::Value::Object(serde_json::Map::new());
        let job = NewJob { kind: kind.to_owned(), args, options: Default::default() };
        let made = self.enqueue(vec![Request { job, caller }]).await?;
        let first = made.first().map(|made| made.id);
        first.ok_or_else(|| mindflight_core::Error::internal("a job without an id"))
    }

    /// The next slots of a schedule after `after`; none if it cannot be read.
    #[must_use]
    pub fn next_slots(
        cron: &str,
        zone: &str,
        after: DateTime<Utc>,
        count: usize,
    ) -> Vec<DateTime<Utc>> {
        Timetable::new(cron, zone).map(|table| table.next(after, count)).unwrap_or_default()
    }

    /// Durable background work, as providers ask for it.
    #[must_use]
    pub fn port(&self) -> Arc<dyn Port> {
        Arc::new(Provided(self.clone()))
    }

    /// Transactions in which calls and attempts are closed.
    #[must_use]
    pub fn transactions(&self) -> Arc<dyn TransactionsPort> {
        Arc::new(Transactions { store: self.0.store.transactions(), queue: self.clone() })
    }

    /// The number of this process's worker, if it has one.
    #[must_use]
    pub fn worker(&self) -> Option<i64> {
        Some(self.0.worker.load(Ordering::Acquire)).filter(|worker| *worker != 0)
    }

    /// Whether nothing is known to wait in a queue, so that jobs made for it here start at once.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn is_idle(&self, queue: &str) -> Result<bool> {
        Ok(self.0.wake.is_empty(self.number_of(queue).await?))
    }

    /// Jobs that this process runs now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.held.running()
    }

    /// Writes what is enqueued until the queue is gone; one task of the process does this.
    pub async fn write(&self) {
        enqueue::run(&self.0).await;
    }
}

impl Shared {
    /// The row of a job that somebody asks for.
    pub(crate) async fn resolve(&self, request: &Request) -> Result<Resolved> {
        self.resolve_next(request, &mut None).await
    }

    /// The same for one of several, of which most are like the `last` one.
    async fn resolve_next(&self, request: &Request, last: &mut Option<Sort>) -> Result<Resolved> {
        let Self { kinds, numbers, clock, .. } = self;
        let resolver = Resolver { kinds, numbers, clock: &**clock };
        let sort = match last.as_mut() {
            Some(sort) if sort.is_of(&request.job) => sort,
            _ => last.insert(resolver.sort(&request.job).await?),
        };
        if sort.is_new {
            kinds.spread();
            self.remounted.notify_one();
        }
        resolver.row(request, sort).await
    }

    /// How many jobs this process may take beside those that it has.
    pub(crate) fn room(&self) -> Room {
        let Settings { workers, prefetch, prefetch_time, max_unwritten, .. } = self.settings;
        let (waiting, running) = (self.backlog.len(), self.held.running());
        let ahead = self.pace.ahead(workers, prefetch_time, prefetch);
        let is_full = self.held.unwritten() >= max_unwritten;
        let free = if is_full { 0 } else { (workers + ahead).saturating_sub(waiting + running) };
        Room { free, waiting, ahead }
    }

    /// The worker that may start these jobs at once, if this process can, and if none waits that came before them.
    pub(crate) fn may_start(&self, rows: &[NewRow]) -> Option<i64> {
        let worker = self.worker.load(Ordering::Acquire);
        let is_free = worker != 0
            && self.is_taking.load(Ordering::Acquire)
            && !self.is_isolated.load(Ordering::Acquire)
            && rows.len() <= self.room().free.min(MOST_STARTED);
        let can_start = |row: &NewRow| {
            row.is_plain()
                && self.wake.is_empty(row.queue)
                && !self.limited.has(row.queue)
                && self.kinds.numbered(row.kind).is_some()
        };
        (is_free && rows.iter().all(can_start)).then_some(worker)
    }

    /// Takes over what was taken and not started.
    pub(crate) fn take_unstarted(&self) -> Vec<Lease> {
        drop(self.backlog.drain());
        // Of all that is held: a suspect that waits to run alone is in no backlog.
        self.held.unstarted()
    }

    /// Runs jobs that were given to this process.
    pub(crate) fn start(&self, claimed: Vec<Claimed>) {
        self.held.took(claimed.iter().map(|job| job.lease));
        self.backlog.push(claimed);
        if !self.is_taking.load(Ordering::Acquire) {
            // Nobody takes from the backlog any more.
            engine::hand_back(self, self.held.unstarted());
        }
    }
}

/// How many jobs may be taken, and what decides it.
pub(crate) struct Room {
    pub(crate) free: usize,
    /// Jobs that were taken and wait here.
    pub(crate) waiting: usize,
    /// Jobs that are worth taking beyond those that run.
    pub(crate) ahead: usize,
}

/// The queue, as providers see it.
struct Provided(Queue);

#[async_trait]
impl Port for Provided {
    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        let requests = jobs.into_iter().map(|job| Request { job, caller: None }).collect();
        let made = self.0.enqueue(requests).await?;
        Ok(made.into_iter().map(|made| made.id).collect())
    }

    async fn parents(&self, job: JobId) -> Result<Vec<Parent>> {
        Ok(self.0.0.store.job_views().parents(job).await?)
    }
}
