//! Pages of the log, oldest first, as far as it goes now.

use std::time::Duration;

use mindflight_api::codes;
use mindflight_api::event::{Envelope, Place, Reset};
use mindflight_core::{Error, Result};

use crate::Log;
use crate::subscriber::{Filter, Item, Start};

/// Positions that one page looks at, at most.
const MOST_LOOKED_AT: u64 = 50_000;

/// How long the first look at the log may take.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// A page of the log.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The events, oldest first.
    pub items: Vec<Envelope>,
    /// Where the page ended.
    pub place: Place,
    /// Whether there may be more after it.
    pub has_more: bool,
    /// Why it does not begin where it was asked to.
    pub reset: Option<Reset>,
}

impl Log {
    /// Up to `limit` events from a start on, oldest first.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn onward(&self, filter: &Filter, start: Start, limit: usize) -> Result<Listing> {
        let mut head = self.0.hub.watch();
        let seen = tokio::time::timeout(FIRST_LOOK, head.wait_for(Option::is_some));
        if !matches!(seen.await, Ok(Ok(_))) {
            let detail = "the event log was not read yet";
            return Err(Error::of(codes::DATABASE_UNAVAILABLE, detail).wait(Duration::from_secs(1)));
        }
        let mut reader = self.subscribe(filter.clone(), start);
        let (mut items, mut reset, mut end) = (Vec::new(), None, None);
        while items.len() < limit {
            // The first look, which reads nothing, finds out where the page begins.
            let found = match end {
                None => reader.try_next(),
                Some(end) => reader.next_until(end).await?,
            };
            match (found, end) {
                (Some(Item::Event(delivery)), _) => items.extend(delivery.envelope()),
                (Some(Item::Reset(found)), _) => reset = Some(found),
                (None, Some(_)) => break,
                (None, None) => {}
            }
            end = end.or_else(|| Some(reader.place().position.saturating_add(MOST_LOOKED_AT)));
        }
        Ok(Listing { items, place: reader.place(), has_more: !reader.is_at_head(), reset })
    }
}
