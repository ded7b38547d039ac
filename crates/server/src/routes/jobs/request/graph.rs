//! Jobs of one body that wait for each other, or for others: by name, or by id.

use std::collections::{BTreeMap, HashMap, HashSet};

use mindflight_api::JobId;
use mindflight_api::job::OnFailure;
use mindflight_calls::nearest;
use mindflight_core::ports::NewJob;
use mindflight_queue::{MOST_PARENTS, circle};
use serde_json::Value;

use super::Mistakes;
use super::members::{LONGEST_NAME, Members, shown};

/// What jobs of one body are called by each other.
pub(super) struct Names {
    by_name: BTreeMap<String, usize>,
    /// The id of each job; none has one if none has a name.
    ids: Vec<JobId>,
    /// Jobs outside this body that one of it waits for, each with its place.
    pub(super) outside: Vec<(String, JobId)>,
}

impl Names {
    pub(super) fn of(
        items: &[Value],
        at: impl Fn(usize) -> String,
        mistakes: &mut Mistakes,
    ) -> Self {
        let mut by_name = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            let Some(value) = item.get("name").filter(|value| !value.is_null()) else {
                continue;
            };
            let mut wrong = |what: String| mistakes.add(format!("{}/name", at(place)), what);
            let is_short = |name: &&str| (1..=LONGEST_NAME).contains(&name.chars().count());
            let Some(name) = value.as_str().filter(is_short) else {
                let got = shown(value);
                wrong(format!(
                    "`name` must be a string of 1 to {LONGEST_NAME} characters; got {got}"
                ));
                continue;
            };
            if name.parse::<JobId>().is_ok() {
                wrong("`name` must not look like an id; call it otherwise".to_owned());
            } else if let Some(other) = by_name.insert(name.to_owned(), place) {
                wrong(format!("`name` is {name:?}, and so is that of the item {other}"));
            }
        }
        let ids = match by_name.is_empty() {
            true => Vec::new(),
            false => items.iter().map(|_| JobId::new()).collect(),
        };
        Self { by_name, ids, outside: Vec::new() }
    }

    /// The id that a job gets.
    pub(super) fn id(&self, place: usize) -> Option<JobId> {
        self.ids.get(place).copied()
    }

    fn named(&self, name: &str) -> Option<JobId> {
        self.id(*self.by_name.get(name)?)
    }

    pub(super) fn refuse_circle(
        &self,
        jobs: &[NewJob],
        at: impl Fn(usize) -> String,
        mistakes: &mut Mistakes,
    ) {
        let with_id = jobs.iter().filter_map(|job| Some((job.options.id?, &*job.options.after)));
        let after: HashMap<JobId, &[JobId]> = with_id.collect();
        let Some(id) = circle(&after) else { return };
        let place = self.ids.iter().position(|one| *one == id).unwrap_or_default();
        let name = self.by_name.iter().find(|(_, of)| **of == place).map(|(name, _)| name.as_str());
        let what = match name {
            Some(name) => format!("{name:?} would wait for itself, by way of `after`"),
            None => "the job would wait for itself, by way of `after`".to_owned(),
        };
        mistakes.add(format!("{}/after", at(place)), what);
    }
}

impl Members<'_> {
    pub(super) fn after(&mut self, names: &mut Names) -> Vec<JobId> {
        let Some(value) = self.get("after") else {
            return Vec::new();
        };
        let Some(items) = value.as_array().filter(|items| items.len() <= MOST_PARENTS).cloned()
        else {
            let what =
                format!("must be an array of at most {MOST_PARENTS} ids or names of this call");
            self.wrong("after", &what);
            return Vec::new();
        };
        let mut parents = Vec::with_capacity(items.len());
        let mut seen = HashSet::new();
        for (place, item) in items.iter().enumerate() {
            let pointer = format!("{}/after/{place}", self.at);
            match parent(item, names) {
                Err((what, allowed)) => self.mistakes.add_with(pointer, what, allowed),
                Ok((id, _)) if !seen.insert(id) => {
                    self.mistakes.add(pointer, format!("`after` names {} twice", shown(item)));
                }
                Ok((id, is_outside)) => {
                    if is_outside {
                        names.outside.push((pointer, id));
                    }
                    parents.push(id);
                }
            }
        }
        for time in ["delay", "run_at"] {
            if !items.is_empty() && self.get(time).is_some() {
                self.wrong(
                    "after",
                    &format!("and `{time}` cannot be given together; leave one out"),
                );
            }
        }
        parents
    }

    pub(super) fn on_failure(&mut self, after: &[JobId]) -> OnFailure {
        let Some(value) = self.get("on_failure") else {
            return OnFailure::default();
        };
        let Ok(what) = serde_json::from_value(value.clone()) else {
            let got = shown(value);
            self.wrong("on_failure", &format!("must be \"cancel\" or \"run\"; got {got}"));
            return OnFailure::default();
        };
        if after.is_empty() && self.get("after").is_none() {
            self.wrong(
                "on_failure",
                "says nothing without `after`; leave it out, or name jobs there",
            );
        }
        what
    }
}

/// The job that an item of `after` names, and whether it is outside this body; or what is wrong with it, and what is
/// near.
fn parent(item: &Value, names: &Names) -> Result<(JobId, bool), (String, Vec<Value>)> {
    let Some(text) = item.as_str() else {
        let got = shown(item);
        return Err((
            format!("`after` must have ids or names of this call; got {got}"),
            Vec::new(),
        ));
    };
    if let Ok(id) = text.parse() {
        return Ok((id, true));
    }
    if let Some(id) = names.named(text) {
        return Ok((id, false));
    }
    let near = nearest(text, names.by_name.keys().map(String::as_str));
    let hint = near.first().map(|near| format!("; did you mean {near:?}?"));
    let text: String = text.chars().take(100).collect();
    let detail = format!(
        "`after`: {text:?} is no id, and no job of this call has that `name`{}",
        hint.unwrap_or_default()
    );
    Err((detail, near.into_iter().map(Value::from).collect()))
}
