//! The handle of the event log: everybody who publishes or reads has a copy.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::event::{Envelope, Place, Published};
use mindflight_core::ports::{Events as Port, NewEvent};
use mindflight_core::{Error, Result};
use mindflight_store::Store;
use mindflight_store::events::{Events, Logged, NewRow, Published as Written, Standing};
use mindflight_store::signal::{Signal, Signals, Urgency};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::consumers::Consumers;
use crate::entry::Entry;
use crate::hub::{Found, Hub};
use crate::link::Link;
use crate::pump::{self, Asked};
use crate::subscriber::{Filter, Start, Subscriber, next_of};

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
        self.0.asked.ask_for(written.iter().filter(|one| !one.existing).map(|one| one.seq));
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
        let standing = self.0.look().await?;
        Ok(Place { epoch: standing.epoch, position: standing.head })
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
        // Not from memory: whoever has published finds it, though this process may not have read it yet.
        let Standing { gone, head, .. } = self.0.look().await?;
        let mut below = below.unwrap_or(u64::MAX).min(head + 1);
        let (mut found, mut looked) = (Vec::new(), 0);
        while below > gone + 1 && found.len() < limit && looked < MOST_LOOKED_AT {
            let after = below.saturating_sub(SPAN + 1).max(gone);
            let page = self.between(filter, (after, below)).await?;
            looked += below - after;
            below = after + 1;
            for envelope in page.into_iter().rev() {
                if found.len() == limit {
                    break;
                }
                if found.len() + 1 == limit {
                    below = envelope.sequence;
                }
                found.push(envelope);
            }
        }
        Ok((found, (below > gone + 1).then_some(below)))
    }

    /// The events after a position and below another, as far as they are still there.
    async fn between(&self, filter: &Filter, (after, below): (u64, u64)) -> Result<Vec<Envelope>> {
        let (mut position, mut found) = (after, Vec::new());
        while position + 1 < below {
            let rows = self.0.rows(position).await?;
            if rows.first().is_none_or(|row| row.logged.first > position + 1) {
                break;
            }
            for row in rows {
                while let Some(delivery) = next_of(&row, position, filter)
                    && delivery.position() < below
                {
                    position = delivery.position();
                    found.extend(delivery.envelope());
                }
                position = position.max(row.logged.last);
            }
        }
        Ok(found)
    }
}

/// Positions that one request looks at, at most.
const MOST_LOOKED_AT: u64 = 50_000;

/// Positions that are looked at together, newest ones first.
const SPAN: u64 = 500;

impl Shared {
    /// Rows after a position, from the table.
    pub(crate) async fn read(self: &Arc<Self>, after: u64) -> Result<Vec<Logged>> {
        let shared = self.clone();
        let (page, bytes) = (self.settings.page, self.settings.page_bytes);
        let work = async move { shared.store.read(after, page, bytes).await };
        // Whoever subscribes may be on a thread that has no business with the database.
        let read = self.engine.spawn(work).await.map_err(Error::internal)?;
        Ok(read?)
    }

    /// Rows after a position, from memory if they are there.
    async fn rows(self: &Arc<Self>, after: u64) -> Result<Vec<Arc<Entry>>> {
        let epoch = self.hub.head().map(|head| head.epoch).unwrap_or_default();
        match self.hub.after(&epoch, after, usize::MAX) {
            Found::Rows(rows) if !rows.is_empty() => Ok(rows),
            Found::Rows(_) | Found::Behind => {
                let rows = self.read(after).await?;
                Ok(rows.into_iter().map(|row| Arc::new(Entry::new(row))).collect())
            }
        }
    }

    /// How far the log is, as the database says.
    pub(crate) async fn look(self: &Arc<Self>) -> Result<Standing> {
        let shared = self.clone();
        let work = async move { shared.store.standing().await };
        Ok(self.engine.spawn(work).await.map_err(Error::internal)??)
    }

    /// Somebody looked for what comes after a position, and found something later, or nothing.
    pub(crate) async fn missed(self: &Arc<Self>, after: u64, found: Option<u64>) -> Result<()> {
        let standing = self.look().await?;
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
