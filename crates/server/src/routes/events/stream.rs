//! `GET /api/events/stream`: the log as server-sent events.
//! Wire: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

use std::convert::Infallible;
use std::fmt::Write as _;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures::stream;
use metrics::Counter;
use mindflight_events::Item;

use super::feed::{Feed, Next, Wanted};
use crate::refusal::Answer;
use crate::request::Query;
use crate::state::AppState;

/// The name of this face in metrics.
const FACE: &str = "sse";

/// A piece of the answer is about so large at most.
const CHUNK: usize = 64 * 1024;

pub(super) async fn stream(
    state: web::Data<AppState>,
    request: HttpRequest,
    query: Query,
) -> Answer {
    let wanted = Wanted::read(&request, &query)?;
    if request.method() == Method::HEAD {
        // It would never end.
        return Ok(head().finish());
    }
    let feed = Feed::open(&state, &request, wanted, FACE).await?;
    let delivered = metrics::counter!("mindflight_events_delivered_total", "face" => FACE);
    let pieces = Pieces { feed, delivered, has_begun: false };
    Ok(head().streaming(stream::unfold(pieces, Pieces::next)))
}

fn head() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.insert_header((CONTENT_TYPE, "text/event-stream"))
        // What lies between must pass each piece on as it comes.
        .insert_header((CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("x-accel-buffering", "no"))
        // Nothing comes after a stream; a server that goes down does not wait for more.
        .force_close();
    head
}

/// The answer, piece by piece: whatever is there goes out at once, as one piece.
struct Pieces {
    feed: Feed,
    delivered: Counter,
    has_begun: bool,
}

impl Pieces {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        // Proxies and clients wait for the first byte.
        if !self.has_begun {
            self.has_begun = true;
            return Some((Ok(Bytes::from_static(b": connected\n\n")), self));
        }
        let mut text = String::new();
        match self.feed.next().await {
            Next::End(_) => return None,
            Next::Quiet => return Some((Ok(Bytes::from_static(b":\n\n")), self)),
            Next::Item(item) => {
                let mut count = self.write(&mut text, &item);
                while text.len() < CHUNK
                    && let Some(item) = self.feed.try_next()
                {
                    count += self.write(&mut text, &item);
                }
                self.delivered.increment(count);
            }
        }
        Some((Ok(Bytes::from(text)), self))
    }

    /// How many events that was.
    fn write(&self, text: &mut String, item: &Item) -> u64 {
        let written = match item {
            Item::Event(delivery) => {
                text.push_str(delivery.framed(|delivery| {
                    let (epoch, position) = (self.feed.epoch(), delivery.position());
                    format!("id: {epoch}-{position}\ndata: {}\n\n", delivery.text())
                }));
                Ok(1)
            }
            Item::Reset(reset) => {
                metrics::counter!("mindflight_event_resets_total", "reader" => FACE).increment(1);
                let place = self.feed.place();
                let reset = serde_json::to_string(reset).unwrap_or_default();
                write!(text, "event: reset\nid: {place}\ndata: {reset}\n\n").map(|()| 0)
            }
        };
        written.unwrap_or_default()
    }
}
