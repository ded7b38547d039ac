//! Engines on one database, with intervals short enough to wait for.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::job::JobError;
use mindflight_api::{InstanceId, JobId, JobState, RequestId, codes};
use mindflight_core::caller::Origin;
use mindflight_core::guard::Guard;
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{
    Clock, EnqueueOptions, NewJob, NotSupported, Ports, Record, SystemClock,
};
use mindflight_core::{Caller, Factory, JobArgs, ProviderContext};
use mindflight_queue::{NoTools, Parts, Queue, Request, Settings};
use mindflight_store::Store;
use mindflight_store::admin::Admin;
use mindflight_store::job_views::{Cancel, Standing, shown};
use mindflight_store::jobs::Crash;
use mindflight_store::signal::Silent;
use mindflight_testapp::TestDb;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, Lent, Seen};

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
    lent: Lent,
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
        fence_after: millis(700),
        dead_after: millis(900),
        scan: millis(50),
        repair: millis(100),
        poll_min: millis(5),
        poll_max: millis(25),
        due_poll: millis(25),
        // A machine that is busy with other tests is slow for other reasons.
        costly: Duration::from_secs(5),
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

    /// A database with an engine that makes jobs and runs none.
    pub(crate) async fn idle() -> Self {
        let db = TestDb::new().await;
        let (mut engine, mounted) = Engine::stopped(db.store(), quick(), Lent::default()).await;
        engine.queue.replace(&[mounted]);
        engine.write();
        Self { db, engine }
    }

    /// Another engine on the same database, whose handlers share what those of the first do.
    pub(crate) async fn second(&self, settings: Settings) -> Engine {
        self.second_on(self.db.store(), settings).await
    }

    /// The same on a store of its own.
    pub(crate) async fn second_on(&self, store: &Store, settings: Settings) -> Engine {
        let (mut engine, mounted) = Engine::stopped(store, settings, self.engine.shared()).await;
        engine.queue.replace(&[mounted]);
        engine.run();
        engine
    }

    /// The same in a process whose clock shows another time.
    pub(crate) async fn second_at(&self, clock: Arc<dyn Clock>, settings: Settings) -> Engine {
        let lent = self.engine.shared();
        let (mut engine, mounted) =
            Engine::with_clock(clock, self.db.store(), settings, lent).await;
        engine.queue.replace(&[mounted]);
        engine.run();
        engine
    }

    /// Runs a script past the store.
    pub(crate) async fn sql(&self, script: &'static str) {
        let mut admin = Admin::connect(&self.db.settings()).await.unwrap();
        admin.run(script).await.unwrap();
    }

    /// Cancels a job as the server does.
    pub(crate) async fn cancel(&self, job: JobId, engine: &Engine) -> Option<Cancel> {
        let done = self.db.store().job_views().cancel(job, Some("enough"), &record()).await;
        engine.queue.cancel(job);
        done.unwrap()
    }

    /// How many jobs are in a state.
    pub(crate) async fn count(&self, state: JobState) -> u64 {
        let counts = self.db.store().job_views().counts(None, None, None).await.unwrap();
        counts.counts.get(&state).copied().unwrap_or_default()
    }

    /// Waits until no job is unfinished, and so many have succeeded.
    pub(crate) async fn succeed(&self, count: u64) {
        eventually("all jobs succeed", async || self.count(JobState::Succeeded).await >= count)
            .await;
        self.assert_placed().await;
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

    /// Waits until the handler of a job has started.
    pub(crate) async fn starts(&self, job: JobId, key: &str) {
        self.reaches(job, JobState::Running).await;
        eventually("its handler starts", async || self.engine.seen.starts(key) > 0).await;
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

/// What is written down about a test's own actions.
pub(crate) fn record() -> Record {
    Record {
        at: SystemClock.now(),
        action: "job.cancel",
        target: "a job".to_owned(),
        outcome: "ok".to_owned(),
        detail: Default::default(),
        caller: Caller::public(),
        origin: Origin { request: RequestId::new(), ip: None },
    }
}

impl Engine {
    pub(crate) async fn start(store: &Store, settings: Settings) -> Self {
        let (mut engine, mounted) = Self::stopped(store, settings, Lent::default()).await;
        engine.queue.replace(&[mounted]);
        engine.run();
        engine
    }

    /// What another one's handlers share with its own, other than its end.
    pub(crate) fn shared(&self) -> Lent {
        Lent { doom: Arc::default(), ..self.lent.clone() }
    }

    /// An engine that does not run, and the provider that it could mount.
    pub(crate) async fn stopped(store: &Store, settings: Settings, lent: Lent) -> (Self, Mounted) {
        Self::with_clock(Arc::new(SystemClock), store, settings, lent).await
    }

    async fn with_clock(
        clock: Arc<dyn Clock>,
        store: &Store,
        settings: Settings,
        lent: Lent,
    ) -> (Self, Mounted) {
        let grace = Duration::from_millis(50);
        let queue = Queue::new(Parts {
            store: store.clone(),
            guard: Guard::new(Handle::current(), grace, grace),
            clock: clock.clone(),
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
            clock,
        };
        let context = ProviderContext::new("bench", ports);
        crate::bench::LENT.with(|place| place.replace(Some(lent.clone())));
        let mounted = Factory::of::<Bench>().build(json!({}), context).await.unwrap();
        let (seen, gate) = (lent.seen.clone(), lent.gate.0.clone());
        let (stop, hurry, tasks) = Default::default();
        (Self { queue, seen, gate, lent, stop, hurry, tasks }, mounted)
    }

    pub(crate) fn run(&mut self) {
        let handle = Handle::current();
        let (queue, stop, hurry) = (self.queue.clone(), self.stop.clone(), self.hurry.clone());
        let doom = self.lent.doom.clone();
        let running = async move {
            tokio::select! {
                () = queue.run(stop, hurry) => {}
                () = doom.notified() => {}
            }
        };
        self.tasks.push(handle.spawn(running));
        self.write();
    }

    /// Lets jobs be made, also while none runs here.
    pub(crate) fn write(&mut self) {
        let queue = self.queue.clone();
        self.tasks.push(Handle::current().spawn(async move { queue.write().await }));
    }

    /// Whether it has died.
    pub(crate) fn is_dead(&self) -> bool {
        self.tasks.first().is_none_or(JoinHandle::is_finished)
    }

    /// Makes `count` jobs of these arguments, in one call.
    pub(crate) async fn enqueue_all<A: JobArgs>(
        &self,
        count: usize,
        args: impl Fn(usize) -> A,
    ) -> Vec<JobId> {
        let request = |number| {
            let job = NewJob::of("bench", &args(number), EnqueueOptions::default()).unwrap();
            Request { job, caller: None }
        };
        let made = self.queue.enqueue((0..count).map(request).collect()).await.unwrap();
        made.into_iter().map(|made| made.id).collect()
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

    /// Makes a job, and says whether it was there.
    pub(crate) async fn make<A: JobArgs>(&self, args: &A) -> (JobId, bool) {
        let job = NewJob::of("bench", args, EnqueueOptions::default()).unwrap();
        let made = self.queue.enqueue(vec![Request { job, caller: None }]).await.unwrap();
        let made = &made[0];
        (made.id, made.existing)
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

/// What becomes of jobs whose worker died, for tests that rescue by themselves.
pub(crate) fn crash() -> Crash {
    let error = |code: mindflight_api::Code| JobError {
        code: code.name.to_owned(),
        detail: "for a test".to_owned(),
        fault: code.fault,
        retry: code.retry,
        fix: None,
    };
    let (lost, cancelled) = (error(codes::WORKER_LOST), error(codes::JOB_CANCELLED));
    Crash { budget: 2, lost, cancelled }
}
