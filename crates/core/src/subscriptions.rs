//! Subscriptions: events that a provider listens to.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::{BoxFuture, Context, Error, Event, Result};

type Run = Arc<dyn Fn(Context, Event) -> BoxFuture<Result<()>> + Send + Sync>;

/// The subscriptions of a provider, being declared.
pub struct Subscriptions<P> {
    provider: Arc<P>,
    subscriptions: Vec<Subscription>,
}

/// One declared subscription.
pub struct Subscription {
    /// Which types: `mail.received`, `mail.*`, `**`.
    pub pattern: String,
    /// Only events of this source.
    pub source: Option<String>,
    run: Run,
}

impl<P: Send + Sync + 'static> Subscriptions<P> {
    pub(crate) fn new(provider: Arc<P>) -> Self {
        Self { provider, subscriptions: Vec::new() }
    }

    pub(crate) fn into_subscriptions(self) -> Vec<Subscription> {
        self.subscriptions
    }

    /// Listens to events whose type fits `pattern`. The function may run more than once for one event.
    pub fn on<T, F, Fut>(&mut self, pattern: &str, f: F) -> &mut Subscription
    where
        T: DeserializeOwned + Send,
        F: Fn(Arc<P>, Context, Event<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let provider = self.provider.clone();
        let run: Run = Arc::new(move |cx, event| match event.read() {
            Ok(event) => Box::pin(f(provider.clone(), cx, event)),
            Err(error) => {
                let error = Error::invalid(format!("the event's data does not fit: {error}"));
                Box::pin(std::future::ready(Err(error.permanent())))
            }
        });
        let pattern = pattern.to_owned();
        self.subscriptions.push(Subscription { pattern, source: None, run });
        let last = self.subscriptions.len() - 1;
        &mut self.subscriptions[last]
    }
}

impl Subscription {
    /// Only events of this source, a provider's name or `api`.
    pub fn from(&mut self, source: &str) -> &mut Self {
        self.source = Some(source.to_owned());
        self
    }

    /// Starts the function; for whoever dispatches events.
    #[must_use]
    pub fn run(&self, cx: Context, event: Event) -> BoxFuture<Result<()>> {
        (self.run)(cx, event)
    }
}
