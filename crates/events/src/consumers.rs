//! Turns events into jobs: each event becomes one job of each consumer that wants it, on whichever instance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::event::Envelope;
use mindflight_core::Result;
use mindflight_core::event::DEEPEST;
use mindflight_core::policy::Pattern;
use mindflight_store::events::{Cursor, NewConsumer};
use mindflight_store::jobs::NewRow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::log::Shared;
use crate::pump::jittered;
use crate::subscriber::{Filter, Item, Start, Subscriber};

/// Pause before another look at a consumer that another process moves just now.
const HELD_ELSEWHERE: Duration = Duration::from_millis(50);

/// Positions that may be passed over before that is written down.
const PASSED: u64 = 1000;

/// Who listens: its name is the kind of the jobs that are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// Which types it wants.
    pub pattern: Pattern,
    /// Only of this source.
    pub source: Option<String>,
}

/// Makes jobs out of events.
#[async_trait]
pub trait Makes: Send + Sync {
    /// The job of a consumer for an event.
    async fn row(&self, consumer: &str, event: Envelope) -> Result<NewRow>;

    /// Jobs were committed in these queues.
    fn made(&self, queues: &[i16]);
}

/// Those who listen on this process.
#[derive(Default)]
pub struct Consumers {
    listening: Mutex<Listening>,
}

#[derive(Default)]
struct Listening {
    makes: Option<Arc<dyn Makes>>,
    wanted: Vec<Consumer>,
    changed: CancellationToken,
}

impl Consumers {
    fn listening(&self) -> std::sync::MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl crate::Log {
    /// From now on, these listen on this process. Those that never did before begin with what is published after this
    /// returns; the others go on where they were.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn listen(&self, makes: Arc<dyn Makes>, wanted: Vec<Consumer>) -> Result<()> {
        let rows: Vec<NewConsumer> = wanted.iter().map(row).collect();
        if !rows.is_empty() {
            self.0.store.consumers(&rows).await?;
        }
        let mut listening = self.0.consumers.listening();
        listening.makes = Some(makes);
        if listening.wanted != wanted {
            listening.wanted = wanted;
            std::mem::take(&mut listening.changed).cancel();
        }
        Ok(())
    }
}

fn row(consumer: &Consumer) -> NewConsumer {
    NewConsumer {
        name: consumer.name.clone(),
        pattern: consumer.pattern.to_string(),
        source: consumer.source.clone(),
    }
}

impl Consumers {
    pub(crate) async fn run(&self, shared: &Arc<Shared>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (makes, wanted, changed) = {
                let listening = self.listening();
                (listening.makes.clone(), listening.wanted.clone(), listening.changed.clone())
            };
            let mut running = JoinSet::new();
            if let Some(makes) = makes {
                for consumer in wanted {
                    let work = Work { shared: shared.clone(), makes: makes.clone(), consumer };
                    running.spawn_on(work.run(), &shared.engine);
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = changed.cancelled() => {}
            }
            running.shutdown().await;
        }
    }
}

/// One consumer, on this process.
struct Work {
    shared: Arc<Shared>,
    makes: Arc<dyn Makes>,
    consumer: Consumer,
}

impl Work {
    async fn run(self) {
        loop {
            if let Err(error) = self.follow().await {
                let name = &self.consumer.name;
                tracing::warn!(consumer = name, error = %error, "`{name}` waits: {error}");
                tokio::time::sleep(jittered(self.shared.settings.retry)).await;
            }
        }
    }

    fn filter(&self) -> Filter {
        Filter {
            patterns: vec![self.consumer.pattern.clone()],
            source: self.consumer.source.clone(),
        }
    }

    async fn follow(&self) -> Result<()> {
        let cursors = self.shared.store.consumers(&[row(&self.consumer)]).await?;
        let position = cursors.first().map_or(0, |cursor| cursor.position);
        let log = crate::Log(self.shared.clone());
        let mut reader = log.subscribe(self.filter(), Start::Position(position));
        let mut saved = position;
        loop {
            let next = tokio::time::timeout(self.shared.settings.consumer_save, reader.next());
            match next.await {
                Ok(Ok(Item::Event(delivery))) => {
                    reader.seek(delivery.position() - 1);
                    saved = self.advance(&mut reader).await?;
                }
                Ok(Ok(Item::Reset(reset))) => {
                    let name = &self.consumer.name;
                    tracing::error!(consumer = name, reason = ?reset.reason, "`{name}` has missed events: {:?}", reset.reason);
                    metrics::counter!("mindflight_event_resets_total", "reader" => "consumer")
                        .increment(1);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => saved = self.save(&reader, saved).await?,
            }
        }
    }

    /// Writes down that everything up to here is done or not wanted.
    async fn save(&self, reader: &Subscriber, saved: u64) -> Result<u64> {
        let position = reader.place().position;
        if position <= saved {
            return Ok(saved);
        }
        let held = self.shared.store.hold(std::slice::from_ref(&self.consumer.name)).await?;
        match held.cursors.first().cloned() {
            Some(cursor) if cursor.position < position => {
                held.advance(&[Cursor { position, ..cursor }], &[]).await?;
                Ok(position)
            }
            Some(cursor) => Ok(cursor.position),
            None => Ok(saved),
        }
    }

    /// Makes jobs of what comes next, if nobody else does; how far the consumer is.
    async fn advance(&self, reader: &mut Subscriber) -> Result<u64> {
        let name = &self.consumer.name;
        let held = self.shared.store.hold(std::slice::from_ref(name)).await?;
        let Some(cursor) = held.cursors.first().cloned() else {
            drop(held);
            tokio::time::sleep(jittered(HELD_ELSEWHERE)).await;
            return Ok(0);
        };
        // Others may have been faster, or this process may have passed over what is not wanted.
        let from = cursor.position;
        reader.seek(from);
        let (events, until) = self.collect(reader).await?;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            if event.depth >= DEEPEST {
                tracing::warn!(
                    consumer = name,
                    event = event.id,
                    "`{name}` gets no job for the event {}: its chain is {} long",
                    event.id,
                    event.depth
                );
                continue;
            }
            rows.push(self.makes.row(name, event).await?);
        }
        if rows.is_empty() && until < from + PASSED {
            return Ok(from);
        }
        let made = rows.len() as u64;
        let lag = self.shared.hub.head().map_or(0, |head| head.position.saturating_sub(until));
        metrics::gauge!("mindflight_event_consumer_lag", "consumer" => name.clone())
            .set(lag as f64);
        let moved = Cursor { name: name.clone(), position: until };
        let queues = held.advance(&[moved], &rows).await?;
        metrics::counter!("mindflight_event_jobs_total").increment(made);
        self.makes.made(&queues);
        reader.seek(until);
        Ok(until)
    }

    /// What comes next, as far as it is there, and how far that is.
    async fn collect(&self, reader: &mut Subscriber) -> Result<(Vec<Envelope>, u64)> {
        let mut events = Vec::new();
        while events.len() < self.shared.settings.consumer_batch
            && let Some(delivery) = reader.next_before(u64::MAX).await?
        {
            events.extend(delivery.envelope());
        }
        Ok((events, reader.place().position))
    }
}
