//! One reader of the log. It reads at its own pace: nobody waits for it, and it waits for nobody.

use std::collections::VecDeque;
use std::sync::Arc;

use mindflight_api::event::{Place, Reset, ResetReason};
use mindflight_core::Result;
use mindflight_core::policy::Pattern;
use tokio::sync::watch;

use crate::entry::{Delivery, Entry};
use crate::hub::{Found, Head};
use crate::log::Shared;

/// Rows that are taken from memory at a time.
const TAKE: usize = 64;

/// Which events a subscriber wants.
#[derive(Debug, Clone)]
pub struct Filter {
    /// One of these types; all if there is none.
    pub patterns: Vec<Pattern>,
    /// Only of this source.
    pub source: Option<String>,
}

impl Filter {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self { patterns: Vec::new(), source: None }
    }

    /// Whether it wants an event.
    #[must_use]
    pub fn wants(&self, r#type: &str, source: &str) -> bool {
        let is_of = self.source.as_ref().is_none_or(|wanted| wanted == source);
        is_of
            && (self.patterns.is_empty()
                || self.patterns.iter().any(|pattern| pattern.matches(r#type)))
    }
}

/// Where a subscriber begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Now,
    /// With the oldest event that is still there.
    Oldest,
    /// After a place it has been at.
    After(Place),
    /// After a position, whichever history it belongs to.
    Position(u64),
}

/// What a subscriber gets.
#[derive(Debug, Clone)]
pub enum Item {
    /// The next event that it wants.
    Event(Delivery),
    /// It has missed events. After too much time it goes on with the oldest that is there, in another epoch with what
    /// comes next.
    Reset(Reset),
}

/// One reader of the log.
pub struct Subscriber {
    shared: Arc<Shared>,
    filter: Filter,
    head: watch::Receiver<Option<Head>>,
    start: Option<Start>,
    /// How far the database says that the log is, if it was asked because the start is beyond what is known here.
    known: Option<u64>,
    epoch: Arc<str>,
    /// Positions up to here are passed.
    position: u64,
    rows: VecDeque<Arc<Entry>>,
}

impl Subscriber {
    pub(crate) fn new(shared: Arc<Shared>, filter: Filter, start: Start) -> Self {
        let head = shared.hub.watch();
        let (epoch, rows) = (Arc::from(""), VecDeque::new());
        Self { shared, filter, head, start: Some(start), known: None, epoch, position: 0, rows }
    }

    /// Where it is: everything up to here was given or is not wanted.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { epoch: self.epoch.to_string(), position: self.position }
    }

    /// Which history its place belongs to.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Whether it has passed everything that there is now.
    #[must_use]
    pub fn is_at_head(&self) -> bool {
        let head = self.head.borrow();
        self.start.is_none() && head.as_ref().is_some_and(|head| head.position <= self.position)
    }

    /// What comes next; waits for it.
    ///
    /// # Errors
    /// When what is not in memory cannot be read from the database; it may be asked again.
    pub async fn next(&mut self) -> Result<Item> {
        loop {
            match self.look() {
                Look::Item(item) => return Ok(item),
                Look::Behind => self.read().await?,
                Look::Ahead => self.confirm().await?,
                Look::Nothing => self.changed().await,
            }
        }
    }

    /// Waits until the log is another than at the last look.
    pub(crate) async fn changed(&mut self) {
        // The hub lives as long as the server.
        drop(self.head.changed().await);
    }

    /// What comes next, if it is in memory.
    pub fn try_next(&mut self) -> Option<Item> {
        match self.look() {
            Look::Item(item) => Some(item),
            Look::Behind | Look::Ahead | Look::Nothing => None,
        }
    }

    /// What comes next, if the log has it already; what is not in memory is read up to a position, about.
    pub(crate) async fn next_until(&mut self, end: u64) -> Result<Option<Item>> {
        loop {
            match self.look() {
                Look::Item(item) => return Ok(Some(item)),
                Look::Behind if self.position < end => self.read().await?,
                Look::Ahead => self.confirm().await?,
                Look::Behind | Look::Nothing => return Ok(None),
            }
        }
    }

    /// Goes on after another position.
    pub(crate) fn seek(&mut self, position: u64) {
        self.rows.clear();
        self.position = position;
    }

    fn look(&mut self) -> Look {
        loop {
            // What was taken from memory belongs together: whether the log is another one now is asked after it.
            if let Some(delivery) = self.next_taken() {
                return Look::Item(Item::Event(delivery));
            }
            let Some(head) = self.head.borrow_and_update().clone() else { return Look::Nothing };
            match self.begin(&head) {
                Begun::Here => {}
                Begun::Ahead => return Look::Ahead,
                Begun::Reset(reset) => return Look::Item(Item::Reset(reset)),
            }
            match self.shared.hub.after(&self.epoch, self.position, TAKE) {
                Found::Rows(rows) if rows.is_empty() => return Look::Nothing,
                Found::Rows(rows) => self.rows.extend(rows),
                Found::Behind => return Look::Behind,
            }
        }
    }

    /// The next event that it wants, of the rows that were taken from memory.
    fn next_taken(&mut self) -> Option<Delivery> {
        while let Some(entry) = self.rows.front() {
            if let Some(delivery) = next_of(entry, self.position, &self.filter) {
                self.position = delivery.position();
                return Some(delivery);
            }
            self.position = self.position.max(entry.logged.last);
            self.rows.pop_front();
        }
        None
    }

    /// Finds its place, at first and when the log has become another.
    fn begin(&mut self, head: &Head) -> Begun {
        let start = match self.start.take() {
            Some(start) => start,
            None if self.epoch != head.epoch => Start::After(self.place()),
            None if self.position < head.gone => Start::Position(self.position),
            None => return Begun::Here,
        };
        let (position, is_same) = match &start {
            Start::Now => (head.position, true),
            Start::Oldest => (head.gone, true),
            Start::Position(position) => (*position, true),
            Start::After(place) => (place.position, *place.epoch == *head.epoch),
        };
        // Another process may have been faster, or this one a moment too slow.
        let is_beyond = !is_same || position > head.position;
        if is_beyond && self.known.is_none() {
            self.start = Some(start);
            return Begun::Ahead;
        }
        let end = self.known.take().unwrap_or_default().max(head.position);
        self.rows.clear();
        self.epoch = head.epoch.clone();
        self.position = position;
        if !is_same || position > end {
            self.position = end;
            let head = Head { position: end, ..head.clone() };
            return Begun::Reset(head.reset(ResetReason::Epoch));
        }
        if position < head.gone {
            self.position = head.gone;
            return Begun::Reset(head.reset(ResetReason::Retention));
        }
        Begun::Here
    }

    /// Asks the database how far the log is.
    async fn confirm(&mut self) -> Result<()> {
        self.known = Some(self.shared.look().await?.head);
        Ok(())
    }

    /// Reads what is not in memory any more.
    async fn read(&mut self) -> Result<()> {
        let after = self.position;
        let rows = self.shared.read(after).await?;
        // Positions have no gaps: if the next one is not there, it was dropped just now, and the head says so.
        match rows.first().map(|row| row.first) {
            Some(first) if first <= after + 1 => {
                self.rows.extend(rows.into_iter().map(|row| Arc::new(Entry::new(row))));
            }
            found => self.shared.missed(after, found).await?,
        }
        Ok(())
    }
}

enum Begun {
    Here,
    Reset(Reset),
    /// The start is beyond what this process knows of.
    Ahead,
}

enum Look {
    Item(Item),
    Behind,
    Ahead,
    Nothing,
}

/// The first event of a row after a position that is wanted.
pub(crate) fn next_of(entry: &Arc<Entry>, position: u64, filter: &Filter) -> Option<Delivery> {
    let first = (position + 1).max(entry.logged.first);
    (first..=entry.logged.last).find_map(|position| {
        let at = usize::try_from(position - entry.logged.first).ok()?;
        let delivery = Delivery::new(entry.clone(), at);
        filter.wants(delivery.r#type(), delivery.source()).then_some(delivery)
    })
}
