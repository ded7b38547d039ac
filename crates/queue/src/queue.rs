//! The handle of the job queue: everybody who makes, stops or waits for jobs has a copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::{InstanceId, JobId};
use mindflight_core::guard::Guard;
use mindflight_core::jobs::Kind;
use mindflight_core::mounted::{Mounted, Surface};
use mindflight_core::ports::{Clock, Jobs as Port, NewJob, Transactions as TransactionsPort};
use mindflight_core::{Caller, Result};
use mindflight_store::Store;
use mindflight_store::jobs::{Due, Jobs, NewRow};
use mindflight_store::signal::{Signal, Signals, Urgency};
use tokio::sync::{Notify, mpsc};

use crate::Settings;
use crate::backlog::Backlog;
use crate::cron::Timetable;
use crate::enqueue::Enqueue;
use crate::held::{Held, Stop};
use crate::kinds::{Kinds, MountedKind, Runs, Tools, sound};
use crate::numbers::Numbers;
use crate::pace::Pace;
use crate::resolve::{Made, Request, Resolved, Resolver};
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
    pub(crate) backlog: Backlog,
    pub(crate) held: Held,
    pub(crate) pace: Pace,
    pub(crate) said: mpsc::Sender<Said>,
    pub(crate) listener: std::sync::Mutex<Option<mpsc::Receiver<Said>>>,
    pub(crate) unwritten: Unwritten,
    /// The number of this process's worker; 0 while it has none.
    pub(crate) worker: AtomicI64,
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

/// Lines of progress and logs that may wait to be written.
const SAID: usize = 10_000;

impl Queue {
    /// A queue without kinds yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, guard, clock, signals, tools, instance, settings } = parts;
        let jobs = store.jobs();
        let numbers = Numbers::new(jobs.names(), settings.without_history.clone());
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
            kinds: Kinds::default(),
            enqueue: Enqueue::new(),
            wake: Wake::default(),
            due: Notify::new(),
            remounted: Notify::new(),
            backlog: Backlog::default(),
            held: Held::default(),
            pace: Pace::default(),
            unwritten: Unwritten::default(),
            worker: AtomicI64::new(0),
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
                if kind.options.rate.is_some() {
                    left_out.push((name, "its rate: this release has no rates of jobs".to_owned()));
                }
            }
        }
        left_out
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
        Ok(self.0.resolve(Request { job, caller: None }).await?.row)
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
        let mut rows = Vec::with_capacity(requests.len());
        let mut enqueued = Vec::with_capacity(requests.len());
        for request in requests {
            let Resolved { row, made, .. } = self.0.resolve(request).await?;
            let is_placed = row.gate.is_none();
            enqueued.push(Enqueued { id: row.id, existing: false, made, is_placed });
            rows.push(row);
        }
        let mut ready: Vec<i16> =
            rows.iter().filter(|row| row.due == Due::Now).map(|row| row.queue).collect();
        ready.dedup();
        let later = rows.iter().any(|row| row.due != Due::Now);
        let existing = self.0.enqueue.insert(rows).await?;
        self.made(&ready, later);
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

    /// Jobs that this process runs now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.held.running()
    }

    /// Writes what is enqueued until the queue is gone; one task of the process does this.
    pub async fn write(&self) {
        self.0.enqueue.run(&self.0.jobs).await;
    }
}

impl Shared {
    /// The row of a job that somebody asks for.
    pub(crate) async fn resolve(&self, request: Request) -> Result<Resolved> {
        let Self { kinds, numbers, clock, .. } = self;
        let resolved = Resolver { kinds, numbers, clock: &**clock }.row(request).await?;
        if resolved.is_new {
            kinds.spread();
            self.remounted.notify_one();
        }
        Ok(resolved)
    }
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
}
