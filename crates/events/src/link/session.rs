//! One connection from its beginning to its end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use futures::future::{Either, select};
use mindflight_store::signal::{Signal, Urgency};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Notification, SimpleQueryMessage};

use super::Link;
use super::connect::{Wire, connect};
use super::lost::Lost;
use super::message::{self, CHANNELS, Note, Said};
use crate::log::Shared;

/// One connection from its beginning to its end.
pub(super) struct Session<'a, H> {
    pub(super) link: &'a Link,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) hear: &'a H,
}

/// What was heard about this connection itself.
struct Heard {
    /// The server's name for it.
    pid: AtomicI32,
    /// The last check that came back.
    echo: watch::Sender<u64>,
}

/// Nothing is sent or heard any more, also if nobody waits for the end.
struct Closing<'a>(&'a Link);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.went_down();
    }
}

impl<H: Fn(Signal) + Send + Sync> Session<'_, H> {
    /// Connects, and says why that was not possible, or why it came to an end.
    pub(super) async fn run(&self, url: &str) -> Lost {
        let limit = self.link.settings.connect_timeout;
        let (client, wire) = match timeout(limit, connect(url)).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(lost)) => return lost,
            Err(_) => return Lost::Slow(limit),
        };
        let _closing = Closing(self.link);
        let heard = Heard { pid: AtomicI32::new(0), echo: watch::Sender::new(0) };
        let (listening, talking) = (self.listen(wire, &heard), self.talk(&client, &heard));
        match select(std::pin::pin!(listening), std::pin::pin!(talking)).await {
            Either::Left((lost, _)) | Either::Right((lost, _)) => lost,
        }
    }

    /// Hears what comes. Without this nothing is sent either.
    async fn listen(&self, mut wire: Wire, heard: &Heard) -> Lost {
        loop {
            match poll_fn(|context| wire.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(note))) => self.heard(&note, heard),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Lost::Broken(error),
                None => return Lost::Ended,
            }
        }
    }

    fn heard(&self, note: &Notification, heard: &Heard) {
        let said = message::understand(note.channel(), note.payload());
        let is_own = note.process_id() == heard.pid.load(Ordering::Acquire);
        match said {
            Some(Said::Check(nonce)) if is_own => {
                heard.echo.send_replace(nonce);
            }
            Some(Said::Check(_)) => {}
            Some(_) if is_own => {}
            Some(Said::Head(head)) => self.shared.asked.seen(head),
            Some(Said::Signals(signals)) => signals.into_iter().for_each(self.hear),
            None => {
                let (channel, pid) = (note.channel(), note.process_id());
                tracing::debug!(channel, pid, "a notification that says nothing to this release");
            }
        }
    }

    /// Listens, catches up, sends, and checks. Nothing may be read before LISTEN is done: what is announced in between
    /// would be missed.
    async fn talk(&self, client: &Client, heard: &Heard) -> Lost {
        let limit = self.link.settings.connect_timeout;
        match timeout(limit, begin(client)).await {
            Ok(Ok(pid)) => heard.pid.store(pid, Ordering::Release),
            Ok(Err(error)) => return Lost::Refused(error),
            Err(_) => return Lost::Slow(limit),
        }
        self.link.outbox.open();
        self.shared.asked.ask(Urgency::Now);
        (self.hear)(Signal::Scheduled);
        match self.converse(client, heard.echo.subscribe()).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    async fn converse(
        &self,
        client: &Client,
        mut echo: watch::Receiver<u64>,
    ) -> Result<std::convert::Infallible, Lost> {
        let settings = &self.link.settings;
        let mut not_before = Instant::now();
        // The first check is at once.
        let (mut nonce, mut due, mut is_asked) = (0, not_before, false);
        loop {
            tokio::select! {
                mail = self.link.outbox.next(not_before) => {
                    self.send(client, &mail.notes()).await?;
                    not_before = Instant::now() + settings.hint_window;
                }
                () = tokio::time::sleep_until(due) => {
                    if is_asked {
                        return Err(self.unheard());
                    }
                    (nonce, is_asked) = (nonce + 1, true);
                    due = Instant::now() + settings.check_timeout;
                    self.send(client, &[message::check(nonce)]).await?;
                }
                Ok(()) = echo.changed() => {
                    if is_asked && *echo.borrow_and_update() == nonce {
                        (is_asked, due) = (false, Instant::now() + settings.check);
                        self.link.went_up();
                    }
                }
            }
        }
    }

    /// A check did not come back.
    fn unheard(&self) -> Lost {
        if self.link.is_up() { Lost::Silent(self.link.settings.check_timeout) } else { Lost::Deaf }
    }

    /// Sends notifications, in a transaction of their own.
    async fn send(&self, client: &Client, notes: &[Note]) -> Result<(), Lost> {
        let calls: Vec<String> = (0..notes.len())
            .map(|note| format!("pg_notify(${}, ${})", 2 * note + 1, 2 * note + 2))
            .collect();
        if calls.is_empty() {
            return Ok(());
        }
        let statement = format!("SELECT {}", calls.join(", "));
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = notes
            .iter()
            .flat_map(|note| [&note.channel as &(dyn ToSql + Sync), &note.text])
            .map(|value| (value, Type::TEXT))
            .collect();
        let limit = self.link.settings.check_timeout;
        match timeout(limit, client.query_typed(&statement, &parameters)).await {
            Ok(sent) => sent.map(drop).map_err(Lost::Broken),
            Err(_) => Err(Lost::Silent(limit)),
        }
    }
}

/// Listens on every channel, and asks how the server calls this connection.
async fn begin(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let listen: String =
        CHANNELS.iter().map(|(_, channel)| format!("LISTEN {channel}; ")).collect();
    let answers = client.simple_query(&format!("{listen}SELECT pg_backend_pid()")).await?;
    let pid = answers.iter().find_map(|answer| {
        let SimpleQueryMessage::Row(row) = answer else { return None };
        row.get(0)?.parse().ok()
    });
    Ok(pid.unwrap_or_default())
}
