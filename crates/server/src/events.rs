//! The event log as the server runs it: its settings, and the jobs that events become.

use std::sync::Arc;

use async_trait::async_trait;
use mindflight_api::event::Envelope;
use mindflight_core::ports::{EnqueueOptions, NewJob};
use mindflight_core::{Error, Event, Result};
use mindflight_events::{Consumer, Log, Makes, Settings};
use mindflight_queue::Queue;
use mindflight_store::jobs::NewRow;
use secrecy::ExposeSecret as _;

use crate::config::Config;

/// The log's settings, from the configuration.
pub(crate) fn settings(config: &Config) -> Settings {
    let (database, events) = (&config.database, &config.events);
    let url = database.direct_url.as_ref().or(database.url.as_ref());
    Settings {
        url: url.map(|url| url.expose_secret().to_owned()),
        window: events.window.0,
        poll: events.poll.0,
        check: events.check.0,
        check_timeout: events.check_timeout.0,
        retention: events.retention.0,
        partition: events.partition.0,
        housekeeping: events.housekeeping.0,
        ..Settings::default()
    }
}

/// Has every mounted subscription listen.
pub(crate) async fn listen(log: &Log, queue: &Queue) -> Result<()> {
    let mut wanted = Vec::new();
    for mounted in queue.listening() {
        let Some(listens) = &mounted.kind.listens else { continue };
        // What is no pattern was left out where the kinds were read, with the reason.
        let Ok(pattern) = listens.pattern.parse() else { continue };
        let (name, source) = (mounted.name.clone(), listens.source.clone());
        wanted.push(Consumer { name, pattern, source });
    }
    log.listen(Arc::new(Enqueues(queue.clone())), wanted).await
}

/// Jobs of subscriptions, through the queue.
struct Enqueues(Queue);

#[async_trait]
impl Makes for Enqueues {
    async fn row(&self, consumer: &str, event: Envelope) -> Result<NewRow> {
        let args = serde_json::to_value(Event::from(event)).map_err(Error::internal)?;
        let options = EnqueueOptions::default();
        self.0.row(NewJob { kind: consumer.to_owned(), args, options }).await
    }

    fn made(&self, queues: &[i16]) {
        self.0.wake(queues);
    }
}
