//! The client itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use mindflight_core::ports::{Http, RequestLimits};
use mindflight_core::{Error, Result};
use tokio::time::{Instant, timeout};
use url::{Host, Url};

use crate::breaker::Breakers;
use crate::clients::Clients;
use crate::exchange::{Ended, Exchange};
use crate::failure::Failure;
use crate::guard::{Guard, Scope};
use crate::hop::Hop;
use crate::names::{Inside, Resolver, SystemResolver, look_up};
use crate::{Settings, meters};

/// The guarded HTTP client. Clones are the same client.
///
/// ```
/// use mindflight_outbound::{Outbound, Settings};
///
/// let outbound = Outbound::new(Settings { allow: vec!["10.0.0.0/8:8080".parse()?], ..Settings::default() });
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// assert!(outbound.check("http://10.1.2.3:8080/").await.is_ok());
/// let refused = outbound.check("https://169.254.169.254/").await.unwrap_err();
/// assert_eq!(refused.name(), "not_allowed");
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) guard: Arc<Guard>,
    pub(crate) clients: Clients,
    pub(crate) breakers: Breakers,
    resolver: Arc<dyn Resolver>,
}

impl Outbound {
    /// A client with names as the system resolves them. Needs no runtime yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// A client with names as `resolver` resolves them; their addresses are checked all the same.
    #[must_use]
    pub fn with_resolver(settings: Settings, resolver: Arc<dyn Resolver>) -> Self {
        let guard = Arc::new(Guard::new(&settings));
        Self(Arc::new(Inner {
            clients: Clients::new(guard.clone(), resolver.clone(), settings.connect_timeout),
            breakers: Breakers::new(settings.breaker_failures, settings.breaker_rest),
            settings,
            guard,
            resolver,
        }))
    }

    /// Whether `url` may be called now, without calling it. A name may lead elsewhere later; a request checks again.
    ///
    /// # Errors
    /// 422 when it is no URL, 403 `not_allowed` when a rule is against it, 502 when its name is not found.
    pub async fn check(&self, url: &str) -> Result<()> {
        let inner = &*self.0;
        let url: Url = url
            .parse()
            .map_err(|error| Error::invalid(format!("the URL cannot be read: {error}")))?;
        let refused = |refusal: crate::guard::Refusal| {
            refusal.log();
            refusal.error()
        };
        let route = inner.guard.route(&url, None).map_err(refused)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        if route.scope == Scope::Any {
            return Ok(());
        }
        let look_up = look_up(&inner.guard, inner.resolver.as_ref(), route.scope, name);
        let not_found = || Error::upstream(format!("the name `{name}` was not found"));
        match timeout(inner.settings.connect_timeout, look_up).await {
            Err(late) => Err(not_found().because(late)),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => match error.downcast::<Inside>() {
                Ok(inside) => Err(refused(route.refused(inside.why, inside.address, None))),
                Err(error) => Err(not_found().because(error)),
            },
        }
    }
}

#[async_trait]
impl Http for Outbound {
    async fn send(
        &self,
        request: Request<Bytes>,
        limits: RequestLimits,
    ) -> Result<Response<Bytes>> {
        let hop = Hop::new(request)?;
        let started = Instant::now();
        let outcome = Exchange::new(&self.0, limits).run(hop).await;
        meters::record(&outcome, started);
        outcome.map_err(|Ended { host, failure }| {
            if let Failure::Refused(refusal) = &failure {
                refusal.log();
            }
            failure.into_error(&host)
        })
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
