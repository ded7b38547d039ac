//! From the body of `POST /api/events` to events to be published: every mistake at once, each with its place.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use mindflight_api::event::{HTTP, PublishedAll};
use mindflight_api::{FieldError, codes};
use mindflight_calls::nearest;
use mindflight_core::ports::NewEvent;
use mindflight_core::{Error, Result};
use serde_json::{Map, Value};

use crate::body::Json;
use crate::pointer::{escape, refuse_nul};
use crate::refusal::Answer;
use crate::request::Query;
use crate::state::AppState;

/// The most events of one request.
const MOST: usize = 1000;

/// Mistakes named in one answer.
const MOST_MISTAKES: usize = 20;

/// The longest that a request waits for positions, in seconds.
const LONGEST_WAIT: u64 = 60;

const KNOWN: [&str; 5] = ["type", "data", "payload", "key", "id"];

pub(super) async fn publish(state: web::Data<AppState>, query: Query, body: Json) -> Answer {
    let wait = wait(&query)?;
    let asked = read(&body.0)?;
    let log = state.log.clone();
    let mut items = state.tasks.run(async move { log.publish(asked.events, wait).await }).await?;
    if !asked.is_single {
        return Ok(HttpResponse::Accepted().json(PublishedAll { items }));
    }
    let one = items.pop().ok_or_else(|| Error::internal("an event without an answer"))?;
    Ok(HttpResponse::Accepted().json(one))
}

fn wait(query: &Query) -> Result<Option<Duration>> {
    let allowed = format!("a number of seconds from 1 to {LONGEST_WAIT}");
    match query.read::<u64>("wait", &allowed)? {
        None => Ok(None),
        Some(seconds @ 1..=LONGEST_WAIT) => Ok(Some(Duration::from_secs(seconds))),
        Some(other) => {
            let detail = format!("`wait` must be {allowed}; got {other}");
            Err(Error::of(codes::INVALID_QUERY, detail))
        }
    }
}

/// What was asked for.
#[derive(Debug, PartialEq)]
struct Asked {
    events: Vec<NewEvent>,
    /// One object, not an array.
    is_single: bool,
}

/// Reads one event, or an array of them.
fn read(bytes: &Bytes) -> Result<Asked> {
    let body = mindflight_calls::validate::parse(bytes)?;
    refuse_nul(&body)?;
    let is_single = !body.is_array();
    let items = if let Value::Array(items) = body { items } else { vec![body] };
    if items.is_empty() || items.len() > MOST {
        let detail = format!("an array must have 1 to {MOST} events; got {}", items.len());
        let code = if items.is_empty() { codes::INVALID_BODY } else { codes::TOO_LARGE };
        return Err(Error::of(code, detail.clone()).field("", detail, Vec::new()));
    }
    let mut mistakes = Mistakes::default();
    let mut events = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let at = if is_single { String::new() } else { format!("/{place}") };
        events.extend(event(item, &at, &mut mistakes)?);
    }
    mistakes.into_result()?;
    Ok(Asked { events, is_single })
}

/// Nothing, if it cannot be read; then there is a mistake.
fn event(item: Value, at: &str, mistakes: &mut Mistakes) -> Result<Option<NewEvent>> {
    let Value::Object(mut item) = item else {
        mistakes.add(at.to_owned(), "an event must be a JSON object with a `type`".to_owned());
        return Ok(None);
    };
    mistakes.unknown_members(&item, at);
    if item.contains_key("data") && item.contains_key("payload") {
        let detail = "`data` and `payload` are two names of one member; leave one out";
        mistakes.add(format!("{at}/payload"), detail.to_owned());
    }
    let data = item.remove("data").or_else(|| item.remove("payload")).unwrap_or_default();
    let r#type = mistakes.text(&item, at, "type");
    if !item.contains_key("type") {
        mistakes.add(format!("{at}/type"), "`type` is missing".to_owned());
    }
    let (key, id) = (mistakes.text(&item, at, "key"), mistakes.text(&item, at, "id"));
    // Whoever left the type out hears of the rest, too.
    let is_typed = r#type.is_some();
    let r#type = r#type.unwrap_or_else(|| "x".to_owned());
    let event = NewEvent { r#type, source: HTTP.to_owned(), data, key, id, cause: None };
    let is_sound = check(&event, at, mistakes)?;
    Ok((is_typed && is_sound).then_some(event))
}

/// The log's own rules. They name one mistake at a time: what was named is set right, and the rest looked at.
fn check(event: &NewEvent, at: &str, mistakes: &mut Mistakes) -> Result<bool> {
    if event.check().is_ok() {
        return Ok(true);
    }
    let mut rest = event.clone();
    while let Err(error) = rest.check() {
        let field = error.fields().first().cloned();
        match field.as_ref().map(|field| field.pointer.as_str()) {
            Some("/type") => "x".clone_into(&mut rest.r#type),
            Some("/key") => rest.key = None,
            Some("/id") => rest.id = None,
            _ => {
                let detail = error.detail().to_owned();
                return Err(error.field(format!("{at}/data"), detail, Vec::new()));
            }
        }
        let pointer = field.map(|field| field.pointer).unwrap_or_default();
        mistakes.add(format!("{at}{pointer}"), error.detail().to_owned());
    }
    Ok(false)
}

/// What is wrong with a body.
#[derive(Default)]
struct Mistakes {
    all: Vec<FieldError>,
    /// Whether a member is among them that an event does not have.
    has_unknown: bool,
}

impl Mistakes {
    fn add(&mut self, pointer: String, detail: String) {
        self.all.push(FieldError { pointer, detail, allowed: Vec::new() });
    }

    /// A misspelt member that is ignored would make another event than was meant.
    fn unknown_members(&mut self, item: &Map<String, Value>, at: &str) {
        for name in item.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            let near = nearest(name, KNOWN);
            let hint = near.first().map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| format!("; there are {}", KNOWN.join(", ")));
            let shown: String = name.chars().take(100).collect();
            self.has_unknown = true;
            self.all.push(FieldError {
                pointer: format!("{at}/{}", escape(name)),
                detail: format!("`{shown}` is no member of an event{hint}"),
                allowed: KNOWN.into_iter().map(Value::from).collect(),
            });
        }
    }

    /// A member that has to be a text, if it is there.
    fn text(&mut self, item: &Map<String, Value>, at: &str, name: &str) -> Option<String> {
        match item.get(name) {
            Some(Value::String(text)) => return Some(text.clone()),
            None => {}
            Some(Value::Null) if name != "type" => {}
            Some(other) => {
                let got = match other {
                    Value::Array(_) => "an array".to_owned(),
                    Value::Object(_) => "an object".to_owned(),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                        other.to_string()
                    }
                };
                self.add(format!("{at}/{name}"), format!("`{name}` must be a string; got {got}"));
            }
        }
        None
    }

    fn into_result(self) -> Result<()> {
        let Some(first) = self.all.first() else { return Ok(()) };
        let code = if self.has_unknown { codes::INVALID_REQUEST } else { codes::INVALID_BODY };
        let detail = match self.all.len() {
            1 => first.detail.clone(),
            n => format!("{} (and {} more, see `errors`)", first.detail, n - 1),
        };
        let error = Error::of(code, detail);
        let named = self.all.into_iter().take(MOST_MISTAKES);
        Err(named.fold(error, |error, one| error.field(one.pointer, one.detail, one.allowed)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Result<Asked> {
        read(&Bytes::from(body.to_string()))
    }

    fn refused(body: &Value) -> (u16, Vec<(String, String)>) {
        let error = of(body).unwrap_err();
        let fields = error.fields().iter();
        (error.status(), fields.map(|one| (one.pointer.clone(), one.detail.clone())).collect())
    }

    #[test]
    fn data_has_two_names_and_may_be_left_out() {
        let asked =
            of(&json!([{"type": "a.b", "data": [1]}, {"type": "a", "payload": {}, "key": "k", "id": "i"}, {"type": "c", "key": null}]))
                .unwrap();
        assert!(!asked.is_single);
        let data: Vec<&Value> = asked.events.iter().map(|event| &event.data).collect();
        assert_eq!(data, [&json!([1]), &json!({}), &Value::Null]);
        assert_eq!(asked.events[1].id.as_deref(), Some("i"));
        assert!(asked.events.iter().all(|event| event.source == "api"));
        assert!(of(&json!({"type": "a"})).unwrap().is_single);
    }

    #[test]
    fn every_wrong_member_of_every_event_is_named_at_once() {
        let (status, errors) = refused(&json!([
            {"type": "A", "id": "", "key": "x".repeat(129)},
            {"data": 1, "payload": 1},
            7,
            {"type": "mindflight.job.failed"},
            {"type": null, "key": 7, "id": []},
        ]));
        assert_eq!(status, 422);
        let places: Vec<&str> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            places,
            [
                "/0/type",
                "/0/id",
                "/0/key",
                "/1/payload",
                "/1/type",
                "/2",
                "/3/type",
                "/4/type",
                "/4/key",
                "/4/id"
            ]
        );
        assert!(errors[6].1.contains("the server's own"), "{errors:?}");
    }

    #[test]
    fn unknown_members_name_what_is_near() {
        let (status, errors) = refused(&json!({"tpye": "a", "data": 1}));
        assert_eq!((status, errors[0].0.as_str()), (400, "/tpye"));
        assert!(errors[0].1.contains("did you mean `type`?"), "{errors:?}");
        assert_eq!(errors[1], ("/type".to_owned(), "`type` is missing".to_owned()));
    }

    #[test]
    fn too_much_is_refused_with_its_place() {
        let (status, errors) = refused(&json!([{"type": "a", "data": "x".repeat(256 * 1024)}]));
        assert_eq!((status, errors[0].0.as_str()), (413, "/0/data"));
        let (status, errors) = refused(&json!({"type": "a", "data": {"b": "\0"}}));
        assert_eq!((status, errors[0].0.as_str()), (400, "/data/b"));
        assert_eq!(refused(&json!([])).0, 422);
        assert_eq!(refused(&json!(vec![json!({"type": "a"}); 1001])).0, 413);
    }

    #[test]
    fn a_wait_has_its_bounds() {
        assert_eq!(wait(&Query::parse("")).unwrap(), None);
        assert_eq!(wait(&Query::parse("wait=1")).unwrap(), Some(Duration::from_secs(1)));
        for text in ["wait=0", "wait=61", "wait=true", "wait="] {
            assert_eq!(wait(&Query::parse(text)).unwrap_err().name(), "invalid_query", "{text}");
        }
    }
}
