//! The queue in this process, put together as the server puts it together: engine, event log, LISTEN connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use mindflight_api::InstanceId;
use mindflight_core::guard::Guard;
use mindflight_core::ports::{Clock, EnqueueOptions, NewJob, NotSupported, Ports, SystemClock};
use mindflight_core::{Factory, ProviderContext};
use mindflight_events::Log;
use mindflight_queue::{NoTools, Parts, Queue, Request, Settings};
use mindflight_store::Store;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kind::{Bench, Job, PROVIDER};

/// How long anything may take until it is there or gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at whether it is.
const LOOK: Duration = Duration::from_millis(1);

/// As the server's own.
const GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(1);

/// How the queue is to be.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) url: String,
    pub(super) keeps_history: bool,
    pub(super) slots: Option<usize>,
}

/// The queue in this process. What runs beside the jobs ends with the value.
pub(super) struct Engine {
    pub(super) queue: Queue,
    log: Log,
    stop: CancellationToken,
    hurry: CancellationToken,
    tasks: JoinSet<()>,
}

/// Brings the database to our schema.
pub(super) async fn migrate(options: &Options) -> Result<()> {
    store(options)?.migrate().await?;
    Ok(())
}

fn store(options: &Options) -> Result<Store> {
    let settings = mindflight_store::Settings {
        url: options.url.clone(),
        direct_url: None,
        max_connections: 10,
        acquire_timeout: Duration::from_secs(5),
        // Calls of 10,000 jobs are not requests of a server's callers.
        statement_timeout: Duration::from_secs(60),
        instance: "mindflight-bench".to_owned(),
    };
    Ok(Store::lazy(&settings, Arc::new(SystemClock))?)
}

impl Engine {
    /// A queue that makes jobs. Hints reach other processes when this returns.
    pub(super) async fn start(options: &Options) -> Result<Self> {
        let store = store(options)?;
        let log = Log::new(mindflight_events::Parts {
            store: store.clone(),
            engine: Handle::current(),
            settings: mindflight_events::Settings {
                url: Some(options.url.clone()),
                ..Default::default()
            },
        });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let queue = Queue::new(Parts {
            store: store.clone(),
            guard: Guard::new(Handle::current(), GRACE, GRACE),
            clock: clock.clone(),
            signals: log.signals(),
            tools: Arc::new(NoTools),
            instance: InstanceId::new(),
            settings: settings(options),
        });
        let ports = Ports {
            memory: Arc::new(store.memory()),
            transactions: queue.transactions(),
            jobs: queue.port(),
            events: log.port(),
            resources: Arc::new(NotSupported),
            http: Arc::new(NotSupported),
            clock,
        };
        let context = ProviderContext::new(PROVIDER, ports);
        let mounted = Factory::of::<Bench>().build(json!({}), context).await;
        queue.replace(&[mounted.map_err(|error| anyhow!("{}", error.detail()))?]);
        let (stop, hurry, tasks) = Default::default();
        let mut engine = Self { queue, log, stop, hurry, tasks };
        engine.spawn_parts();
        let log = engine.log.clone();
        until("hints of other processes arrive", || log.is_listening() == Some(true)).await?;
        Ok(engine)
    }

    fn spawn_parts(&mut self) {
        let (queue, stop) = (self.queue.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(queue.write()).await;
        });
        let (log, queue, stop) = (self.log.clone(), self.queue.clone(), self.stop.clone());
        self.tasks.spawn(async move { log.run(move |signal| queue.heard(signal), stop).await });
    }

    /// Runs jobs too, from the moment when this returns.
    pub(super) async fn work(&self) -> Result<JoinSet<()>> {
        let (queue, stop, hurry) = (self.queue.clone(), self.stop.clone(), self.hurry.clone());
        let mut running = JoinSet::new();
        running.spawn(async move { queue.run(stop, hurry).await });
        until("this process is a worker", || self.queue.worker().is_some()).await?;
        Ok(running)
    }

    /// Makes jobs, all or none; durable when this returns.
    pub(super) async fn make(&self, jobs: impl Iterator<Item = Job>) -> Result<()> {
        let request = |job: Job| {
            let job = NewJob::of(PROVIDER, &job, EnqueueOptions::default())?;
            Ok(Request { job, caller: None })
        };
        let requests: Result<Vec<Request>, mindflight_core::Error> = jobs.map(request).collect();
        self.queue.enqueue(requests?).await?;
        Ok(())
    }

    /// Asks everything to end: no job is made or started any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

fn settings(options: &Options) -> Settings {
    let defaults = Settings::default();
    let without_history = if options.keeps_history { None } else { Some(PROVIDER.to_owned()) };
    Settings {
        workers: options.slots.unwrap_or(defaults.workers),
        poll_max: POLL,
        without_history: without_history.into_iter().collect(),
        ..defaults
    }
}

async fn until(what: &str, is: impl Fn() -> bool) -> Result<()> {
    let latest = Instant::now() + PATIENCE;
    while !is() {
        ensure!(Instant::now() < latest, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
