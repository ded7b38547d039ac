//! `event`: publish, list, show and follow events.

mod emit;
mod tail;

use mindflight_api::event::{Envelope, Reset, ResetReason};
use serde_json::json;

use crate::access::{value, values};
use crate::connect::Session;
use crate::job::time;
use crate::parser::event::{EventCommand, EventList};
use crate::{Column, Failure, Outcome, Output, Streams};

pub(crate) fn run(
    command: &EventCommand,
    session: impl Fn() -> Result<Session, Failure>,
    streams: &mut Streams<'_>,
) -> Outcome {
    match command {
        EventCommand::Emit(asked) => emit::run(asked, session, streams),
        EventCommand::List(asked) => listed(asked, &session()?),
        EventCommand::Show { which } => {
            let session = session()?;
            let event = session.wait(session.client.events().get(which))?;
            Ok(Output::text(lines(&event), value(&event)?))
        }
        EventCommand::Tail(asked) => tail::run(asked, &session()?, streams),
    }
}

fn listed(asked: &EventList, session: &Session) -> Outcome {
    let filter = asked.which.filter();
    let paging = asked.pages.paging();
    let list = session.wait(session.client.events().list(&filter, None, &paging))?;
    let output = Output::list(columns(), values(&list.items)?, list.next)
        .member("head", json!(list.head.to_string()));
    Ok(match &list.reset {
        Some(reset) => output.member("reset", json!(reset)).note(missed(reset)),
        None => output,
    })
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("POSITION", "sequence"),
        Column::time("TIME", "time"),
        Column::new("TYPE", "type"),
        Column::new("SOURCE", "source"),
        Column::new("KEY", "key"),
        Column::new("ID", "id"),
        Column::sentence("DATA", "data"),
    ]
}

fn lines(event: &Envelope) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  from {}", event.sequence, event.r#type, event.source),
        format!("id {}", event.id),
        format!("published {}", time(event.time)),
    ];
    lines.extend(event.key.as_ref().map(|key| format!("key {key}")));
    let chain = event.correlationid.as_ref();
    lines.extend(chain.map(|chain| format!("chain {chain}, depth {}", event.depth)));
    lines.extend(event.traceparent.as_ref().map(|trace| format!("trace {trace}")));
    lines.push(format!("data {:#}", event.data));
    lines
}

/// A reset in words.
fn missed(reset: &Reset) -> String {
    match reset.reason {
        ResetReason::Retention => format!(
            "events were missed: those up to {} are no longer kept; it goes on with the oldest",
            reset.oldest
        ),
        ResetReason::Epoch => format!(
            "events may have been missed: the log has another history now, as after a restore; \
             it goes on after {}",
            reset.head
        ),
    }
}
