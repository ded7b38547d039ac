//! The handle of the event log: everybody who publishes or reads has a copy.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::event::{Envelope, Place, Published};
use mindflight_core::ports::{Events as Port, NewEvent};
use mindflight_core::{Error, Result};
use mindflight_store::Store;
use mindflight_store::events::{Events, Logged, NewRow, Published as Written};
use mindflight_store::signal::{Signal, Signals, Urgency};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::consumers::Consumers;
use crate::hub::{Head, Hub};
use crate::link::Link;
use crate::pump::{self, Asked};
use crate::subscriber::{Filter, Start, Subscriber};

/// The event log of one process. Cheap to clone.
#[derive(Clone)]
pub struct Log(pub(crate) Arc<Shared>);

/// What a [`Log`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where everything runs that touches it.
    pub engine: Handle,
    /// Limits and intervals.
    pub settings: Settings,
}

/// What all parts share.
pub(crate) struct Shared {
    pub(crate) store: Events,
    pub(crate) engine: Handle,
    pub(crate) settings: Settings,
    pub(crate) hub: Hub,
    pub(crate) asked: Asked,
    pub(crate) link: Link,
    pub(crate) consumers: Consumers,
}

impl Log {
    /// A log that does nothing until it is [run](Self::run).
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, engine, settings } = parts;
        Self(Arc::new(Shared {
            store: store.events(),
            engine,
            hub: Hub::new(settings.ring, settings.ring_bytes),
            asked: Asked::default(),
            link: Link::new(&settings),
            consumers: Consumers::default(),
            settings,
        }))
    }

    /// Limits and intervals.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Gives positions, reads, keeps the log in order, and turns events into jobs, until told to stop. Hints of other
    /// processes that are not about events are given to `hear`.
    pub async fn run(
        &self,
        hear: impl Fn(Signal) + Send + Sync + 'static,
        stop: CancellationToken,
    ) {
        let shared = &self.0;
        futures::join!(
            pump::run(shared, stop.clone()),
            pump::keep_house(shared, stop.clone()),
            shared.consumers.run(shared, stop.clone()),
            shared.link.run(shared, &hear, stop.clone()),
        );
    }

    /// Whether hints of other processes arrive; none if this process does not listen for any.
    #[must_use]
    pub fn is_listening(&self) -> Option<bool> {
        self.0.settings.url.as_ref().map(|_| self.0.link.is_up())
    }

    /// Carries hints to the other processes.
    #[must_use]
    pub fn signals(&self) -> Arc<dyn Signals> {
        Arc::new(self.clone())
    }

    /// The event log, as providers see it.
    #[must_use]
    pub fn port(&self) -> Arc<dyn Port> {
        Arc::new(self.clone())
    }

    /// The turning of events into jobs.
    #[must_use]
    pub fn consumers(&self) -> &Consumers {
        &self.0.consumers
    }

    /// A reader of the log. It may be used on any thread: what it has to read is read on the engine.
    #[must_use]
    pub fn subscribe(&self, filter: Filter, start: Start) -> Subscriber {
        Subscriber::new(self.0.clone(), filter, start)
    }

    /// Publishes events, all or none; durable when this returns. If they are waited for, for at most this long, it also
    /// gives their positions.
    ///
    /// # Errors
    /// As [`NewEvent::check`]; 409 when an id was used for another event; 503 when the database is away.
    pub async fn publish(
        &self,
        events: Vec<NewEvent>,
        wait: Option<Duration>,
    ) -> Result<Vec<Published>> {
        let rows = events.into_iter().map(NewRow::of).collect::<Result<Vec<_>>>()?;
        let written = self.0.store.publish(&rows).await?;
        metrics::counter!("mindflight_events_published_total").increment(written.len() as u64);
        self.0.asked.ask(Urgency::Now);
        let mut published: Vec<Published> =
            written.iter().map(|one| Published { id: one.id.clone(), position: None }).collect();
        if let Some(wait) = wait {
            let end = tokio::time::Instant::now() + wait;
            for (one, written) in published.iter_mut().zip(&written) {
                let position = tokio::time::timeout_at(end, self.position(written)).await;
                one.position = position.unwrap_or(Ok(None))?;
            }
        }
        Ok(published)
    }

    /// The position of an event, as soon as it has one.
    async fn position(&self, written: &Written) -> Result<Option<u64>> {
        let mut head = self.0.hub.watch();
        loop {
            head.mark_unchanged();
            if let Some(position) = self.0.store.position_of(written.seq).await? {
                return Ok(Some(position));
            }
            if head.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The newest event.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn head(&self) -> Result<Place> {
        let head = self.0.standing().await?;
        Ok(Place { epoch: head.epoch.to_string(), position: head.position })
    }

    /// The event at a position.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn at(&self, position: u64) -> Result<Option<Envelope>> {
        Ok(self.0.store.at(position).await?)
    }

    /// The newest event with an id.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn of_id(&self, id: &str) -> Result<Option<Envelope>> {
        Ok(self.0.store.of_id(id).await?)
    }

    /// Up to `limit` events below a position, newest first, and where the search ended, if there may be more.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn newest(
        &self,
        filter: &Filter,
        below: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Envelope>, Option<u64>)> {
        let head = self.0.standing().await?;
        let mut below = below.unwrap_or(u64::MAX).min(head.position + 1);
        let (mut found, mut looked) = (Vec::new(), 0);
        while below > head.gone + 1 && found.len() < limit && looked < MOST_LOOKED_AT {
            let span = u64::from(self.0.settings.page).min(500);
            let after = below.saturating_sub(span + 1).max(head.gone);
            let mut reader = self.subscribe(filter.clone(), Start::Position(after));
            let mut page = Vec::new();
            while let Some(delivery) = reader.next_before(below).await? {
                page.extend(delivery.envelope());
            }
            looked += below - after;
            below = after + 1;
            for envelope in page.into_iter().rev() {
                if found.len() == limit {
                    break;
                }
                below = envelope.sequence;
                found.push(envelope);
            }
        }
        Ok((found, (below > head.gone + 1).then_some(below)))
    }
}

/// Positions that one request looks at, at most.
const MOST_LOOKED_AT: u64 = 50_000;

impl Shared {
    /// Rows after a position, from memory if they are there.
    pub(crate) async fn read(self: &Arc<Self>, after: u64) -> Result<Vec<Logged>> {
        let shared = self.clone();
        let (page, bytes) = (self.settings.page, self.settings.page_bytes);
        let work = async move { shared.store.read(after, page, bytes).await };
        // Whoever subscribes may be on a thread that has no business with the database.
        let read = self.engine.spawn(work).await.map_err(Error::internal)?;
        Ok(read?)
    }

    /// How far the log is.
    pub(crate) async fn standing(self: &Arc<Self>) -> Result<Head> {
        if let Some(head) = self.hub.head() {
            return Ok(head);
        }
        let shared = self.clone();
        let work = async move { shared.store.standing().await };
        let standing = self.engine.spawn(work).await.map_err(Error::internal)??;
        let (gone, position) = (standing.gone, standing.head);
        Ok(Head { epoch: standing.epoch.into(), gone, position })
    }

    /// Somebody looked for what comes after a position, and found something later, or nothing.
    pub(crate) async fn missed(self: &Arc<Self>, after: u64, found: Option<u64>) -> Result<()> {
        let shared = self.clone();
        let work = async move { shared.store.standing().await };
        let standing = self.engine.spawn(work).await.map_err(Error::internal)??;
        let is_same = self.hub.head().is_some_and(|head| *head.epoch == *standing.epoch);
        if !is_same || standing.head <= after {
            // Another history: the next look of the pump sees it, too.
            self.asked.ask(Urgency::Now);
            return Err(Error::of(
                mindflight_api::codes::DATABASE_UNAVAILABLE,
                "the event log has become another one just now",
            )
            .wait(Duration::from_secs(1)));
        }
        self.hub.gone(standing.gone);
        if standing.gone > after {
            return Ok(());
        }
        metrics::counter!("mindflight_event_holes_total").increment(1);
        tracing::error!(after, found, "the event log has a hole after position {after}");
        Err(Error::internal(format!("a hole in the event log after position {after}")))
    }
}

impl Signals for Log {
    fn send(&self, signal: Signal) {
        self.0.link.send(signal);
    }

    fn published(&self, urgency: Urgency) {
        self.0.asked.ask(urgency);
    }
}

#[async_trait]
impl Port for Log {
    async fn publish(&self, event: NewEvent) -> Result<String> {
        let published = Log::publish(self, vec![event], None).await?.pop();
        let published = published.ok_or_else(|| Error::internal("an event without an id"))?;
        Ok(published.id)
    }
}
