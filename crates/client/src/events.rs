//! Events: publish, list, show, follow.

mod feed;
mod follow;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use mindflight_api::event::{
    Envelope, EventList, InvalidPlace, NewEvent, Place, Published, PublishedAll,
};

pub use self::follow::{Following, Item};
use crate::transport::{Query, whole_seconds};
use crate::{Client, Paging, Result};

/// Which events; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of any of these types, or patterns such as `mail.*` and `mail.**`.
    pub r#type: Vec<String>,
    /// Published by this source.
    pub source: Option<String>,
    /// Only what comes after.
    pub after: Option<After>,
}

/// Where somebody has been in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// A place: if the log has another history now, that is noticed.
    Place(Place),
    /// A position, whatever the history is.
    Position(u64),
}

/// In which order events are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// Events; see [`Client::events`].
#[derive(Debug, Clone, Copy)]
pub struct Events<'a>(pub(crate) &'a Client);

impl Events<'_> {
    /// Publishes an event. Repeated after a broken connection only if it has an id, since then it is the same event.
    ///
    /// # Errors
    /// If the type or the data cannot be published, the id belongs to another event, or the server refuses or cannot
    /// be asked.
    pub async fn publish(&self, event: &NewEvent) -> Result<Published> {
        self.send(event, event.id.is_some(), None).await
    }

    /// The same, and waits at most `time` until the event has its position, which the answer then tells; rounded up
    /// to seconds.
    ///
    /// # Errors
    /// As [`Events::publish`].
    pub async fn publish_and_wait(&self, event: &NewEvent, time: Duration) -> Result<Published> {
        self.send(event, event.id.is_some(), Some(time)).await
    }

    /// Publishes several events, all or none.
    ///
    /// # Errors
    /// As [`Events::publish`].
    pub async fn publish_all(&self, events: &[NewEvent]) -> Result<PublishedAll> {
        self.send(&events, events.iter().all(|event| event.id.is_some()), None).await
    }

    /// One page of the events that are still there; newest first, but oldest first after a place, unless an order is
    /// given.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(
        &self,
        filter: &Filter,
        order: Option<Order>,
        paging: &Paging,
    ) -> Result<EventList> {
        let mut query = filter.query();
        query.extend(filter.after());
        let name = |order| match order {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        };
        query.extend(order.map(|order| ("order".into(), name(order).to_owned())));
        query.extend(paging.query());
        self.0.json(self.0.get(&["api", "events"])?.query(query)).await
    }

    /// One event: by its id, its position or its place.
    ///
    /// # Errors
    /// If there is no such event any more, or the server refuses or cannot be asked.
    pub async fn get(&self, which: &str) -> Result<Envelope> {
        self.0.json(self.0.get(&["api", "events", which])?).await
    }

    /// Follows the log from now on, or after where the filter says.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked. Once it was opened, a lost connection is no error.
    pub async fn stream(&self, filter: &Filter) -> Result<Following> {
        let mut filter = filter.clone();
        if filter.after.is_none() {
            // Now is a place from here on, so that a connection lost before the first event loses none.
            let one = Paging { limit: Some(1), cursor: None };
            let head = self.list(&Filter::default(), None, &one).await?.head;
            filter.after = Some(After::Place(head));
        }
        Following::start(self.0, filter).await
    }

    async fn send<T: serde::Serialize, R: serde::de::DeserializeOwned>(
        &self,
        body: &T,
        is_repeatable: bool,
        wait: Option<Duration>,
    ) -> Result<R> {
        let mut request = self.0.post(&["api", "events"])?.body(body)?;
        if is_repeatable {
            request = request.repeatable();
        }
        if let Some(time) = wait {
            let seconds = whole_seconds(time);
            let timeout = self.0.settings.timeout.saturating_add(Duration::from_secs(seconds));
            request = request.query(vec![("wait".into(), seconds.to_string())]).timeout(timeout);
        }
        self.0.json(request).await
    }
}

impl Filter {
    /// Everything but the place.
    fn query(&self) -> Query {
        let types = (!self.r#type.is_empty()).then(|| ("type".into(), self.r#type.join(",")));
        let source = self.source.clone().map(|source| ("source".into(), source));
        types.into_iter().chain(source).collect()
    }

    fn after(&self) -> Option<(std::borrow::Cow<'static, str>, String)> {
        Some(("after".into(), self.after.as_ref()?.to_string()))
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Position(position) => position.fmt(f),
        }
    }
}

impl FromStr for After {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> std::result::Result<Self, InvalidPlace> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Position).map_err(|_| InvalidPlace);
        }
        text.parse().map(Self::Place)
    }
}
