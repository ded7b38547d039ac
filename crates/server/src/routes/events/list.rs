//! Events that are there: pages of the log, and one event.

use actix_web::{HttpResponse, web};
use mindflight_api::codes;
use mindflight_api::event::{Envelope, EventList, Place};
use mindflight_core::{Error, Result};
use mindflight_events::{Filter, Log, Start};

use super::selection::{self, invalid};
use crate::refusal::Answer;
use crate::request::Query;
use crate::state::AppState;

/// In which direction a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Asc,
    Desc,
}

impl Order {
    const fn name(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// What was asked for.
#[derive(Debug)]
struct Asked {
    filter: Filter,
    order: Order,
    after: Option<Start>,
    /// Where the page before ended.
    cursor: Option<Place>,
    limit: usize,
}

pub(super) async fn list(state: web::Data<AppState>, query: Query) -> Answer {
    let (asked, log) = (read(&query)?, state.log.clone());
    let work = async move {
        match asked.order {
            Order::Asc => ascending(&log, asked).await,
            Order::Desc => descending(&log, asked).await,
        }
    };
    Ok(HttpResponse::Ok().json(state.tasks.run(work).await?))
}

fn read(query: &Query) -> Result<Asked> {
    selection::once(query)?;
    let (filter, after) = (selection::filter(query)?, selection::after(query)?);
    let order = match query.get("order") {
        None => None,
        Some("asc") => Some(Order::Asc),
        Some("desc") => Some(Order::Desc),
        Some(other) => {
            let other: String = other.chars().take(100).collect();
            return Err(invalid(format!("`order` must be asc or desc; got {other:?}")));
        }
    };
    let usual = if after.is_some() { Order::Asc } else { Order::Desc };
    let cursor = query.get("cursor").map(cursor).transpose()?;
    let order = match (order, &cursor) {
        (Some(order), Some((theirs, _))) if order != *theirs => {
            let what = "`cursor` is of a list in the other order";
            return Err(Error::of(codes::INVALID_CURSOR, what));
        }
        (_, Some((theirs, _))) => *theirs,
        (order, None) => order.unwrap_or(usual),
    };
    let limit = usize::try_from(query.page_limit()?).unwrap_or(usize::MAX);
    Ok(Asked { filter, order, after, cursor: cursor.map(|(_, place)| place), limit })
}

fn cursor(text: &str) -> Result<(Order, Place)> {
    let wrong = || Error::of(codes::INVALID_CURSOR, "`cursor` is not one this list gave");
    let (order, place) = text.split_once('.').ok_or_else(wrong)?;
    let order = [Order::Asc, Order::Desc].into_iter().find(|one| one.name() == order);
    Ok((order.ok_or_else(wrong)?, place.parse().map_err(|_| wrong())?))
}

fn next(order: Order, place: &Place) -> String {
    format!("{}.{place}", order.name())
}

async fn ascending(log: &Log, asked: Asked) -> Result<EventList> {
    let begin = asked.after.unwrap_or(Start::Oldest);
    let start = asked.cursor.map_or(begin, Start::After);
    let listing = log.onward(&asked.filter, start, asked.limit).await?;
    let next = listing.has_more.then(|| next(Order::Asc, &listing.place));
    Ok(EventList { items: listing.items, next, head: log.head().await?, reset: listing.reset })
}

async fn descending(log: &Log, asked: Asked) -> Result<EventList> {
    let head = log.head().await?;
    let same = |place: &Place| place.epoch == head.epoch;
    if asked.cursor.as_ref().is_some_and(|place| !same(place)) {
        let what = "`cursor` is of another history: the event log began anew";
        return Err(Error::of(codes::INVALID_CURSOR, what));
    }
    let floor = match &asked.after {
        Some(Start::Position(position)) => *position,
        // Nothing of another history comes after it in this one: all of this one is new.
        Some(Start::After(place)) if same(place) => place.position,
        _ => 0,
    };
    let below = asked.cursor.map(|place| place.position);
    let (mut items, below) = log.newest(&asked.filter, below, asked.limit).await?;
    items.retain(|event| event.sequence > floor);
    let below = below.filter(|below| *below > floor + 1);
    let next =
        below.map(|position| next(Order::Desc, &Place { epoch: head.epoch.clone(), position }));
    Ok(EventList { items, next, head, reset: None })
}

pub(super) async fn get(state: web::Data<AppState>, id: web::Path<String>) -> Answer {
    let (id, log) = (id.into_inner(), state.log.clone());
    let found = state.tasks.run(async move { find(&log, id).await }).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// The publisher's id goes before a position that looks like it.
async fn find(log: &Log, id: String) -> Result<Envelope> {
    if let Some(found) = log.of_id(&id).await? {
        return Ok(found);
    }
    let is_number = id.bytes().all(|c| c.is_ascii_digit());
    let position = match id.parse::<Place>() {
        Ok(place) => (place.epoch == log.head().await?.epoch).then_some(place.position),
        Err(_) => id.parse::<u64>().ok().filter(|_| is_number),
    };
    // What the log counts with.
    let position = position.filter(|position| i64::try_from(*position).is_ok());
    let found = match position {
        Some(position) => log.at(position).await?,
        None => None,
    };
    found.ok_or_else(|| {
        let shown: String = id.chars().take(150).collect();
        let detail = format!("no event has the id or the position `{shown}`, or it is older than `events.retention`");
        Error::not_found(detail)
            .fix("Find events with `GET /api/events`. The end of a job is found by its position, or as the job's state.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_follows_from_what_is_asked_for() {
        let order = |text| read(&Query::parse(text)).map(|asked| asked.order);
        assert_eq!(order("").unwrap(), Order::Desc);
        assert_eq!(order("after=3").unwrap(), Order::Asc);
        assert_eq!(order("after=3&order=desc").unwrap(), Order::Desc);
        assert_eq!(order("order=asc").unwrap(), Order::Asc);
        assert_eq!(order("cursor=asc.a-4").unwrap(), Order::Asc);
        assert_eq!(order("cursor=asc.a-4&order=desc").unwrap_err().name(), "invalid_cursor");
        assert_eq!(order("order=up").unwrap_err().name(), "invalid_query");
        for wrong in ["cursor=", "cursor=4", "cursor=up.a-4", "cursor=asc.4", "cursor=desc.a-x"] {
            assert_eq!(order(wrong).unwrap_err().name(), "invalid_cursor", "{wrong}");
        }
        let place = Place { epoch: "a".to_owned(), position: 4 };
        assert_eq!(cursor(&next(Order::Desc, &place)).unwrap(), (Order::Desc, place));
    }
}
