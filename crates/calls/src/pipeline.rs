//! The one way a tool is called, whichever face the call came in by.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use metrics::Gauge;
use mindflight_api::codes;
use mindflight_core::caller::Origin;
use mindflight_core::context::CallFacts;
use mindflight_core::guard::Guard;
use mindflight_core::ports::{Audit, Lease};
use mindflight_core::progress::Report;
use mindflight_core::{Caller, Context, Error, Result};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::cache::Cache;
use crate::catalog::{Catalog, Entry};
use crate::outcome::Watch;

/// One call, as a face received it.
pub struct CallRequest {
    /// Wire name or alias.
    pub tool: String,
    /// The arguments, not checked yet.
    pub arguments: Value,
    /// Who is calling.
    pub caller: Caller,
    /// Which request, from where.
    pub origin: Origin,
    /// The caller's key for retries of this call.
    pub idempotency_key: Option<String>,
    /// Where progress and log lines go.
    pub report: Arc<dyn Report>,
    /// The attempt at a job that this call is, if it became one.
    pub lease: Option<Lease>,
}

/// The pipeline. Cheap to clone.
#[derive(Clone)]
pub struct Calls(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) guard: Guard,
    pub(crate) settings: Settings,
    pub(crate) audit: Arc<dyn Audit>,
    catalog: RwLock<Arc<Catalog>>,
    running: Semaphore,
    gauge: Gauge,
    stopping: CancellationToken,
}

impl Calls {
    /// A pipeline without tools yet, whose handlers run on `engine`.
    #[must_use]
    pub fn new(engine: Handle, audit: Arc<dyn Audit>, settings: Settings) -> Self {
        let running = Semaphore::new(settings.max_running);
        let guard = Guard::new(engine, settings.grace, settings.stuck_after);
        let (catalog, stopping) = Default::default();
        Self(Arc::new(Shared {
            guard,
            settings,
            audit,
            catalog,
            running,
            gauge: metrics::gauge!("mindflight_calls_running"),
            stopping,
        }))
    }

    /// The limits it works within.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// From now on, calls find these tools. Calls that run go on.
    pub fn replace(&self, catalog: Catalog) {
        *self.0.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
    }

    /// The tools that can be called now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.0.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What runs the handlers; others that run some share it.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// Calls that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.settings.max_running - self.0.running.available_permits()
    }

    /// Tells every running call to stop; the last step of a shutdown whose patience is over.
    pub fn cancel_all(&self) {
        self.0.stopping.cancel();
    }

    /// Whether a call would be let in, without making it: the tool is there, the caller may call it, and the arguments
    /// fit. Gives the tool's wire name.
    ///
    /// # Errors
    /// 404 unknown tool, 403 missing scope, 422 wrong arguments.
    pub fn check(&self, tool: &str, caller: &Caller, arguments: &Value) -> Result<String> {
        let catalog = self.catalog();
        let entry = catalog.get(tool)?;
        entry.require(caller)?;
        entry.input.check_arguments(arguments)?;
        Ok(entry.name.clone())
    }

    /// Calls a tool. Dropping the future cancels the call.
    ///
    /// # Errors
    /// 404 unknown tool, 403 missing scope, 422 wrong arguments, 429 and 503 limits, 504 deadline, 500 broken
    /// tool, or the tool's own error.
    pub async fn call(&self, request: CallRequest) -> Result<Value> {
        let catalog = self.catalog();
        let entry = catalog.get(&request.tool)?;
        let mut watch = Watch::new(self, entry);
        let result = self.admitted(&mut watch, &catalog.cache, request).await;
        watch.ended(&result).await?;
        result
    }

    async fn admitted(
        &self,
        watch: &mut Watch<'_>,
        cache: &Cache,
        request: CallRequest,
    ) -> Result<Value> {
        let entry = watch.entry;
        entry.authorize(&request.caller)?;
        entry.input.check_arguments(&request.arguments)?;
        let key =
            cache.key((&entry.name, &entry.tool.options), &request.caller, &request.arguments);
        if let Some(result) = key.as_ref().and_then(|key| cache.get(key)) {
            return Ok(result);
        }
        let result = self.fresh(watch, request).await?;
        if let (Some(key), Some(time)) = (key, entry.tool.options.cache_for) {
            cache.put(key, &result, time);
        }
        Ok(result)
    }

    /// Runs the tool for a call that was let in.
    async fn fresh(&self, watch: &mut Watch<'_>, request: CallRequest) -> Result<Value> {
        let (entry, settings) = (watch.entry, &self.0.settings);
        let timeout = entry.tool.options.timeout.min(settings.max_timeout);
        // On the runtime's clock, which cuts the call and which a test kit can move.
        let deadline = tokio::time::Instant::now().into_std() + timeout;
        let _running = self.enter()?;
        let _slot = entry.slot(settings.slot_wait.min(timeout)).await?;
        let cancelled = self.0.stopping.child_token();
        let facts = CallFacts {
            caller: request.caller,
            origin: request.origin,
            action: "tool.call",
            target: entry.name.clone(),
            deadline,
            cancelled: cancelled.clone(),
            report: request.report,
            idempotency_key: request.idempotency_key,
            lease: request.lease,
            cause: None,
        };
        let cx = Context::new(entry.provider.clone(), facts);
        watch.started(cx.clone());
        let run = self.run(entry, cx, request.arguments, cancelled, deadline);
        entry.breaker.run(run).await
    }

    async fn run(
        &self,
        entry: &Entry,
        cx: Context,
        arguments: Value,
        cancelled: CancellationToken,
        deadline: Instant,
    ) -> Result<Value> {
        // All of it, the reading of arguments too, belongs to the engine.
        let tool = entry.tool.clone();
        let work = Box::pin(async move { tool.run(cx, arguments).await });
        let result = self.0.guard.run(&entry.name, work, cancelled, deadline).await?;
        if let Some(schema) = &entry.output {
            schema.check_result(&result)?;
        }
        Ok(result)
    }

    pub(crate) fn enter(&self) -> Result<Running<'_>> {
        let permit = self.0.running.try_acquire().map_err(|_| {
            let limit = self.0.settings.max_running;
            let detail = format!("{limit} calls run on this instance already");
            Error::of(codes::BUSY, detail).wait(Duration::from_secs(1))
        })?;
        self.0.gauge.increment(1.0);
        Ok(Running { _permit: permit, gauge: &self.0.gauge })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    pub(crate) fn child_token(&self) -> CancellationToken {
        self.0.stopping.child_token()
    }
}

/// A place among the calls that run on this instance.
pub(crate) struct Running<'a> {
    _permit: SemaphorePermit<'a>,
    gauge: &'a Gauge,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}
