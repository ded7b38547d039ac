//! From the body of `POST /api/jobs` to jobs to be made: every mistake at once, each with its place.

mod graph;
mod members;
mod unique;

use std::time::Duration;

use bytes::Bytes;
use mindflight_api::{FieldError, JobId, codes};
use mindflight_calls::nearest;
use mindflight_core::ports::{EnqueueOptions, NewJob};
use mindflight_core::{Error, Result};
use serde_json::{Map, Value};

use self::graph::Names;
use self::members::Members;
pub(in crate::routes) use self::members::span;
use crate::pointer::{self, escape};

/// The most jobs of one request.
const MOST: usize = 1000;

/// The most bytes of a job's arguments, as JSON.
const MOST_ARGS: usize = 256 * 1024;

/// Mistakes named in one answer.
const MOST_MISTAKES: usize = 20;

/// A delay is at most ten years.
const LONGEST_DELAY: Duration = Duration::from_secs(3650 * 24 * 3600);

const KNOWN: [&str; 13] = [
    "kind",
    "args",
    "queue",
    "priority",
    "run_at",
    "delay",
    "unique_key",
    "unique",
    "max_attempts",
    "tags",
    "after",
    "name",
    "on_failure",
];

/// What is known about kinds.
pub(super) trait Kinds {
    /// Refuses a kind that nobody here can run; its first field says what is near.
    fn check_kind(&self, name: &str) -> Result<()>;

    /// Refuses arguments that do not fit the kind, if there is such a kind.
    fn check_args(&self, name: &str, args: &Value) -> Result<()>;
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) jobs: Vec<NewJob>,
    /// One object, not an array.
    pub(super) is_single: bool,
    /// Jobs outside this call that one of it waits for, each with its place in the body.
    pub(super) outside: Vec<(String, JobId)>,
}

/// Reads one job, or an array of them.
pub(super) fn read(bytes: &Bytes, kinds: &dyn Kinds) -> Result<Asked> {
    let body = mindflight_calls::validate::parse(bytes)?;
    pointer::refuse_nul(&body)?;
    let is_single = !body.is_array();
    let items = if let Value::Array(items) = body { items } else { vec![body] };
    if items.is_empty() || items.len() > MOST {
        let detail = format!("an array must have 1 to {MOST} jobs; got {}", items.len());
        let code = if items.is_empty() { codes::INVALID_BODY } else { codes::TOO_LARGE };
        return Err(Error::of(code, detail.clone()).field("", detail, Vec::new()));
    }
    let mut mistakes = Mistakes::default();
    let mut jobs = Vec::with_capacity(items.len());
    let at = |place: usize| if is_single { String::new() } else { format!("/{place}") };
    let mut names = Names::of(&items, at, &mut mistakes);
    for (place, item) in items.into_iter().enumerate() {
        jobs.extend(job(item, (place, &at(place)), kinds, (&mut names, &mut mistakes))?);
    }
    names.refuse_circle(&jobs, at, &mut mistakes);
    mistakes.into_result()?;
    Ok(Asked { jobs, is_single, outside: names.outside })
}

/// Nothing, if it cannot be read; then there is a mistake.
fn job(
    item: Value,
    (place, at): (usize, &str),
    kinds: &dyn Kinds,
    (names, mistakes): (&mut Names, &mut Mistakes),
) -> Result<Option<NewJob>> {
    let Value::Object(mut item) = item else {
        mistakes.add(at, "a job must be a JSON object with a `kind`".to_owned());
        return Ok(None);
    };
    known_members(&item, at)?;
    let args = match item.remove("args") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(args) => args,
    };
    let size = args.to_string().len();
    if size > MOST_ARGS {
        let detail = format!("`args` has {size} bytes; allowed are {MOST_ARGS}");
        let error = Error::of(codes::TOO_LARGE, detail.clone());
        return Err(error.field(format!("{at}/args"), detail, Vec::new()));
    }
    let mut members = Members { item: &item, at, mistakes };
    let options = options(&mut members, place, names);
    let Some(kind) = members.kind() else {
        return Ok(None);
    };
    if let Err(error) = kinds.check_kind(&kind) {
        mistakes.unknown_kind(at, &error);
    } else if let Err(error) = kinds.check_args(&kind, &args) {
        mistakes.wrong_args(at, error)?;
    }
    Ok(Some(NewJob { kind, args, options }))
}

fn options(members: &mut Members<'_>, place: usize, names: &mut Names) -> EnqueueOptions {
    let after = members.after(names);
    EnqueueOptions {
        on_failure: members.on_failure(&after),
        after,
        id: names.id(place),
        unique: members.unique(),
        queue: members.queue(),
        priority: members.number("priority", 0, 9).and_then(|n| u8::try_from(n).ok()),
        max_attempts: members.number("max_attempts", 1, 1000).and_then(|n| u32::try_from(n).ok()),
        run_at: members.run_at(),
        delay: members.delay(),
        unique_key: members.unique_key(),
        tags: members.tags(),
        cause: None,
    }
}

/// A misspelt member that is ignored would make another job than was meant.
fn known_members(item: &Map<String, Value>, at: &str) -> Result<()> {
    let Some(name) = item.keys().find(|name| !KNOWN.contains(&name.as_str())) else {
        return Ok(());
    };
    let near = nearest(name, KNOWN);
    let hint = near.first().map(|near| format!("; did you mean `{near}`?"));
    let hint = hint.unwrap_or_else(|| format!("; there are {}", KNOWN.join(", ")));
    let shown: String = name.chars().take(100).collect();
    let detail = format!("`{shown}` is no member of a job{hint}");
    let pointer = format!("{at}/{}", escape(name));
    let allowed = KNOWN.into_iter().map(Value::from).collect();
    Err(Error::of(codes::INVALID_REQUEST, detail.clone()).field(pointer, detail, allowed))
}

/// What is wrong with a body.
#[derive(Default)]
struct Mistakes {
    all: Vec<FieldError>,
    /// How many of them are about kinds, and about arguments.
    kinds: usize,
    args: usize,
    fix: Option<String>,
}

impl Mistakes {
    fn add(&mut self, pointer: impl Into<String>, detail: String) {
        self.add_with(pointer, detail, Vec::new());
    }

    fn add_with(&mut self, pointer: impl Into<String>, detail: String, allowed: Vec<Value>) {
        self.all.push(FieldError { pointer: pointer.into(), detail, allowed });
    }

    fn unknown_kind(&mut self, at: &str, error: &Error) {
        let allowed = error.fields().first().map(|field| field.allowed.clone());
        self.kinds += 1;
        if let Some(near) = allowed.as_ref().and_then(|near| near.first()).and_then(Value::as_str) {
            self.fix.get_or_insert_with(|| format!("Send the kind `{near}`."));
        }
        self.all.push(FieldError {
            pointer: format!("{at}/kind"),
            detail: error.detail().to_owned(),
            allowed: allowed.unwrap_or_default(),
        });
    }

    fn wrong_args(&mut self, at: &str, error: Error) -> Result<()> {
        if error.name() != codes::INVALID_ARGUMENTS.name {
            return Err(error);
        }
        self.args += error.fields().len();
        self.all.extend(error.fields().iter().map(|field| FieldError {
            pointer: format!("{at}/args{}", field.pointer),
            ..field.clone()
        }));
        Ok(())
    }

    /// The code of what is wrong first of all: without a kind, the rest cannot be judged.
    fn into_result(self) -> Result<()> {
        let Some(first) = self.all.first() else {
            return Ok(());
        };
        let code = match (self.kinds, self.args) {
            (1.., _) => codes::UNKNOWN_KIND,
            (0, args) if args == self.all.len() => codes::INVALID_ARGUMENTS,
            _ => codes::INVALID_BODY,
        };
        let detail = match self.all.len() {
            1 => first.detail.clone(),
            n => format!("{} (and {} more, see `errors`)", first.detail, n - 1),
        };
        let mut error = Error::of(code, detail);
        if let Some(fix) = self.fix {
            error = error.fix(fix);
        } else if self.args == self.all.len() {
            error = error.fix("Correct the fields that `errors` lists.");
        }
        let named = self.all.into_iter().take(MOST_MISTAKES);
        Err(named.fold(error, |error, one| error.field(one.pointer, one.detail, one.allowed)))
    }
}

#[cfg(test)]
mod tests;
