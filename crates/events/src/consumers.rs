//! Turns events into jobs: each event becomes one job of each consumer that wants it, on whichever instance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::event::{Envelope, Reset, ResetReason};
use mindflight_api::problem::Fault;
use mindflight_api::{JobId, codes};
use mindflight_core::event::DEEPEST;
use mindflight_core::policy::Pattern;
use mindflight_core::{Error, Result};
use mindflight_store::events::{Cursor, NewConsumer};
use mindflight_store::jobs::NewRow;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::log::Shared;
use crate::pause::jittered;
use crate::subscriber::{Filter, Item, Start, Subscriber};

/// Pause before another look at a consumer that another process moves just now.
const HELD_ELSEWHERE: Duration = Duration::from_millis(50);

/// Positions that may be passed over before that is written down.
const PASSED: u64 = 1000;

/// Positions that are looked at before what was found is written.
const SPAN: u64 = 10_000;

/// The longest pause after what went wrong, in units of the first.
const LONGEST: u32 = 128;

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
    /// The job of a consumer for an event. After `unknown_kind`, and whatever may be over soon, the event waits; after
    /// another error that is the event's own, it gets no job.
    async fn row(&self, consumer: &str, event: Envelope) -> Result<NewRow>;

    /// Jobs were committed in these queues.
    fn made(&self, queues: &[i16]);
}

/// Those who listen on this process.
#[derive(Default)]
pub(crate) struct Consumers {
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
                Some(ended) = running.join_next() => {
                    // None ends by itself.
                    tracing::error!(?ended, "a consumer of events broke; all begin anew");
                    let pause = tokio::time::sleep(jittered(shared.settings.retry));
                    stop.run_until_cancelled(pause).await;
                }
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
        let mut failures = 0;
        loop {
            if let Err(error) = self.follow(&mut failures).await {
                let name = &self.consumer.name;
                tracing::warn!(consumer = name, error = %error, "`{name}` waits: {error}");
                let times = 2_u32.saturating_pow(failures).min(LONGEST);
                failures = failures.saturating_add(1);
                tokio::time::sleep(jittered(self.shared.settings.retry * times)).await;
            }
        }
    }

    fn filter(&self) -> Filter {
        Filter {
            patterns: vec![self.consumer.pattern.clone()],
            source: self.consumer.source.clone(),
        }
    }

    /// Goes on from where the consumer is, until another epoch begins.
    async fn follow(&self, failures: &mut u32) -> Result<()> {
        let cursors = self.shared.store.consumers(&[row(&self.consumer)]).await?;
        let position = cursors.first().map_or(0, |cursor| cursor.position);
        let log = crate::Log(self.shared.clone());
        let mut reader = log.subscribe(self.filter(), Start::Position(position));
        let (mut saved, pause) = (position, self.shared.settings.consumer_save);
        let mut due = Instant::now() + pause;
        loop {
            match reader.next_until(u64::MAX).await? {
                Some(Item::Event(delivery)) => {
                    reader.seek(delivery.position() - 1);
                    let Some(done) = self.advance(&mut reader).await? else { return Ok(()) };
                    (saved, *failures) = (saved.max(done), 0);
                }
                Some(Item::Reset(reset)) if self.goes_on(&reset) => {}
                Some(Item::Reset(_)) => return Ok(()),
                // Only waiting is cut short, never a read.
                None if Instant::now() < due => {
                    drop(tokio::time::timeout_at(due, reader.changed()).await);
                }
                None => {
                    saved = self.save(&reader, saved).await?;
                    due = Instant::now() + pause;
                }
            }
        }
    }

    /// What was dropped is passed over. In another epoch the table says where the consumer is: what was read here
    /// may not have happened.
    fn goes_on(&self, reset: &Reset) -> bool {
        if reset.reason == ResetReason::Epoch {
            return false;
        }
        let name = &self.consumer.name;
        tracing::error!(
            consumer = name,
            "`{name}` has missed events: they were kept for a shorter time than it was away"
        );
        metrics::counter!("mindflight_event_resets_total", "reader" => "consumer").increment(1);
        true
    }

    /// Writes down that everything up to here is done or not wanted.
    async fn save(&self, reader: &Subscriber, saved: u64) -> Result<u64> {
        let place = reader.place();
        if place.position <= saved {
            return Ok(saved);
        }
        let held = self.shared.store.hold(std::slice::from_ref(&self.consumer.name)).await?;
        match held.cursors.first().cloned() {
            Some(cursor) if cursor.position < place.position && cursor.epoch == place.epoch => {
                held.advance(&[Cursor { position: place.position, ..cursor }], &[]).await?;
                Ok(place.position)
            }
            Some(cursor) => Ok(cursor.position),
            None => Ok(saved),
        }
    }

    /// Makes jobs of what comes next, unless somebody else does; how far the consumer is, unless another epoch began.
    async fn advance(&self, reader: &mut Subscriber) -> Result<Option<u64>> {
        let name = &self.consumer.name;
        let before = reader.place();
        // Nothing is held while this reads: others may need the connections.
        let Some(events) = self.collect(reader).await? else { return Ok(None) };
        let mut rows = self.rows(events).await?;
        let held = self.shared.store.hold(std::slice::from_ref(name)).await?;
        let Some(cursor) = held.cursors.first().cloned() else {
            drop(held);
            reader.seek(before.position);
            tokio::time::sleep(jittered(HELD_ELSEWHERE)).await;
            return Ok(Some(0));
        };
        let until = reader.place().position;
        if cursor.epoch != before.epoch {
            return Ok(None);
        }
        // Others may have been faster.
        rows.retain(|(position, _)| *position > cursor.position);
        if until <= cursor.position {
            reader.seek(cursor.position);
            return Ok(Some(cursor.position));
        }
        if rows.is_empty() && until < cursor.position + PASSED {
            return Ok(Some(cursor.position));
        }
        // Named while nobody else can make any: whoever read first is not who makes the first, and jobs run by their ids.
        let rows: Vec<NewRow> =
            rows.into_iter().map(|(_, row)| NewRow { id: JobId::new(), ..row }).collect();
        let lag = self.shared.hub.head().map_or(0, |head| head.position.saturating_sub(until));
        metrics::gauge!("mindflight_event_consumer_lag", "consumer" => name.clone())
            .set(lag as f64);
        let queues = held.advance(&[Cursor { position: until, ..cursor }], &rows).await?;
        metrics::counter!("mindflight_event_jobs_total").increment(rows.len() as u64);
        self.makes.made(&queues);
        Ok(Some(until))
    }

    /// The jobs of events, by their positions.
    async fn rows(&self, events: Vec<Envelope>) -> Result<Vec<(u64, NewRow)>> {
        let name = &self.consumer.name;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let (id, position, depth) = (event.id.clone(), event.sequence, event.depth);
            if depth >= DEEPEST {
                tracing::warn!(
                    consumer = name,
                    event = id,
                    "`{name}` gets no job for the event {id}: its chain is {depth} long"
                );
                continue;
            }
            match self.makes.row(name, event).await {
                Ok(row) => rows.push((position, row)),
                Err(error) if is_of_the_event(&error) => {
                    metrics::counter!("mindflight_event_jobs_refused_total").increment(1);
                    tracing::error!(
                        consumer = name,
                        event = id,
                        position,
                        error = %error,
                        "`{name}` gets no job for the event {id}: {error}"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    /// What comes next, as far as it is there; none if another epoch has begun.
    async fn collect(&self, reader: &mut Subscriber) -> Result<Option<Vec<Envelope>>> {
        let (mut events, end) = (Vec::new(), reader.place().position + SPAN);
        while events.len() < self.shared.settings.consumer_batch
            && let Some(item) = reader.next_until(end).await?
        {
            match item {
                Item::Event(delivery) => events.extend(delivery.envelope()),
                Item::Reset(reset) if self.goes_on(&reset) => {}
                Item::Reset(_) => return Ok(None),
            }
        }
        Ok(Some(events))
    }
}

/// Whether it would be the same the next time.
fn is_of_the_event(error: &Error) -> bool {
    error.name() != codes::UNKNOWN_KIND.name
        && (error.is_permanent() || error.fault() == Fault::Caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_the_same_the_next_time_is_passed_over() {
        assert!(is_of_the_event(&Error::invalid("wrong")));
        assert!(is_of_the_event(&Error::failed("broken").permanent()));
        assert!(!is_of_the_event(&Error::of(codes::UNKNOWN_KIND, "the provider is off")));
        assert!(!is_of_the_event(&Error::of(codes::DATABASE_UNAVAILABLE, "away")));
        assert!(!is_of_the_event(&Error::internal("who knows")));
    }
}
