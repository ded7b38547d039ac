//! Engines on one database, with intervals short enough to wait for.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::{InstanceId, JobId, JobState};
use mindflight_core::guard::Guard;
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{EnqueueOptions, NewJob, NotSupported, Ports, SystemClock};
use mindflight_core::{Factory, JobArgs, ProviderContext};
use mindflight_queue::{NoTools, Parts, Queue, Request, Settings};
use mindflight_store::Store;
use mindflight_store::job_views::{Standing, shown};
use mindflight_store::signal::Silent;
use mindflight_testapp::TestDb;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, Seen};

/// Longer than anything here takes, so that a test that waits in vain says what for.
const PATIENCE: Duration = Duration::from_secs(20);


/// A database with one engine, and with more when asked.
pub(crate) struct Rig {
    pub(crate) db: TestDb,
    pub(crate) engine: Engine,
}

/// One engine, as if it were a process.
pub(crate) struct Engine {
    pub(crate) queue: Queue,
    pub(crate) seen: Arc<Seen>,
    pub(crate) gate: Arc<tokio::sync::Semaphore>,
    stop: CancellationToken,
    hurry: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Intervals that tests can wait for.
pub(crate) fn quick() -> Settings {
    let millis = Duration::from_millis;
    Settings {
        workers: 8,
        beat: millis(50),
        fence_after: millis(400),
        dead_after: millis(600),
        scan: millis(50),
        repair: millis(100),
        poll_min: millis(5),
        poll_max: millis(25),
        due_poll: millis(25),
        refresh: millis(50),
        record: millis(5),
        grace: millis(200),
        isolation: millis(500),
        ..Settings::default()
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(quick()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let db = TestDb::new().await;
        let engine = Engine::start(db.store(), settings).await;
        Self { db, engine }
    }

    /// Another engine on the same database.
    pub(crate) async fn second(&self, settings: Settings) -> Engine {
        Engine::start(self.db.store(), settings).await
    }

    /// The state of a job.
    pub(crate) async fn state(&self, job: JobId) -> Option<JobState> {
        self.view(job).await.map(|job| job.state)
    }

    pub(crate) async fn view(&self, job: JobId) -> Option<mindflight_api::job::Job> {
        let views = self.db.store().job_views();
        let view = views.get(job, Duration::from_secs(20)).await.unwrap();
        let standing = Standing { long_after: Duration::from_secs(300), provider: None };
        view.map(|view| shown(view, standing))
    }

    /// Waits until a job is in a state.
    pub(crate) async fn reaches(&self, job: JobId, state: JobState) -> mindflight_api::job::Job {
        let reached = async {
            loop {
                if let Some(view) = self.view(job).await.filter(|view| view.state == state) {
                    return view;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(view) => view,
            Err(_) => panic!("job {job} did not become {state:?}: {:#?}", self.view(job).await),
        }
    }

    /// T19: every job is in exactly one place.
    pub(crate) async fn assert_placed(&self) {
        let misplaced = self.db.store().job_views().misplaced().await.unwrap();
        assert!(misplaced.is_empty(), "jobs in no place, or in several: {misplaced:?}");
    }
}

/// Waits until something is true.
pub(crate) async fn eventually(what: &str, is: impl AsyncFn() -> bool) {
    let became = async {
        while !is().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, became).await.is_ok(), "never: {what}");
}

impl Engine {
    pub(crate) async fn start(store: &Store, settings: Settings) -> Self {
        let (mut engine, mounted) = Self::stopped(store, settings).await;
        engine.queue.replace(&[mounted]);
        engine.run();
        engine
    }

    /// An engine that does not run, and the provider that it could mount.
    pub(crate) async fn stopped(store: &Store, settings: Settings) -> (Self, Mounted) {
        let grace = Duration::from_millis(50);
        let queue = Queue::new(Parts {
            store: store.clone(),
            guard: Guard::new(Handle::current(), grace, grace),
            clock: Arc::new(SystemClock),
            signals: Arc::new(Silent),
            tools: Arc::new(NoTools),
            instance: InstanceId::new(),
            settings,
        });
        let ports = Ports {
            memory: Arc::new(store.memory()),
            transactions: queue.transactions(),
            jobs: queue.port(),
            events: Arc::new(NotSupported),
            resources: Arc::new(NotSupported),
            http: Arc::new(NotSupported),
            clock: Arc::new(SystemClock),
        };
        let (seen, gate) = (Arc::new(Seen::default()), Arc::new(tokio::sync::Semaphore::new(0)));
        let context = ProviderContext::new("bench", ports);
        crate::bench::LENT.with(|lent| lent.replace(Some((seen.clone(), gate.clone()))));
        let mounted = Factory::of::<Bench>().build(json!({}), context).await.unwrap();
        let (stop, hurry, tasks) = Default::default();
        (Self { queue, seen, gate, stop, hurry, tasks }, mounted)
    }

    pub(crate) fn run(&mut self) {
        let handle = Handle::current();
        let (queue, stop, hurry) = (self.queue.clone(), self.stop.clone(), self.hurry.clone());
        self.tasks.push(handle.spawn(async move { queue.run(stop, hurry).await }));
        let queue = self.queue.clone();
        self.tasks.push(handle.spawn(async move { queue.write().await }));
    }

    pub(crate) async fn enqueue<A: JobArgs>(&self, args: &A) -> JobId {
        self.enqueue_with(args, EnqueueOptions::default()).await
    }

    pub(crate) async fn enqueue_with<A: JobArgs>(
        &self,
        args: &A,
        options: EnqueueOptions,
    ) -> JobId {
        let job = NewJob::of("bench", args, options).unwrap();
        self.queue.enqueue(vec![Request { job, caller: None }]).await.unwrap()[0].id
    }

    /// Stops it as SIGTERM does, and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let engine = self.tasks.remove(0);
        tokio::time::timeout(PATIENCE, engine).await.unwrap().unwrap();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
