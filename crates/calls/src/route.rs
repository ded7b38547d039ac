//! Runs a provider's route under the same guard as its tools.

use std::sync::Arc;
use std::time::Instant;

use mindflight_core::caller::Origin;
use mindflight_core::context::CallFacts;
use mindflight_core::progress::Unwatched;
use mindflight_core::routes::{Request, Response, Route};
use mindflight_core::{Caller, Context, ProviderContext, Result};

use crate::Calls;

/// Who calls a route, in which request.
pub struct RouteCall {
    /// Who is calling; anonymous for public and signed routes.
    pub caller: Caller,
    /// Which request, from where.
    pub origin: Origin,
}

impl Calls {
    /// Runs a route whose access has been checked.
    ///
    /// # Errors
    /// 503 limits, 504 deadline, 500 panic, or the route's own error.
    pub async fn run_route(
        &self,
        provider: &ProviderContext,
        route: &Arc<Route>,
        request: Request,
        call: RouteCall,
    ) -> Result<Response> {
        let started = Instant::now();
        let name = format!("{} /providers/{}{}", route.method, provider.name(), route.path);
        let _running = self.enter()?;
        // On the runtime's clock, which cuts the call and which a test kit can move.
        let timeout = route.timeout.min(self.settings().max_timeout);
        let deadline = tokio::time::Instant::now().into_std() + timeout;
        let cancelled = self.child_token();
        let facts = CallFacts {
            caller: call.caller,
            origin: call.origin,
            action: "route.call",
            target: name.clone(),
            deadline,
            cancelled: cancelled.clone(),
            report: Arc::new(Unwatched),
            idempotency_key: None,
            lease: None,
            cause: None,
        };
        let cx = Context::new(provider.clone(), facts);
        let route = route.clone();
        let work = Box::pin(async move { route.run(cx, request).await });
        let result = self.shared().guard.run(&name, work, cancelled, deadline).await;
        metrics::histogram!("mindflight_route_duration_seconds", "route" => name)
            .record(started.elapsed().as_secs_f64());
        result
    }
}
