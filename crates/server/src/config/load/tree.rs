//! The values as they come together, each with its origin.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ConfigMistake, Origin};

/// One value on its way into the tree.
#[derive(Debug, PartialEq)]
pub(super) struct Setting {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The values, and the origin of each leaf. Lists are leaves: a later layer replaces them as a whole.
#[derive(Debug)]
pub(super) struct Tree {
    values: Value,
    origins: BTreeMap<String, Origin>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { values: Value::Object(Map::new()), origins: BTreeMap::new() }
    }
}

impl Tree {
    pub(super) fn add(&mut self, settings: Vec<Setting>) {
        for Setting { path, value, origin } in settings {
            self.set(&path, value, origin);
        }
    }

    pub(super) fn set(&mut self, path: &[String], value: Value, origin: Origin) {
        let mut place = &mut self.values;
        for (depth, key) in path.iter().enumerate() {
            if !place.is_object() {
                *place = Value::Object(Map::new());
                self.origins.remove(&path[..depth].join("."));
            }
            let Value::Object(section) = place else {
                return;
            };
            place = section.entry(key).or_insert(Value::Null);
        }
        // `server:` with nothing below it takes nothing away.
        let says_nothing = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        if place.is_object() && says_nothing {
            return;
        }
        *place = value;
        let path = path.join(".");
        let below = format!("{path}.");
        self.origins.retain(|other, _| !other.starts_with(&below));
        self.origins.insert(path, origin);
    }

    pub(super) const fn values(&self) -> &Value {
        &self.values
    }

    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.values, |place, key| place.get(key))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// The texts of a list, with their paths.
    pub(super) fn texts(&self, path: &str) -> Vec<(String, &str)> {
        let items = self.get(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let texts = items.iter().enumerate();
        texts.filter_map(|(n, item)| Some((format!("{path}.{n}"), item.as_str()?))).collect()
    }

    /// The leaves whose text has no type yet.
    pub(super) fn untyped(&self) -> Vec<(Vec<String>, Origin)> {
        let untyped = self.origins.iter().filter(|(_, origin)| origin.is_text());
        let split = |path: &String| path.split('.').map(str::to_owned).collect();
        untyped.map(|(path, origin)| (split(path), origin.clone())).collect()
    }

    /// The origin of a value; of a section, that of something in it; of a list's item, that of the list.
    pub(super) fn origin(&self, path: &str) -> Option<Origin> {
        let below = format!("{path}.");
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('.') {
            if self.origins.contains_key(above) {
                break;
            }
            above = parent;
        }
        let inside = || {
            self.origins
                .iter()
                .find(|(other, _)| other.starts_with(&below))
                .map(|(_, origin)| origin)
        };
        self.origins.get(path).or_else(inside).or_else(|| self.origins.get(above)).cloned()
    }

    pub(super) fn mistake(&self, path: &str, detail: impl Into<String>) -> ConfigMistake {
        ConfigMistake { path: path.to_owned(), detail: detail.into(), origin: self.origin(path) }
    }

    pub(super) fn into_parts(self) -> (Value, BTreeMap<String, Origin>) {
        (self.values, self.origins)
    }
}
