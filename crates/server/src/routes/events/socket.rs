//! `GET /api/events/ws`: the log over a WebSocket (RFC 6455). It only sends: a message of the client ends it.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, ProtocolError, Session};
use futures::StreamExt as _;
use metrics::Counter;
use mindflight_api::codes;
use mindflight_core::{Error, Result};
use mindflight_events::Item;
use tokio::time::{Instant, timeout};

use super::feed::{End, Feed, Next, Wanted};
use crate::app;
use crate::refusal::Answer;
use crate::request::Query;
use crate::state::AppState;

/// The name of this face in metrics.
const FACE: &str = "websocket";

/// How long a client may take to let the last word through.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) async fn socket(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
    query: Query,
) -> Answer {
    let wanted = Wanted::read(&request, &query)?;
    refuse_foreign(&state, &request)?;
    if request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().finish());
    }
    let feed = Feed::open(&state, &request, wanted, FACE).await?;
    let (answer, session, messages) = actix_ws::handle(&request, payload).map_err(|error| {
        let detail = format!("this path speaks WebSocket, version 13: {error}");
        Error::of(codes::INVALID_REQUEST, detail)
            .fix("Connect with a WebSocket client, or follow `GET /api/events/stream`.")
    })?;
    let delivered = metrics::counter!("mindflight_events_delivered_total", "face" => FACE);
    let socket = Socket { feed, session, delivered };
    // It ends with the connection, and when the server goes down.
    drop(actix_web::rt::spawn(socket.run(messages)));
    Ok(answer)
}

/// Browsers do not ask CORS before they open a socket: any page could, from whatever network the browser is in.
fn refuse_foreign(state: &AppState, request: &HttpRequest) -> Result<()> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("\u{fffd}");
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_own = host.is_some() && origin.split_once("://").map(|(_, authority)| authority) == host;
    if is_own || app::may_read(&state.config, origin) {
        return Ok(());
    }
    let shown: String = origin.chars().take(200).collect();
    let detail = format!("the origin `{shown}` may not open a socket here");
    Err(Error::of(codes::NOT_ALLOWED, detail)
        .fix("Operators allow origins with `server.cors_origins`."))
}

/// One open socket.
struct Socket {
    feed: Feed,
    session: Session,
    delivered: Counter,
}

/// Why a socket is closed, in the words of RFC 6455 §7.4.1; none if nobody is there to read it.
type Farewell = Option<(CloseCode, &'static str)>;

const GOING_AWAY: Farewell = Some((CloseCode::Away, "the server is shutting down"));
const REVOKED: Farewell =
    Some((CloseCode::Policy, "the credential is not valid any more, or lost its scope"));
const ONLY_SENDS: Farewell =
    Some((CloseCode::Unsupported, "this socket only sends: publish with POST /api/events"));
const BROKEN: Farewell = Some((CloseCode::Protocol, "that was no frame of a WebSocket"));

impl Socket {
    async fn run(mut self, mut messages: MessageStream) {
        let farewell = self.talk(&mut messages).await;
        if let Some((code, words)) = farewell {
            let reason = CloseReason { code, description: Some(words.to_owned()) };
            drop(timeout(FAREWELL, self.session.close(Some(reason))).await);
        }
    }

    async fn talk(&mut self, messages: &mut MessageStream) -> Farewell {
        let mut heard = Instant::now();
        loop {
            let said = tokio::select! {
                message = messages.next() => match self.answer(message).await {
                    Ok(()) => {
                        heard = Instant::now();
                        continue;
                    }
                    Err(farewell) => return farewell,
                },
                next = self.feed.next() => match next {
                    Next::End(End::ShuttingDown) => return GOING_AWAY,
                    Next::End(End::Revoked) => return REVOKED,
                    Next::Quiet if heard.elapsed() > self.patience() => return None,
                    Next::Quiet => Message::Ping(bytes::Bytes::new()),
                    Next::Item(item) => self.frame(&item),
                },
            };
            if let Err(farewell) = self.send(said).await {
                return farewell;
            }
        }
    }

    /// Silence of this length means that nobody is there.
    fn patience(&self) -> Duration {
        self.feed.keep_alive() * 2
    }

    /// Does what a frame of the client asks for.
    async fn answer(
        &mut self,
        message: Option<Result<Message, ProtocolError>>,
    ) -> Result<(), Farewell> {
        match message {
            Some(Ok(Message::Ping(data))) => self.send(Message::Pong(data)).await,
            Some(Ok(Message::Pong(_) | Message::Nop)) => Ok(()),
            Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_))) => {
                Err(ONLY_SENDS)
            }
            // As the client said it (RFC 6455 §5.5.1).
            Some(Ok(Message::Close(_))) => Err(Some((CloseCode::Normal, ""))),
            Some(Err(ProtocolError::Io(_))) | None => Err(None),
            Some(Err(_)) => Err(BROKEN),
        }
    }

    /// Waits until the client takes more, as long as it does.
    async fn send(&mut self, message: Message) -> Result<(), Farewell> {
        let (stop, patience) = (self.feed.stop().clone(), self.patience());
        let sent = timeout(patience, futures::SinkExt::send(&mut self.session, message));
        match stop.run_until_cancelled(sent).await {
            Some(Ok(Ok(()))) => Ok(()),
            // It is gone, or reads nothing.
            Some(Ok(Err(_)) | Err(_)) => Err(None),
            None => Err(GOING_AWAY),
        }
    }

    fn frame(&self, item: &Item) -> Message {
        let place = self.feed.place();
        let text = match item {
            Item::Event(delivery) => {
                self.delivered.increment(1);
                format!(r#"{{"id":"{place}","event":{}}}"#, delivery.text())
            }
            Item::Reset(reset) => {
                metrics::counter!("mindflight_event_resets_total", "reader" => FACE).increment(1);
                let reset = serde_json::to_string(reset).unwrap_or_default();
                format!(r#"{{"id":"{place}","reset":{reset}}}"#)
            }
        };
        Message::Text(text.into())
    }
}
