//! Kinds of jobs: durable background work that a provider can do.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::policy::{Backoff, Missed, Rate, Unique};
use crate::subscriptions::Subscription;
use crate::{BoxFuture, Context, Error, Event, Result, schema};

/// Arguments of one kind of job. Keep them small, and able to be read by the next version.
pub trait JobArgs: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// `[a-z0-9_]+`; the whole kind is `{provider}.{KIND}`.
    const KIND: &'static str;
}

type Run = Arc<dyn Fn(Context, &str) -> BoxFuture<Result<Value>> + Send + Sync>;

/// The kinds of a provider, being declared.
pub struct Jobs<P> {
    provider: Arc<P>,
    kinds: Vec<Kind>,
}

/// One declared kind; its methods set options.
#[derive(Clone)]
pub struct Kind {
    /// The kind, without the provider's name.
    pub name: String,
    /// JSON Schema of the arguments.
    pub args: Value,
    /// How its jobs are treated.
    pub options: Options,
    /// Which events its jobs are about, if they are made by a subscription.
    pub listens: Option<Listens>,
    run: Run,
}

/// Which events a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listens {
    /// Types, as [`policy::Pattern`](crate::policy::Pattern) reads them.
    pub pattern: String,
    /// Only of this source.
    pub source: Option<String>,
}

/// How jobs of a kind are treated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// The queue; the provider's own unless set.
    pub queue: Option<String>,
    /// 0–9, lower first.
    pub priority: u8,
    /// Attempts before the job has failed.
    pub max_attempts: u32,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// When an attempt is cut.
    pub deadline: Duration,
    /// When two jobs count as the same.
    pub unique: Option<Unique>,
    /// Attempts at the same time, over all instances.
    pub concurrency: Option<u32>,
    /// Attempts at the same time per value of this argument, over all instances; beside `concurrency`, if both are set.
    pub concurrency_by: Option<(String, u32)>,
    /// Attempts that start in a stretch of time, over all instances.
    pub rate: Option<Rate>,
    /// The same per value of this argument, which is that of `concurrency_by` if both are set.
    pub rate_by: Option<(String, Rate)>,
    /// When jobs are made by the clock.
    pub schedules: Vec<Schedule>,
    /// Words to find jobs by.
    pub tags: Vec<String>,
    /// All effects go through `cx.begin()`.
    pub transactional: bool,
    /// Attempts see who made the job.
    pub as_caller: bool,
}

/// When jobs are made by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Cron expression of five fields.
    pub cron: String,
    /// IANA time zone.
    pub zone: String,
    /// What happens to times that passed while no server ran.
    pub missed: Missed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue: None,
            priority: 5,
            max_attempts: 10,
            backoff: Backoff::default(),
            deadline: Duration::from_secs(600),
            unique: None,
            concurrency: None,
            concurrency_by: None,
            rate: None,
            rate_by: None,
            schedules: Vec::new(),
            tags: Vec::new(),
            transactional: false,
            as_caller: false,
        }
    }
}

impl<P: Send + Sync + 'static> Jobs<P> {
    pub(crate) fn new(provider: Arc<P>) -> Self {
        Self { provider, kinds: Vec::new() }
    }

    pub(crate) fn into_kinds(self) -> Vec<Kind> {
        self.kinds
    }

    /// Adds a kind. Its jobs may run more than once: write the function so that this does no harm.
    pub fn add<A, O, F, Fut>(&mut self, f: F) -> &mut Kind
    where
        A: JobArgs,
        O: Serialize,
        F: Fn(Arc<P>, Context, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O>> + Send + 'static,
    {
        let provider = self.provider.clone();
        let run: Run = Arc::new(move |cx, args| match serde_json::from_str(args) {
            Ok(args) => {
                let work = f(provider.clone(), cx, args);
                Box::pin(async move { serde_json::to_value(work.await?).map_err(Error::internal) })
            }
            Err(error) => {
                let error = Error::invalid(format!("the arguments do not fit the kind: {error}"));
                Box::pin(std::future::ready(Err(error.permanent())))
            }
        });
        let options = Options::default();
        let (name, args) = (A::KIND.to_owned(), schema::arguments::<A>());
        self.kinds.push(Kind { name, args, options, listens: None, run });
        let last = self.kinds.len() - 1;
        &mut self.kinds[last]
    }
}

impl Kind {
    /// The kind of the jobs that a subscription makes: `on.{pattern}`, with the event as arguments.
    #[must_use]
    pub fn of_subscription(subscription: &Arc<Subscription>) -> Self {
        let (pattern, source) = (subscription.pattern.clone(), subscription.source.clone());
        let run_by = subscription.clone();
        let run: Run = Arc::new(move |cx, args| match serde_json::from_str::<Event>(args) {
            Ok(event) => {
                let work = run_by.run(cx, event);
                Box::pin(async move { work.await.map(|()| Value::Null) })
            }
            Err(error) => {
                let error = Error::invalid(format!("the arguments are no event: {error}"));
                Box::pin(std::future::ready(Err(error.permanent())))
            }
        });
        Self {
            name: format!("on.{pattern}"),
            args: schema::arguments::<Event>(),
            options: Options::default(),
            listens: Some(Listens { pattern, source }),
            run,
        }
    }

    /// Jobs wait in this queue instead of the provider's own.
    pub fn queue(&mut self, queue: &str) -> &mut Self {
        self.options.queue = Some(queue.to_owned());
        self
    }

    /// 0–9, lower first (5 unless set).
    pub fn priority(&mut self, priority: u8) -> &mut Self {
        self.options.priority = priority.min(9);
        self
    }

    /// Attempts before the job has failed (10 unless set).
    pub fn max_attempts(&mut self, attempts: u32) -> &mut Self {
        self.options.max_attempts = attempts.max(1);
        self
    }

    /// How long to wait between attempts (1 s doubling to 1 h ± 25 % unless set).
    pub fn backoff(&mut self, backoff: Backoff) -> &mut Self {
        self.options.backoff = backoff;
        self
    }

    /// An attempt is cut after this long (10 min unless set).
    pub fn deadline(&mut self, deadline: Duration) -> &mut Self {
        self.options.deadline = deadline;
        self
    }

    /// When two jobs count as the same.
    pub fn unique(&mut self, unique: Unique) -> &mut Self {
        self.options.unique = Some(unique);
        self
    }

    /// At most this many attempts at the same time, over all instances.
    pub fn concurrency(&mut self, attempts: u32) -> &mut Self {
        self.options.concurrency = Some(attempts.max(1));
        self
    }

    /// At most this many attempts at the same time per value of `argument`, over all instances; beside
    /// [`concurrency`](Self::concurrency), if both are set.
    pub fn concurrency_by(&mut self, argument: &str, attempts: u32) -> &mut Self {
        self.options.concurrency_by = Some((argument.to_owned(), attempts.max(1)));
        self
    }

    /// At most this many attempts start in each `period`, over all instances; so many may start at once.
    pub fn rate(&mut self, attempts: u32, period: Duration) -> &mut Self {
        self.options.rate = Some(Rate::new(attempts, period));
        self
    }

    /// At most this many attempts start in each `period` per value of `argument`, over all instances.
    ///
    /// Together with [`concurrency_by`](Self::concurrency_by) it has to name the same argument.
    pub fn rate_by(&mut self, argument: &str, attempts: u32, period: Duration) -> &mut Self {
        self.options.rate_by = Some((argument.to_owned(), Rate::new(attempts, period)));
        self
    }

    /// Makes a job at these times, in UTC, skipping those that passed while no server ran.
    pub fn every(&mut self, cron: &str) -> &mut Self {
        self.schedule(cron, "UTC", Missed::Skip)
    }

    /// Makes a job at these times in an IANA time zone.
    pub fn schedule(&mut self, cron: &str, zone: &str, missed: Missed) -> &mut Self {
        let schedule = Schedule { cron: cron.to_owned(), zone: zone.to_owned(), missed };
        self.options.schedules.push(schedule);
        self
    }

    /// A word to find its jobs by.
    pub fn tag(&mut self, tag: &str) -> &mut Self {
        self.options.tags.push(tag.to_owned());
        self
    }

    /// All effects go through `cx.begin()` and `tx.finish()`: exactly one effect.
    pub fn transactional(&mut self) -> &mut Self {
        self.options.transactional = true;
        self
    }

    /// Attempts see who made the job as `cx.caller()`, with the rights it had then; without this, and where a provider
    /// made the job, that is nobody in particular.
    pub fn as_caller(&mut self) -> &mut Self {
        self.options.as_caller = true;
        self
    }

    /// Starts one attempt with these arguments, as JSON; for whoever runs jobs.
    #[must_use]
    pub fn run(&self, cx: Context, args: &str) -> BoxFuture<Result<Value>> {
        (self.run)(cx, args)
    }
}
