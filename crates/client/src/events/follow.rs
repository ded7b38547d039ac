//! Following the log: one stream for the caller, over as many connections as it takes.

use std::fmt;
use std::time::Duration;

use futures::StreamExt as _;
use mindflight_api::event::{Envelope, Place, Reset, ResetReason};
use sse_stream::Sse;
use tokio::time::{Instant, sleep_until};

use super::Filter;
use super::feed::{Cut, Feed, messages};
use crate::transport::{Refused, Request, failed_at_once};
use crate::{Cause, Client, Error, Result};

/// Pauses between connections grow to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What `Retry-After` says is followed up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What comes out of a stream of events.
#[derive(Debug)]
pub enum Item {
    /// The next event, and its place: whoever notes it can go on there.
    Event(Place, Box<Envelope>),
    /// Events were missed: the state of things has to be looked at anew. What comes next is told by the reset.
    Reset(Reset),
    /// The connection is lost and no other can be had for now; said once for each loss. It is tried on.
    Lost(Error),
}

/// A stream of events that opens its connection anew when that is lost.
pub struct Following {
    client: Client,
    filter: Filter,
    /// The newest place that this stream has given.
    place: Option<Place>,
    feed: Option<Feed>,
    /// No connection is tried before.
    due: Instant,
    pause: Duration,
    lost: bool,
}

impl Following {
    pub(super) async fn start(client: &Client, filter: Filter) -> Result<Self> {
        let mut stream = Self {
            client: client.clone(),
            filter,
            place: None,
            feed: None,
            due: Instant::now(),
            pause: client.settings.backoff,
            lost: false,
        };
        let mut left = client.settings.retries;
        while let Some(error) = stream.connect().await? {
            if left == 0 || !failed_at_once(&error) {
                return Err(error);
            }
            (left, stream.lost) = (left - 1, false);
        }
        Ok(stream)
    }

    /// What comes next; waits for it as long as it takes. Nothing is lost when the waiting is given up.
    ///
    /// # Errors
    /// If the server refuses for good, or says what is not understood. Connections that break are no error.
    pub async fn next(&mut self) -> Result<Item> {
        loop {
            let Some(feed) = &mut self.feed else {
                match self.connect().await? {
                    Some(error) => return Ok(Item::Lost(error)),
                    None => continue,
                }
            };
            match feed.next().await {
                Some(Ok(message)) => {
                    (self.pause, self.lost) = (self.client.settings.backoff, false);
                    if let Some(item) = self.understood(message)? {
                        return Ok(item);
                    }
                }
                Some(Err(error)) if !is_lost(&error) => return Err(self.nonsense(error.into())),
                Some(Err(_)) | None => {
                    self.feed = None;
                    self.later(None);
                }
            }
        }
    }

    /// Tries to open a connection; gives the error of the first of several tries that fail.
    async fn connect(&mut self) -> Result<Option<Error>> {
        sleep_until(self.due).await;
        match self.client.open(&self.request()?).await {
            Ok(response) => {
                self.feed = Some(messages(response));
                Ok(None)
            }
            Err(Refused { error, passes: false, .. }) => Err(error),
            Err(Refused { error, after, .. }) => {
                self.later(after);
                let is_first = !std::mem::replace(&mut self.lost, true);
                // The rest of the tries is nobody's news.
                Ok(is_first.then_some(error))
            }
        }
    }

    fn request(&self) -> Result<Request> {
        let request = self.client.get(&["api", "events", "stream"])?;
        let mut query = self.filter.query();
        let Some(place) = &self.place else {
            query.extend(self.filter.after());
            return Ok(request.query(query));
        };
        Ok(request.query(query).last_event_id(place.to_string()))
    }

    fn later(&mut self, after: Option<Duration>) {
        let wait = after.map_or(self.pause, |after| after.min(LONGEST_WAIT).max(self.pause));
        self.due = Instant::now() + wait;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
    }

    fn understood(&mut self, message: Sse) -> Result<Option<Item>> {
        let place = message.id.filter(|id| !id.is_empty());
        let place: Option<Place> =
            place.map(|id| id.parse()).transpose().map_err(|error| self.bad(error))?;
        let Some(data) = message.data else {
            // How far a stream is that has nothing for us.
            self.place = place.or(self.place.take());
            return Ok(None);
        };
        match message.event.as_deref().unwrap_or("message") {
            "message" => {
                let envelope = serde_json::from_str(&data).map_err(|error| self.bad(error))?;
                let place = place.ok_or_else(|| self.nonsense("an event has no place".into()))?;
                self.place = Some(place.clone());
                Ok(Some(Item::Event(place, Box::new(envelope))))
            }
            "reset" => {
                let reset: Reset = serde_json::from_str(&data).map_err(|error| self.bad(error))?;
                let goes_on = match reset.reason {
                    ResetReason::Retention => &reset.oldest,
                    ResetReason::Epoch => &reset.head,
                };
                self.place = Some(place.unwrap_or_else(|| goes_on.clone()));
                Ok(Some(Item::Reset(reset)))
            }
            // A later server's.
            _ => Ok(None),
        }
    }

    fn bad(&self, error: impl Into<Cause>) -> Error {
        self.nonsense(error.into())
    }

    fn nonsense(&self, source: Cause) -> Error {
        let url = self.request().map(|request| request.url().to_owned()).unwrap_or_default();
        Error::Decode { url, source }
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("filter", &self.filter)
            .field("place", &self.place)
            .field("connected", &self.feed.is_some())
            .finish_non_exhaustive()
    }
}

/// Whether it is the connection, and not what came over it.
fn is_lost(error: &sse_stream::Error) -> bool {
    let sse_stream::Error::Body(cause) = error else { return false };
    !matches!(cause.downcast_ref(), Some(Cut::TooLarge))
}
