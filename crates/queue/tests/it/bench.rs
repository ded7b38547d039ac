//! A provider whose jobs do what the tests need.
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mindflight_core::policy::{Backoff, Missed, Release, Unique};
use mindflight_core::ports::EnqueueOptions;
use mindflight_core::{Context, Error, JobArgs, Jobs, Provider, ProviderContext, Result};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

/// What handlers of a test share with it.
#[derive(Default)]
pub(crate) struct Seen {
    /// Starts, by key.
    pub(crate) starts: Mutex<HashMap<String, usize>>,
    /// Keys in the order of their starts.
    pub(crate) order: Mutex<Vec<String>>,
    /// Handlers at the same time, now and at most.
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
    /// The same for each key.
    pub(crate) by_key: Mutex<HashMap<String, (usize, usize)>>,
    /// Handlers that were told to stop.
    pub(crate) told: AtomicUsize,
}

impl Seen {
    pub(crate) fn starts(&self, key: &str) -> usize {
        self.starts.lock().unwrap().get(key).copied().unwrap_or_default()
    }

    /// Counts a handler until it ends, however it does.
    fn enter(self: &Arc<Self>, key: &str) -> Here {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let mut by_key = self.by_key.lock().unwrap();
        let (now, most) = by_key.entry(key.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Here { seen: self.clone(), key: key.to_owned() }
    }

    /// The most handlers at the same time of any one key.
    pub(crate) fn most_of_a_key(&self) -> usize {
        self.by_key.lock().unwrap().values().map(|(_, most)| *most).max().unwrap_or_default()
    }

    fn start(&self, key: &str) -> usize {
        self.order.lock().unwrap().push(key.to_owned());
        let mut starts = self.starts.lock().unwrap();
        let count = starts.entry(key.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// A handler that runs.
struct Here {
    seen: Arc<Seen>,
    key: String,
}

impl Drop for Here {
    fn drop(&mut self) {
        self.seen.now.fetch_sub(1, Ordering::SeqCst);
        if let Some((now, _)) = self.seen.by_key.lock().unwrap().get_mut(&self.key) {
            *now -= 1;
        }
    }
}

/// What a provider shares with its test.
#[derive(Clone, Default)]
pub(crate) struct Lent {
    pub(crate) seen: Arc<Seen>,
    /// Jobs of the kind `wait` end when they get a permit.
    pub(crate) gate: Gate,
    /// Notified when the process is to die.
    pub(crate) doom: Arc<Notify>,
}

#[derive(Clone)]
pub(crate) struct Gate(pub(crate) Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

thread_local! {
    pub(crate) static LENT: RefCell<Option<Lent>> = const { RefCell::new(None) };
}

/// The provider.
pub(crate) struct Bench {
    seen: Arc<Seen>,
    gate: Gate,
    doom: Arc<Notify>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}

macro_rules! args {
    ($($name:ident $kind:literal;)*) => {$(
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub(crate) struct $name {
            #[serde(default)]
            pub(crate) key: String,
            #[serde(default)]
            pub(crate) n: usize,
        }
        impl JobArgs for $name {
            const KIND: &'static str = $kind;
        }
    )*};
}

args! {
    Note "note";
    Wait "wait";
    Flaky "flaky";
    Fail "fail";
    Panic "panic";
    Count "count";
    Snooze "snooze";
    One "one";
    PerKey "per_key";
    Single "single";
    Started "started";
    Deaf "deaf";
    Tick "tick";
    Talk "talk";
    Chain "chain";
    Kill "kill";
    Doomed "doomed";
    Stubborn "stubborn";
    FailOne "fail_one";
    Both "both";
    Twice "twice";
    ByKey "by_key";
    Hold "hold";
    Latest "latest";
    Skip "skip";
    Join "join";
    Fan "fan";
    Crowd "crowd";
    Rated "rated";
    RatedKey "rated_key";
    Often "often";
    KeyAndAll "key_and_all";
    HoldBoth "hold_both";
}

impl Provider for Bench {
    const ID: &'static str = "bench";
    type Config = Config;

    async fn build(_: Config, _: ProviderContext) -> Result<Self> {
        let Lent { seen, gate, doom } = LENT.with(RefCell::take).unwrap();
        Ok(Self { seen, gate, doom })
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        let quick = Backoff::fixed(Duration::from_millis(1));
        j.add(Self::note);
        j.add(Self::wait);
        j.add(Self::flaky).backoff(quick.clone()).max_attempts(5);
        j.add(Self::fail).backoff(quick.clone());
        j.add(Self::panic).backoff(quick.clone()).max_attempts(2);
        j.add(Self::count).transactional();
        j.add(Self::snooze).max_attempts(1);
        j.add(Self::one).concurrency(1);
        j.add(Self::per_key).concurrency_by("key", 2);
        j.add(Self::single).unique(Unique::default());
        j.add(Self::started).unique(Unique { release: Release::Start, ..Unique::default() });
        j.add(Self::deaf).deadline(Duration::from_millis(50)).max_attempts(1);
        j.add(Self::tick).schedule("0 0 1 1 *", "UTC", Missed::All);
        j.add(Self::latest).schedule("0 0 1 1 *", "UTC", Missed::Latest);
        j.add(Self::skip).schedule("0 0 1 1 *", "UTC", Missed::Skip);
        j.add(Self::talk);
        j.add(Self::chain).transactional();
        j.add(Self::kill);
        j.add(Self::doomed).max_attempts(1);
        j.add(Self::stubborn);
        j.add(Self::fail_one).concurrency(1).backoff(quick.clone()).max_attempts(2);
        j.add(Self::both).unique(Unique::default()).concurrency_by("key", 1);
        j.add(Self::hold).concurrency(1);
        j.add(Self::twice).transactional().backoff(quick.clone());
        let args = vec!["key".to_owned()];
        j.add(Self::join);
        j.add(Self::fan).transactional();
        j.add(Self::by_key).unique(Unique { args, ..Unique::default() });
        let hour = Duration::from_secs(3600);
        j.add(Self::crowd).backoff(Backoff::fixed(Duration::from_millis(1))).max_attempts(2);
        j.add(Self::rated).rate(3, hour);
        j.add(Self::rated_key).rate_by("key", 2, hour);
        j.add(Self::often).rate(2, Duration::from_millis(50)).concurrency(5);
        j.add(Self::key_and_all).concurrency(3).concurrency_by("key", 2);
        j.add(Self::hold_both).concurrency(1).concurrency_by("key", 1);
    }
}

impl Bench {
    async fn note(self: Arc<Self>, _: Context, args: Note) -> Result<Value> {
        self.seen.start(&args.key);
        Ok(json!({"noted": args.key}))
    }

    async fn wait(self: Arc<Self>, cx: Context, args: Wait) -> Result<Value> {
        self.seen.start(&args.key);
        tokio::select! {
            permit = self.gate.0.acquire() => permit.map_err(Error::internal)?.forget(),
            () = cx.cancelled() => {
                self.seen.told.fetch_add(1, Ordering::SeqCst);
                return Err(Error::failed("told to stop"));
            }
        }
        Ok(Value::Null)
    }

    async fn flaky(self: Arc<Self>, cx: Context, args: Flaky) -> Result<u32> {
        match self.seen.start(&args.key) > args.n {
            true => Ok(cx.attempt()),
            false => Err(Error::upstream("not yet")),
        }
    }

    async fn fail(self: Arc<Self>, _: Context, args: Fail) -> Result<Value> {
        self.seen.start(&args.key);
        Err(Error::upstream("gone").permanent())
    }

    async fn panic(self: Arc<Self>, _: Context, args: Panic) -> Result<Value> {
        self.seen.start(&args.key);
        panic!("on purpose");
    }

    async fn count(self: Arc<Self>, cx: Context, args: Count) -> Result<i64> {
        self.seen.start(&args.key);
        let mut tx = cx.begin().await?;
        let count = tx.memory().add(&args.key, 1).await?;
        tx.finish(count).await
    }

    async fn snooze(self: Arc<Self>, _: Context, args: Snooze) -> Result<Value> {
        match self.seen.start(&args.key) > args.n {
            true => Ok(Value::Null),
            false => Err(Error::snooze(Duration::from_millis(1))),
        }
    }

    async fn one(self: Arc<Self>, _: Context, args: One) -> Result<Value> {
        self.limited(&args.key).await
    }

    async fn per_key(self: Arc<Self>, _: Context, args: PerKey) -> Result<Value> {
        self.limited(&args.key).await
    }

    /// Stays for a few turns, and counts who is there at the same time.
    async fn limited(&self, key: &str) -> Result<Value> {
        self.seen.start(key);
        let _here = self.seen.enter(key);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        Ok(Value::Null)
    }

    /// Fails once if `n` is odd.
    async fn crowd(self: Arc<Self>, cx: Context, args: Crowd) -> Result<Value> {
        self.limited(&args.key).await?;
        match args.n % 2 == 1 && cx.attempt() == 1 {
            true => Err(Error::upstream("once more")),
            false => Ok(Value::Null),
        }
    }

    async fn rated(self: Arc<Self>, _: Context, args: Rated) -> Result<Value> {
        self.limited(&args.key).await
    }

    async fn rated_key(self: Arc<Self>, _: Context, args: RatedKey) -> Result<Value> {
        self.limited(&args.key).await
    }

    async fn often(self: Arc<Self>, _: Context, args: Often) -> Result<Value> {
        self.limited(&args.key).await
    }

    async fn key_and_all(self: Arc<Self>, cx: Context, args: KeyAndAll) -> Result<Value> {
        self.limited(&args.key).await?;
        match args.n % 7 {
            3 if cx.attempt() == 1 => Err(Error::snooze(Duration::from_millis(1))),
            5 => Err(Error::upstream("never").permanent()),
            _ => Ok(Value::Null),
        }
    }

    async fn hold_both(self: Arc<Self>, cx: Context, args: HoldBoth) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }

    async fn single(self: Arc<Self>, cx: Context, args: Single) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }

    async fn started(self: Arc<Self>, cx: Context, args: Started) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }

    /// Does not hear when it is told to stop.
    async fn deaf(self: Arc<Self>, _: Context, args: Deaf) -> Result<Value> {
        self.seen.start(&args.key);
        std::future::pending().await
    }

    async fn tick(self: Arc<Self>, _: Context, _: Tick) -> Result<Value> {
        self.seen.start("tick");
        Ok(Value::Null)
    }

    async fn talk(self: Arc<Self>, cx: Context, args: Talk) -> Result<Value> {
        for step in 0..args.n {
            cx.progress(step as f64 + 1.0, args.n as f64, "talking");
            cx.log(format!("line {step}"));
        }
        Ok(Value::Null)
    }

    /// Makes a job in the transaction that ends it.
    async fn chain(self: Arc<Self>, cx: Context, args: Chain) -> Result<usize> {
        let mut tx = cx.begin().await?;
        let note = Note { key: args.key, n: 0 };
        tx.jobs().enqueue(&note, Default::default()).await?;
        if args.n > 0 {
            return Err(Error::upstream("after the job was made").permanent());
        }
        tx.finish(args.n).await
    }

    /// Takes its process down.
    async fn kill(self: Arc<Self>, _: Context, args: Kill) -> Result<Value> {
        self.seen.start(&args.key);
        self.doom.notify_one();
        std::future::pending().await
    }

    async fn doomed(self: Arc<Self>, cx: Context, args: Doomed) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }

    /// Does not hear, and has a long deadline.
    async fn stubborn(self: Arc<Self>, _: Context, args: Stubborn) -> Result<Value> {
        self.seen.start(&args.key);
        std::future::pending().await
    }

    async fn fail_one(self: Arc<Self>, _: Context, args: FailOne) -> Result<Value> {
        self.seen.start(&args.key);
        tokio::task::yield_now().await;
        Err(Error::upstream("not today"))
    }

    async fn both(self: Arc<Self>, _: Context, args: Both) -> Result<Value> {
        self.limited(&args.key).await
    }

    /// Makes a limited job for each of two keys, in the order that `n` says, in the transaction that ends it.
    async fn twice(self: Arc<Self>, cx: Context, args: Twice) -> Result<usize> {
        let mut tx = cx.begin().await?;
        let mut keys = ["left", "right"];
        if args.n % 2 == 1 {
            keys.reverse();
        }
        for key in keys {
            let limited = PerKey { key: key.to_owned(), n: args.n };
            tx.jobs().enqueue(&limited, Default::default()).await?;
            tokio::task::yield_now().await;
        }
        tx.finish(args.n).await
    }

    async fn latest(self: Arc<Self>, _: Context, _: Latest) -> Result<Value> {
        Ok(Value::Null)
    }

    async fn skip(self: Arc<Self>, _: Context, _: Skip) -> Result<Value> {
        Ok(Value::Null)
    }

    async fn hold(self: Arc<Self>, cx: Context, args: Hold) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }

    /// How those ended that it waited for, and what they gave.
    async fn join(self: Arc<Self>, cx: Context, args: Join) -> Result<Value> {
        self.seen.start(&args.key);
        let parents = cx.parents().await?;
        let shown = parents.iter().map(|parent| {
            let error = parent.error.as_ref().map(|error| error.code.clone());
            json!({"kind": parent.kind, "state": parent.state, "result": parent.result, "error": error})
        });
        Ok(shown.collect())
    }

    /// Makes `n` jobs and one that waits for them, in the transaction that ends it; with a key `-`, by its context.
    async fn fan(self: Arc<Self>, cx: Context, args: Fan) -> Result<Value> {
        let note = |number: usize| Note { key: format!("{}{number}", args.key), n: 0 };
        let join = Join { key: format!("{}-join", args.key), n: 0 };
        if args.key == "-" {
            let mut graph = cx.jobs().graph();
            let parents: Result<Vec<_>> = (0..args.n)
                .map(|number| graph.add(&note(number), EnqueueOptions::default()))
                .collect();
            graph.add(&join, EnqueueOptions::after(parents?))?;
            let ids = graph.enqueue().await?;
            return Ok(json!(ids.last()));
        }
        let mut tx = cx.begin().await?;
        let mut parents = Vec::new();
        for number in 0..args.n {
            parents.push(tx.jobs().enqueue(&note(number), EnqueueOptions::default()).await?);
        }
        let join = tx.jobs().enqueue(&join, EnqueueOptions::after(parents)).await?;
        tx.finish(json!(join)).await
    }

    async fn by_key(self: Arc<Self>, cx: Context, args: ByKey) -> Result<Value> {
        let args = Wait { key: args.key, n: args.n };
        self.wait(cx, args).await
    }
}
