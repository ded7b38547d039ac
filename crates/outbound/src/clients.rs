//! The HTTP clients below: one for each scope, so that the check of addresses knows what it checks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};

use crate::guard::{Guard, Scope};
use crate::names::{Checked, Resolver};

/// Connections that nobody used for so long are closed.
const IDLE: Duration = Duration::from_secs(60);

/// The most idle connections to one host.
const IDLE_PER_HOST: usize = 16;

/// A resolver is asked for a name and not told the port or what else the URL says, so what depends on that is in its
/// client. There are two for each port that entries of the operator name, and three more at most.
pub(crate) struct Clients {
    guard: Arc<Guard>,
    resolver: Arc<dyn Resolver>,
    connect_timeout: Duration,
    made: Mutex<HashMap<Scope, Client>>,
}

impl Clients {
    pub(crate) fn new(
        guard: Arc<Guard>,
        resolver: Arc<dyn Resolver>,
        connect_timeout: Duration,
    ) -> Self {
        Self { guard, resolver, connect_timeout, made: Mutex::default() }
    }

    /// Made when first used: it reads the certificates of the system, which a server without outside calls can spare.
    pub(crate) fn of(&self, scope: Scope) -> reqwest::Result<Client> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&scope) {
            return Ok(client.clone());
        }
        let client = self.builder(scope).build().or_else(|error| {
            tracing::warn!(
                error = %error,
                "the system has no certificates of authorities, so no outside call over https will succeed; \
                 install them (`ca-certificates`) and restart: {error}"
            );
            self.builder(scope).tls_certs_only([]).build()
        })?;
        made.insert(scope, client.clone());
        Ok(client)
    }

    fn builder(&self, scope: Scope) -> ClientBuilder {
        let (guard, resolver) = (self.guard.clone(), self.resolver.clone());
        Client::builder()
            // Redirects and retries are ours, each of them checked; a proxy would resolve names for us.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .dns_resolver(Arc::new(Checked { guard, resolver, scope }))
    }
}
