//! The one LISTEN connection of the process: it carries hints between processes. What it loses, polling finds.

mod connect;
mod lost;
mod message;
mod outbox;
mod session;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mindflight_store::signal::Signal;
use tokio_util::sync::CancellationToken;

use self::lost::Lost;
use self::outbox::Outbox;
use self::session::Session;
use crate::Settings;
use crate::log::Shared;
use crate::pause::jittered;

/// The one LISTEN connection of the process.
pub(crate) struct Link {
    settings: Settings,
    outbox: Outbox,
    is_up: AtomicBool,
    /// Whether it was said that it is away.
    is_away: AtomicBool,
}

impl Link {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            outbox: Outbox::default(),
            is_up: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
        }
    }

    /// Whether hints of other processes arrive.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Tells the other processes.
    pub(crate) fn send(&self, signal: Signal) {
        self.outbox.signal(signal);
    }

    /// Tells the other processes how far the log is.
    pub(crate) fn ticked(&self, head: u64) {
        self.outbox.head(head);
    }

    /// Connects, listens and sends until told to stop.
    pub(crate) async fn run(
        &self,
        shared: &Arc<Shared>,
        hear: &(impl Fn(Signal) + Send + Sync),
        stop: CancellationToken,
    ) {
        match &self.settings.url {
            Some(url) => {
                stop.run_until_cancelled(self.keep(url, shared, hear)).await;
            }
            None => stop.cancelled().await,
        }
    }

    /// Connects again and again.
    async fn keep(&self, url: &str, shared: &Arc<Shared>, hear: &(impl Fn(Signal) + Send + Sync)) {
        loop {
            let session = Session { link: self, shared, hear };
            let lost = Box::pin(session.run(url)).await;
            if lost.was_connected() {
                metrics::counter!("mindflight_listen_reconnects_total").increment(1);
            }
            if self.is_away.swap(true, Ordering::AcqRel) {
                tracing::debug!("still no hints of other processes: {lost}");
            } else {
                tracing::warn!(
                    "hints of other processes do not arrive, so what they do is seen later: {lost}"
                );
            }
            // An address that delivers nothing does not begin to soon.
            let is_deaf = matches!(lost, Lost::Deaf);
            let pause = if is_deaf { self.settings.check } else { self.settings.retry };
            tokio::time::sleep(jittered(pause)).await;
        }
    }

    /// Hints arrive.
    fn went_up(&self) {
        let was_up = self.is_up.swap(true, Ordering::AcqRel);
        if !was_up && self.is_away.swap(false, Ordering::AcqRel) {
            tracing::info!("hints of other processes arrive again");
        }
    }

    /// Hints can neither arrive nor be sent.
    fn went_down(&self) {
        self.outbox.close();
        self.is_up.store(false, Ordering::Release);
    }
}
