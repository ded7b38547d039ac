//! A provider whose kinds of jobs do, each of them, one thing that jobs can do.
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::policy::{Backoff, Release, Unique};
use mindflight_core::ports::{EnqueueOptions, Parent, Set};
use mindflight_core::{Context, Error, JobArgs, Jobs, Provider, ProviderContext, Result, Tools};
use mindflight_testkit::Kit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) struct Works;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type),* }

        impl JobArgs for $name {
            const KIND: &'static str = $kind;
        }
    )*};
}

kinds! {
    /// Fails so many times.
    Flaky "flaky" {
        /// How many times.
        #[schemars(range(max = 100))]
        times: u32
    }
    /// Puts itself off so many times.
    Nap "nap" {
        /// How many times.
        times: u32
    }
    /// Takes as long as it is told.
    Wait "wait" {
        /// How long, in seconds.
        seconds: u64
    }
    /// Fails for good.
    Refuse "refuse" {}
    /// Panics.
    Boom "boom" {}
    /// Asks for itself, without end.
    Endless "endless" {}
    /// Writes its name, so that the order shows.
    Note "note" {
        /// The name.
        name: String
    }
    /// One at a time for each account.
    Sync "sync" {
        /// The account.
        account: u32,
        /// Of no matter for sameness.
        page: u32
    }
    /// One that waits, however many run.
    Refresh "refresh" {
        /// Whether it asks for another one while it runs.
        again: bool
    }
    /// Sells one thing in one transaction.
    Sell "sell" {
        /// Which thing.
        thing: String
    }
    /// Sells one thing step by step, which a crash can repeat.
    Hurry "hurry" {
        /// Which thing.
        thing: String
    }
    /// Asks for a price and keeps it, which may be repeated.
    Price "price" {
        /// Of which thing.
        thing: String
    }
    /// Makes jobs that wait for each other.
    Split "split" {
        /// How many first.
        parts: u32
    }
    /// Counts what it waited for.
    Gather "gather" {}
    /// Goes on when it should stop.
    Deaf "deaf" {}
}

pub(crate) async fn kit() -> Kit<Works> {
    Kit::new(json!({})).await
}

impl Provider for Works {
    const ID: &'static str = "works";
    type Config = ();

    async fn build(_: (), _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("ask", "Asks for a job and changes its mind.", Self::ask);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        j.add(Self::flaky).max_attempts(3);
        j.add(Self::nap).max_attempts(1);
        j.add(Self::wait).deadline(Duration::from_secs(60)).max_attempts(2);
        j.add(Self::refuse);
        j.add(Self::boom).max_attempts(2).backoff(Backoff::fixed(Duration::from_secs(7)));
        j.add(Self::endless);
        j.add(Self::note);
        let account = Unique { args: vec!["account".to_owned()], ..Unique::default() };
        j.add(Self::sync).unique(account);
        j.add(Self::refresh).unique(Unique { release: Release::Start, ..Unique::default() });
        j.add(Self::sell).transactional();
        j.add(Self::hurry).every("*/5 * * * *");
        j.add(Self::price);
        j.add(Self::split);
        j.add(Self::gather);
        j.add(Self::deaf);
    }
}

impl Works {
    async fn ask(self: Arc<Self>, cx: Context, _: ()) -> Result<Value> {
        let mut tx = cx.begin().await?;
        let none = EnqueueOptions::default();
        tx.jobs().enqueue(&Note { name: "asked".to_owned() }, none).await?;
        Err(Error::conflict("changed its mind"))
    }

    async fn flaky(self: Arc<Self>, cx: Context, args: Flaky) -> Result<Value> {
        cx.log(format!("attempt {}", cx.attempt()));
        if cx.attempt() <= args.times {
            return Err(Error::upstream("not yet"));
        }
        Ok(json!({"attempt": cx.attempt(), "job": cx.job(), "key": cx.idempotency_key()}))
    }

    async fn nap(self: Arc<Self>, cx: Context, args: Nap) -> Result<u32> {
        let naps = cx.memory().add("naps", 1).await?;
        if naps <= i64::from(args.times) {
            return Err(Error::snooze(Duration::from_secs(3600)));
        }
        Ok(cx.attempt())
    }

    async fn wait(self: Arc<Self>, cx: Context, args: Wait) -> Result<u64> {
        cx.progress(0.0, 1.0, "waiting");
        cx.sleep(Duration::from_secs(args.seconds)).await;
        if cx.is_cancelled() {
            return Err(Error::conflict("told to stop"));
        }
        cx.progress(1.0, 1.0, "done");
        Ok(cx.time_left().as_secs())
    }

    async fn refuse(self: Arc<Self>, _cx: Context, _: Refuse) -> Result<()> {
        Err(Error::failed("no use").permanent())
    }

    async fn boom(self: Arc<Self>, _cx: Context, _: Boom) -> Result<()> {
        panic!("as told")
    }

    async fn endless(self: Arc<Self>, cx: Context, _: Endless) -> Result<()> {
        cx.jobs().enqueue(&Endless {}).await.map(drop)
    }

    async fn note(self: Arc<Self>, cx: Context, args: Note) -> Result<()> {
        cx.events().publish("works.noted", &args.name).await.map(drop)
    }

    async fn sync(self: Arc<Self>, cx: Context, args: Sync) -> Result<u32> {
        // Its key is still its own.
        let again = cx.jobs().enqueue(&Sync { account: args.account, page: 9 }).await?;
        match Some(again) == cx.job() {
            true => Ok(args.page),
            false => Err(Error::failed("a second one of the same account").permanent()),
        }
    }

    async fn refresh(self: Arc<Self>, cx: Context, args: Refresh) -> Result<()> {
        let once = Set { ttl: None, if_version: Some(0) };
        if args.again && cx.memory().set_with("asked", &true, once).await.is_ok() {
            let asked = cx.jobs().enqueue(&Refresh { again: true }).await?;
            if Some(asked) == cx.job() {
                return Err(Error::failed("the key was not let go of").permanent());
            }
        }
        Ok(())
    }

    async fn sell(self: Arc<Self>, cx: Context, args: Sell) -> Result<Value> {
        cx.sleep(Duration::from_secs(1)).await;
        let mut tx = cx.begin().await?;
        let sold = tx.memory().add("sold", 1).await?;
        tx.memory().set(&format!("thing:{sold}"), &args.thing).await?;
        let note = Note { name: args.thing };
        tx.jobs().enqueue(&note, EnqueueOptions::default()).await?;
        tx.events().publish("works.sold", &json!({"number": sold})).await?;
        tx.finish(json!({"sold": sold})).await
    }

    async fn hurry(self: Arc<Self>, cx: Context, args: Hurry) -> Result<Value> {
        let sold = cx.memory().add("sold", 1).await?;
        cx.events().publish("works.sold", &json!({"number": sold})).await?;
        cx.jobs().enqueue(&Note { name: args.thing }).await?;
        Ok(json!({"sold": sold}))
    }

    async fn price(self: Arc<Self>, cx: Context, args: Price) -> Result<Value> {
        let answer = cx.http().get(&format!("https://prices.example/{}", args.thing)).await?;
        let price: Value = serde_json::from_slice(answer.body()).map_err(Error::internal)?;
        let key = format!("price:{}", args.thing);
        cx.memory().set(&key, &price).await?;
        // The first of several wins.
        let once = Set { ttl: None, if_version: Some(0) };
        if cx.memory().set_with("first", &cx.job(), once).await.is_err() {
            cx.log("not the first");
        }
        Ok(price)
    }

    async fn split(self: Arc<Self>, cx: Context, args: Split) -> Result<()> {
        let mut graph = cx.jobs().graph();
        let part = |number: u32| Flaky { times: number % 2 };
        let parts =
            (0..args.parts).map(|number| graph.add(&part(number), EnqueueOptions::default()));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        graph.add(&Gather {}, EnqueueOptions::after(parts))?;
        graph.enqueue().await.map(drop)
    }

    async fn gather(self: Arc<Self>, cx: Context, _: Gather) -> Result<Value> {
        let parents = cx.parents().await?;
        let state =
            |parent: &Parent| json!([parent.state, parent.error.as_ref().map(|error| &error.code)]);
        Ok(parents.iter().map(state).collect())
    }

    async fn deaf(self: Arc<Self>, _cx: Context, _: Deaf) -> Result<()> {
        std::future::pending().await
    }
}
