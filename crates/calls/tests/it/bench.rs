//! The provider under test, a pipeline around it, and an audit log that remembers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::access::CallerKind;
use mindflight_api::{KeyId, RequestId, Scope};
use mindflight_calls::{CallRequest, Calls, Catalog, Settings};
use mindflight_core::caller::{Facts, Origin};
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{Audit, NotSupported, Ports, Record, SystemClock};
use mindflight_core::progress::Unwatched;
use mindflight_core::{Caller, Context, Error, Factory, Provider, ProviderContext, Result, Tools};
use serde_json::{Value, json};

/// How long results are kept.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A provider whose tools do what each test wants.
#[derive(Default)]
pub(crate) struct Bench {
    runs: AtomicU64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Count {
    /// Anything.
    what: Option<Value>,
    /// How long the result is.
    bytes: Option<usize>,
    /// Whether it fails.
    #[serde(default)]
    fails: bool,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Wait {
    /// Milliseconds.
    ms: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Fail {
    /// `caller`, `upstream` or nothing.
    how: Option<String>,
}

#[expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]
impl Bench {
    async fn wait(self: Arc<Self>, cx: Context, wait: Wait) -> Result<Value> {
        cx.sleep(Duration::from_millis(wait.ms)).await;
        Ok(json!({"waited": wait.ms}))
    }

    async fn count(self: Arc<Self>, _cx: Context, count: Count) -> Result<Value> {
        let runs = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if count.fails {
            return Err(Error::not_found(format!("not in run {runs}")));
        }
        let fill = "x".repeat(count.bytes.unwrap_or_default());
        Ok(json!({"runs": runs, "what": count.what, "fill": fill}))
    }

    async fn block(self: Arc<Self>, _cx: Context, wait: Wait) -> Result<Value> {
        // Nobody sends: it blocks its thread that long, which is what is tested.
        let (_silent, line) = std::sync::mpsc::channel::<()>();
        line.recv_timeout(Duration::from_millis(wait.ms)).unwrap_or_default();
        Ok(json!({}))
    }

    async fn fail(self: Arc<Self>, _cx: Context, fail: Fail) -> Result<Value> {
        match fail.how.as_deref() {
            Some("caller") => Err(Error::invalid("not that one")),
            Some(_) => Err(Error::upstream("the vendor said 503")),
            None => Ok(json!({})),
        }
    }

    async fn panic(self: Arc<Self>, _cx: Context, (): ()) -> Result<Value> {
        panic!("a secret place")
    }

    async fn lie(self: Arc<Self>, _cx: Context, _: Value) -> Result<Value> {
        Ok(json!({"n": "not a number"}))
    }
}

impl Provider for Bench {
    const ID: &'static str = "bench";
    type Config = ();

    async fn build((): (), _: ProviderContext) -> Result<Self> {
        Ok(Self::default())
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("wait", "Waits.", Self::wait);
        t.add("block", "Blocks its thread.", Self::block);
        t.add("look", "Waits and changes nothing.", Self::wait).read_only();
        t.add("kept", "Counts its runs.", Self::count).read_only().cache_for(MINUTE);
        t.add("common", "Counts its runs.", Self::count)
            .read_only()
            .cache_for(MINUTE)
            .cache_shared();
        t.add("writes", "Counts its runs.", Self::count).cache_for(MINUTE);
        t.add("single", "Waits, one at a time.", Self::wait).concurrency(1);
        t.add("rare", "Waits, twice a minute.", Self::wait).rate(2);
        t.add("locked", "Wants a scope.", Self::wait).scope("memory").alias("old_name");
        t.add("fail", "Fails.", Self::fail);
        t.add("panic", "Panics.", Self::panic);
        t.dynamic("lie", "Breaks its schema.", json!({}), Self::lie)
            .output(json!({"type": "object", "properties": {"n": {"type": "integer"}}}));
        t.dynamic("broken", "Has a schema that is none.", json!({"type": "text"}), Self::lie);
        t.add("ask", "Wants to be confirmed.", Self::wait).confirm();
    }
}

/// An audit log that remembers.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<(String, String)>>);

#[async_trait]
impl Audit for Log {
    async fn write(&self, record: Record) -> Result<()> {
        self.0.lock().unwrap().push((record.target, record.outcome));
        Ok(())
    }
}

/// A pipeline around the provider.
pub(crate) struct Rig {
    pub(crate) calls: Calls,
    pub(crate) log: Arc<Log>,
}

impl Rig {
    pub(crate) async fn new(settings: Settings) -> Self {
        let log = Arc::new(Log::default());
        let calls = Calls::new(tokio::runtime::Handle::current(), log.clone(), settings);
        let catalog = Catalog::build(&[mounted("bench").await], calls.settings()).unwrap();
        calls.replace(catalog);
        Self { calls, log }
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<Value> {
        self.call_as(Caller::anonymous(), tool, arguments).await
    }

    pub(crate) async fn call_as(
        &self,
        caller: Caller,
        tool: &str,
        arguments: Value,
    ) -> Result<Value> {
        let request = CallRequest {
            tool: tool.to_owned(),
            arguments,
            caller,
            origin: Origin { request: RequestId::new(), ip: None },
            idempotency_key: None,
            lease: None,
            report: Arc::new(Unwatched),
        };
        self.calls.call(request).await
    }

    /// Goes on with this provider's tools.
    pub(crate) fn replace(&self, provider: Mounted) {
        self.calls.replace(Catalog::build(&[provider], self.calls.settings()).unwrap());
    }

    /// The name of the error of a call that has to fail.
    pub(crate) async fn refused(&self, tool: &str, arguments: Value) -> Error {
        self.call(tool, arguments).await.expect_err("the call has to fail")
    }

    pub(crate) fn audit(&self) -> Vec<(String, String)> {
        self.log.0.lock().unwrap().clone()
    }
}

/// A caller with a key of its own that may do everything.
pub(crate) fn caller() -> Caller {
    caller_with(vec![Scope::Admin])
}

/// A caller with a key of its own.
pub(crate) fn caller_with(scopes: Vec<Scope>) -> Caller {
    Facts {
        kind: CallerKind::Key,
        name: "test".into(),
        user: None,
        key: Some(KeyId::new()),
        scopes,
        rate: None,
    }
    .into()
}

/// The provider, mounted under a name.
pub(crate) async fn mounted(name: &str) -> Mounted {
    let ports = Ports {
        memory: Arc::new(NotSupported),
        jobs: Arc::new(NotSupported),
        events: Arc::new(NotSupported),
        resources: Arc::new(NotSupported),
        http: Arc::new(NotSupported),
        clock: Arc::new(SystemClock),
        transactions: Arc::new(NotSupported),
    };
    let context = ProviderContext::new(name, ports);
    Factory::of::<Bench>().build(Value::Null, context).await.unwrap()
}
