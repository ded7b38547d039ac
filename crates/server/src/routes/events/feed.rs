//! What all faces share that follow the log: one reader, for as long as whoever opened it may read.

use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpRequest;
use mindflight_api::{Scope, codes};
use mindflight_core::Result;
use mindflight_events::{Filter, Item, Start, Subscriber};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::selection;
use crate::auth::{Head, Pass};
use crate::request::Query;
use crate::state::AppState;
use crate::streams::Open;

/// Pause after the log could not be read.
const RETRY: Duration = Duration::from_millis(250);

/// One reader of the log, for as long as whoever opened it may read.
pub(super) struct Feed {
    reader: Subscriber,
    pass: Pass,
    /// Nobody can say now whether the reader may still read: it gets nothing until somebody can.
    is_unsure: bool,
    check_every: Duration,
    check_at: Instant,
    keep_alive: Duration,
    quiet_at: Instant,
    /// Until the earlier of both. It stays: to make one for each event costs more than the event.
    timer: Pin<Box<Sleep>>,
    stop: CancellationToken,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Gives the place back.
    _open: Open,
}

/// What a feed has to say.
pub(super) enum Next {
    /// Something of the log.
    Item(Item),
    /// It is time for a sign of life.
    Quiet,
    /// It is over.
    End(End),
}

/// Why a feed is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The server goes down.
    ShuttingDown,
    /// The credential is not good any more, or lost its scope.
    Revoked,
}

/// Which events somebody wants to follow, and from where.
pub(super) struct Wanted {
    filter: Filter,
    start: Start,
}

impl Wanted {
    pub(super) fn read(request: &HttpRequest, query: &Query) -> Result<Self> {
        selection::once(query)?;
        let (filter, start) = (selection::filter(query)?, selection::start(request, query)?);
        Ok(Self { filter, start })
    }
}

impl Feed {
    /// Takes a place, and begins to read: whatever is published after this returns is in it.
    pub(super) async fn open(
        state: &AppState,
        request: &HttpRequest,
        wanted: Wanted,
        face: &'static str,
    ) -> Result<Self> {
        let stop = state.draining();
        if stop.is_cancelled() {
            let detail = "the server is shutting down";
            return Err(mindflight_core::Error::of(codes::SHUTTING_DOWN, detail)
                .wait(Duration::from_secs(1)));
        }
        let open = state.streams.open(face)?;
        let start = match wanted.start {
            // Now, and not when it is first asked for something.
            Start::Now => Start::After(state.log.head().await?),
            start @ (Start::Oldest | Start::After(_) | Start::Position(_)) => start,
        };
        let keep_alive = state.config.events.keep_alive.0;
        // A number that is older than this is read anew, so a revocation is seen.
        let check_every = state.config.auth.version_interval.0 * 2;
        let now = Instant::now();
        Ok(Self {
            reader: state.log.subscribe(wanted.filter, start),
            pass: state.gate.pass(&Head::from(request)),
            is_unsure: false,
            check_every,
            check_at: now + check_every,
            keep_alive,
            quiet_at: now + keep_alive,
            timer: Box::pin(sleep(check_every.min(keep_alive))),
            stopped: Box::pin(stop.clone().cancelled_owned()),
            stop,
            _open: open,
        })
    }

    /// How often it gives a sign of life.
    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// Cancelled when the server goes down.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// What comes next; waits for it. Whoever stops waiting loses nothing.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            let found = tokio::select! {
                biased;
                () = &mut self.stopped => return Next::End(End::ShuttingDown),
                () = &mut self.timer => None,
                item = self.reader.next(), if !self.is_unsure => Some(item),
            };
            match found {
                Some(Ok(item)) => return Next::Item(item),
                Some(Err(error)) => {
                    tracing::debug!(error = %error, "a stream waits: {error}");
                    self.stop.run_until_cancelled(sleep(RETRY)).await.unwrap_or_default();
                }
                None => {
                    if let Some(next) = self.on_time().await {
                        return next;
                    }
                }
            }
        }
    }

    /// What comes next, if it is there.
    pub(super) fn try_next(&mut self) -> Option<Item> {
        self.reader.try_next()
    }

    /// Where a reader that has got everything so far begins again.
    pub(super) fn place(&self) -> mindflight_api::event::Place {
        self.reader.place()
    }

    /// Which history its places belong to.
    pub(super) fn epoch(&self) -> &str {
        self.reader.epoch()
    }

    /// Something is due.
    async fn on_time(&mut self) -> Option<Next> {
        let now = Instant::now();
        let mut next = None;
        if self.check_at <= now {
            next = self.check().await.map(Next::End);
        }
        if self.quiet_at <= now && next.is_none() {
            self.quiet_at = now + self.keep_alive;
            next = Some(Next::Quiet);
        }
        self.timer.as_mut().reset(self.check_at.min(self.quiet_at));
        next
    }

    /// Asks again who reads here.
    async fn check(&mut self) -> Option<End> {
        let checked = self.pass.check(&Scope::EventsRead);
        let Some(checked) = self.stop.run_until_cancelled(checked).await else {
            return Some(End::ShuttingDown);
        };
        self.check_at = Instant::now() + self.check_every;
        match checked {
            Ok(()) => self.is_unsure = false,
            Err(error) if error.status() == codes::DATABASE_UNAVAILABLE.status => {
                self.is_unsure = true;
            }
            Err(_) => return Some(End::Revoked),
        }
        None
    }
}
