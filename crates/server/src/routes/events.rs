//! Events: publish them, find them, follow them.

mod feed;
mod list;
mod publish;
mod selection;
mod socket;
mod stream;

use actix_web::http::Method;
use mindflight_api::Scope;
use mindflight_api::event::{Envelope, EventList, NewEvent, Published};

use crate::operation::Operation;

const TYPE: (&str, &str) = (
    "type",
    "only these types, separated by commas: `mail.received`, `mail.*` for one more word, `mail.**` for any number of words",
);

const SOURCE: (&str, &str) =
    ("source", "only events of this source: a provider's name, `api` or `mindflight`");

/// What the faces that follow the log take.
const FOLLOW: &[(&str, &str)] = &[
    TYPE,
    SOURCE,
    (
        "after",
        "begin after this event: the `id` of a stream, or a position; without it with what comes next",
    ),
];

const LIST: &[(&str, &str)] = &[
    TYPE,
    SOURCE,
    ("after", "only what comes after this event: the `id` of a stream, or a position"),
    (
        "order",
        "`asc` is oldest first, `desc` newest first; with `after` it is asc unless given, else desc",
    ),
    ("limit", "events a page, 1 to 500"),
    ("cursor", "the `next` of the page before"),
];

pub(super) fn operations() -> Vec<Operation> {
    // Literal paths come before the one with an id in it.
    vec![
        Operation::new(
            Method::POST,
            "/api/events",
            "publishEvents",
            "Publish an event, or several",
            publish::publish,
        )
        .scope(Scope::EventsWrite)
        .query(&[("wait", "seconds to wait for its position, 1 to 60")])
        .takes::<NewEvent>()
        .gives::<Published>()
        .status(202),
        Operation::new(Method::GET, "/api/events", "listEvents", "Find events", list::list)
            .scope(Scope::EventsRead)
            .query(LIST)
            .gives::<EventList>()
            .uncounted(),
        Operation::new(
            Method::GET,
            "/api/events/stream",
            "streamEvents",
            "Follow events, as server-sent events",
            stream::stream,
        )
        .scope(Scope::EventsRead)
        .query(FOLLOW)
        .uncounted(),
        Operation::new(
            Method::GET,
            "/api/events/ws",
            "socketEvents",
            "Follow events, over a WebSocket",
            socket::socket,
        )
        .scope(Scope::EventsRead)
        .query(FOLLOW)
        .uncounted(),
        Operation::new(
            Method::GET,
            "/api/events/{id}",
            "getEvent",
            "Read an event, by its id or its position",
            list::get,
        )
        .scope(Scope::EventsRead)
        .gives::<Envelope>()
        .uncounted(),
    ]
}
