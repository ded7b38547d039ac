//! `event emit`: publishing an event.

use std::time::Duration;

use mindflight_api::event::NewEvent;
use serde_json::Value;

use crate::access::value;
use crate::connect::Session;
use crate::output::span;
use crate::parser::event::EventEmit;
use crate::tool::arguments::value_of;
use crate::{Exit, Failure, Outcome, Output, Streams, codes};

/// A position comes at once, unless the database is busy.
const WAIT: Duration = Duration::from_secs(10);

pub(super) fn run(
    asked: &EventEmit,
    session: impl Fn() -> Result<Session, Failure>,
    streams: &mut Streams<'_>,
) -> Outcome {
    let event = NewEvent {
        r#type: asked.r#type.clone(),
        data: data(asked.data.as_deref(), streams)?,
        key: asked.key.clone(),
        id: asked.id.clone(),
    };
    let session = session()?;
    let events = session.client.events();
    let Some(time) = asked.wait.map(|time| time.unwrap_or(WAIT)) else {
        let published = session.wait(events.publish(&event))?;
        let note = format!("published; show it with `mindflight event show {}`", published.id);
        return Ok(Output::plain(published.id.clone(), value(&published)?).note(note));
    };
    let published = session.wait(events.publish_and_wait(&event, time))?;
    let id = &published.id;
    if let Some(position) = published.position {
        let note = format!("published; it has position {position}");
        return Ok(Output::plain(id.clone(), value(&published)?).note(note));
    }
    let waited = span(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let detail = format!("{id} is published, but has no position after {waited}");
    Err(Failure::new(Exit::TimedOut, &codes::TIMED_OUT, detail)
        .fix(format!("It will have one; look with `mindflight event show {id}`.")))
}

fn data(text: Option<&str>, streams: &mut Streams<'_>) -> Result<Value, Failure> {
    let Some(text) = text else { return Ok(Value::Null) };
    let (data, _) = value_of("DATA", text, "the argument", streams).map_err(|failure| {
        failure.fix("Write JSON, with text in double quotes; @FILE reads a file, - standard input.")
    })?;
    Ok(data)
}
