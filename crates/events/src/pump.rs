//! Gives positions to what was published, reads what has got one, and hands it to the hub.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mindflight_core::Result;
use mindflight_store::events::{House, Logged, Ticker};
use mindflight_store::signal::Urgency;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::hub::Head;
use crate::log::Shared;
use crate::pause::jittered;

/// How much longer is waited for more, for each who watches.
const EACH: Duration = Duration::from_micros(30);

/// The longest that this makes it.
const LONGEST: Duration = Duration::from_millis(50);

/// What the pump was asked for since it last looked.
#[derive(Default)]
pub(crate) struct Asked {
    wish: Mutex<Wish>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Wish {
    /// Something was published here.
    tick: Option<Urgency>,
    /// The numbers of what was: once they are seen, somebody else has given them positions.
    unseen: BTreeSet<i64>,
    /// Somebody else says that the log is this far.
    seen: u64,
}

impl Asked {
    /// Something was published here.
    pub(crate) fn ask(&self, urgency: Urgency) {
        self.wish(|wish| wish.tick = wish.tick.max(Some(urgency)));
    }

    /// Events with these numbers were published here.
    pub(crate) fn ask_for(&self, numbers: impl Iterator<Item = i64>) {
        self.wish(|wish| wish.unseen.extend(numbers));
    }

    /// Another process says that the log is this far.
    pub(crate) fn seen(&self, head: u64) {
        self.wish(|wish| wish.seen = wish.seen.max(head));
    }

    fn wish(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.lock());
        self.notify.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How soon positions have to be given, if they have to, and how far others say that the log is.
    fn look(&self) -> (Option<Urgency>, u64) {
        let wish = self.lock();
        let urgency = if wish.unseen.is_empty() { wish.tick } else { Some(Urgency::Now) };
        (urgency, wish.seen)
    }

    fn take(&self) -> Wish {
        std::mem::take(&mut *self.lock())
    }

    /// Events with these numbers have positions.
    fn have_seen(&self, rows: &[Logged]) {
        let mut wish = self.lock();
        if !wish.unseen.is_empty() {
            for row in rows {
                wish.unseen.remove(&row.seq);
            }
        }
    }
}

/// Pumps until told to stop.
pub(crate) async fn run(shared: &Arc<Shared>, stop: CancellationToken) {
    let mut ticker = match shared.store.ticker() {
        Ok(ticker) => ticker,
        Err(error) => return tracing::error!(error = %error, "no event is seen: {error}"),
    };
    let now = Instant::now();
    let mut pump = Pump { shared, ticked: now, looked: None, is_away: false };
    while stop.run_until_cancelled(pump.wait()).await.is_some() {
        let Err(error) = pump.turn(&mut ticker).await else {
            pump.is_away = false;
            continue;
        };
        if !std::mem::replace(&mut pump.is_away, true) {
            tracing::warn!(error = %error, "the event log waits for the database: {error}");
        }
        // Whatever was asked for is still to be done.
        shared.asked.ask(Urgency::Now);
        let pause = tokio::time::sleep(shared.settings.retry);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

struct Pump<'a> {
    shared: &'a Arc<Shared>,
    /// When the last tick was, here or elsewhere: all processes share one window, or each event would wake
    /// everybody as often as there are processes.
    ticked: Instant,
    /// When the log was last looked at whether or not somebody asked.
    looked: Option<Instant>,
    is_away: bool,
}

impl Pump<'_> {
    /// Waits until there is something to do.
    async fn wait(&self) {
        let (settings, asked) = (&self.shared.settings, &self.shared.asked);
        let Some(looked) = self.looked else { return };
        loop {
            let (urgency, seen) = asked.look();
            if seen > self.shared.hub.head().map_or(0, |head| head.position) {
                return;
            }
            let poll = looked + settings.poll;
            let until = urgency.map_or(poll, |urgency| self.due(urgency).min(poll));
            if until <= Instant::now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = asked.notify.notified() => {}
            }
        }
    }

    /// When the next tick is, if it is wanted: the first event after a while is seen at once, those after it together.
    /// To wake everybody takes time, in which more can come: the more there are, the longer it is waited for.
    fn due(&self, urgency: Urgency) -> Instant {
        let settings = &self.shared.settings;
        let watchers = u32::try_from(self.shared.hub.watchers()).unwrap_or(u32::MAX);
        let window = settings.window + EACH.saturating_mul(watchers).min(LONGEST);
        self.ticked
            + match urgency {
                Urgency::Now => window,
                Urgency::Soon => window.max(settings.slow_window),
            }
    }

    async fn turn(&mut self, ticker: &mut Ticker) -> Result<()> {
        let now = Instant::now();
        let asked = &self.shared.asked;
        let (urgency, seen) = asked.look();
        let is_poll = self.looked.is_none_or(|looked| now >= looked + self.shared.settings.poll);
        let is_asked = urgency.is_some_and(|urgency| now >= self.due(urgency));
        if is_asked || is_poll || self.is_away {
            // What is asked for from now on, this tick may not see.
            drop(asked.take());
            self.ticked = now;
            self.tick(ticker).await?;
            self.looked = Some(now);
        } else {
            // It may be a hint from before a restore, and must not be followed again and again.
            asked.lock().seen = 0;
            if self.is_watched() {
                self.read(ticker, seen).await?;
            } else {
                self.look(ticker).await?;
            }
        }
        Ok(())
    }

    async fn tick(&mut self, ticker: &mut Ticker) -> Result<()> {
        let ticked = ticker.tick().await?;
        let standing = &ticked.standing;
        if ticked.is_new {
            metrics::counter!("mindflight_event_ticks_total").increment(1);
            self.shared.link.ticked(standing.head);
        }
        if ticked.is_late {
            self.shared.asked.ask(Urgency::Now);
        }
        match self.shared.hub.head() {
            None => self.shared.hub.begin(standing),
            Some(head) if *head.epoch != *standing.epoch => {
                tracing::warn!(epoch = standing.epoch, "the event log has another history now");
                self.shared.hub.begin(standing);
            }
            Some(head) if head.position > standing.head => {
                tracing::warn!(
                    head = standing.head,
                    "the event log ended at {} and ends at {} now: another epoch begins",
                    head.position,
                    standing.head
                );
                ticker.begin_epoch(&standing.epoch).await?;
                self.shared.asked.ask(Urgency::Now);
            }
            Some(_) => {
                self.shared.hub.gone(standing.gone);
                if self.is_watched() {
                    self.read(ticker, standing.head).await?;
                } else {
                    self.shared.hub.skip(standing.head);
                }
            }
        }
        Ok(())
    }

    /// Whether anybody here wants what comes; else nothing is read.
    fn is_watched(&self) -> bool {
        self.shared.hub.watchers() > 0
    }

    /// Looks how far the log is, and reads nothing of it.
    async fn look(&mut self, ticker: &mut Ticker) -> Result<()> {
        let standing = ticker.standing().await?;
        if self.shared.hub.head().is_some_and(|head| *head.epoch == *standing.epoch) {
            self.ticked = Instant::now();
            self.shared.hub.skip(standing.head);
        }
        Ok(())
    }

    /// Reads up to a position, or as far as the log is.
    async fn read(&mut self, ticker: &mut Ticker, until: u64) -> Result<()> {
        let (page, bytes) = (self.shared.settings.page, self.shared.settings.page_bytes);
        while let Some(head) = self.shared.hub.head()
            && head.position < until
        {
            let rows = ticker.read(head.position, page, bytes).await?;
            match rows.first().map(|row| row.first) {
                Some(first) if first == head.position + 1 => {
                    self.shared.asked.have_seen(&rows);
                    self.ticked = Instant::now();
                    self.shared.hub.add(rows);
                }
                found => return self.lost(ticker, &head, found).await,
            }
        }
        Ok(())
    }

    /// What comes next is not there: it was dropped meanwhile, or the hint was from before a restore.
    async fn lost(&self, ticker: &mut Ticker, head: &Head, found: Option<u64>) -> Result<()> {
        let standing = ticker.standing().await?;
        let after = head.position;
        if *standing.epoch != *head.epoch || (standing.gone <= after && found.is_none()) {
            // The next look of this process sees what there is.
            return Ok(());
        }
        if standing.gone <= after {
            metrics::counter!("mindflight_event_holes_total").increment(1);
            tracing::error!(after, found, "the event log has a hole after position {after}");
        }
        // Whoever was here finds out by itself, and goes on from what is still there.
        self.shared.hub.begin(&standing);
        Ok(())
    }
}

/// Keeps the log in order until told to stop, on a connection that is there only meanwhile.
pub(crate) async fn keep_house(shared: &Arc<Shared>, stop: CancellationToken) {
    let settings = &shared.settings;
    let house = House { retention: settings.retention, partition: settings.partition };
    loop {
        let pause = jittered(settings.housekeeping);
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        let kept = match shared.store.ticker() {
            Ok(mut ticker) => ticker.keep_house(&house).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(kept) if kept.dropped > 0 => {
                tracing::info!("{} partitions of old events were dropped", kept.dropped);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %error, "the event log could not be kept in order: {error}");
            }
        }
    }
}
