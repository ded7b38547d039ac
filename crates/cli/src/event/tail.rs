//! `event tail`: events as they are published.

use mindflight_api::event::{Envelope, Place};
use mindflight_client::Error;
use mindflight_client::events::{Filter, Item};
use serde_json::json;

use super::missed;
use crate::access::value;
use crate::connect::{Ended, Session};
use crate::job::time;
use crate::output::{hint_now, print_now};
use crate::parser::Form;
use crate::parser::event::EventTail;
use crate::{Exit, Failure, Outcome, Output, Streams, codes};

pub(super) fn run(asked: &EventTail, session: &Session, streams: &mut Streams<'_>) -> Outcome {
    let mut reader = Reader { session, left: asked.count, place: None };
    let ended = session.patiently(session.timeout, reader.run(&asked.which.filter(), streams));
    let again = || match &reader.place {
        Some(place) => {
            format!("Go on where it ended with `mindflight event tail --after {place}`.")
        }
        None => "No event has come; follow them again with `mindflight event tail`.".to_owned(),
    };
    match ended {
        Ended::Done(Err(error)) => Err(session.failure(error)),
        Ended::Done(Ok(())) => {
            if session.form == Form::Jsonl {
                let next = reader.place.as_ref().map(Place::to_string);
                let end = json!({"type": "end", "reason": "complete", "next": next});
                print_now(&end.to_string(), streams);
            }
            Ok(Output::nothing())
        }
        Ended::OutOfTime => {
            let detail = "the given time is over";
            Err(Failure::new(Exit::TimedOut, &codes::TIMED_OUT, detail).fix(again()))
        }
        Ended::Interrupted => {
            let detail = "events are no longer followed";
            Err(Failure::new(Exit::Interrupted, &codes::INTERRUPTED, detail).fix(again()))
        }
    }
}

struct Reader<'a> {
    session: &'a Session,
    /// Events that are still wanted; any number if none.
    left: Option<u64>,
    /// The newest that was printed.
    place: Option<Place>,
}

impl Reader<'_> {
    async fn run(&mut self, filter: &Filter, streams: &mut Streams<'_>) -> Result<(), Error> {
        let mut events = self.session.client.events().stream(filter).await?;
        while self.left != Some(0) {
            match events.next().await? {
                Item::Event(place, event) => {
                    if !print_now(&self.line(&place, &event), streams) {
                        return Ok(());
                    }
                    self.place = Some(place);
                    self.left = self.left.map(|left| left - 1);
                }
                // Whoever reads JSON has to know that, too.
                Item::Reset(reset) => hint_now(&missed(&reset), streams),
                Item::Lost(_) if self.session.for_people() => {
                    hint_now("the server does not answer; trying again", streams);
                }
                Item::Lost(_) => {}
            }
        }
        Ok(())
    }

    fn line(&self, place: &Place, event: &Envelope) -> String {
        match self.session.form {
            // Events have no end, so there is no one document: each is a line of its own.
            Form::Json | Form::Jsonl => {
                value(event).map(|value| value.to_string()).unwrap_or_default()
            }
            Form::Name => place.to_string(),
            Form::Table => {
                let key = event.key.as_ref().map(|key| format!("  [{key}]")).unwrap_or_default();
                let (at, position) = (time(event.time), event.sequence);
                format!("{at}  {position}  {}  {}{key}  {}", event.r#type, event.source, event.data)
            }
        }
    }
}
