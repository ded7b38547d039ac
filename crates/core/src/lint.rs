//! What can be found wrong with a provider before anybody calls it: coded rules on names, texts, schemas and options.

mod names;
mod robustness;
mod rules;
mod safety;
mod schemas;
mod size;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use serde_json::Value;

pub use self::rules::RULES;
use crate::mounted::{Mounted, Surface};

/// How bad it is to break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work, or does harm.
    Error,
    /// It works, and would work better otherwise.
    Warning,
}

impl Level {
    /// `error` or `warning`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One rule. Its code never changes and is never used again for another.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// `P201`: `P1` names and texts, `P2` schemas, `P3` safety, `P4` size, `P5` robustness.
    pub code: &'static str,
    /// How bad it is to break it.
    pub level: Level,
    /// What is wrong where it is broken.
    pub title: &'static str,
    /// Why that is wrong.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// Where: `tool weather_now, argument city`.
    pub at: String,
    /// What is there, and what may be there.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, at, detail } = self;
        write!(f, "{} {at}: {detail}. {}", rule.code, rule.fix)
    }
}

/// Every broken rule of what the provider brings now: by rule, then in the order of its declarations.
#[must_use]
pub fn check(mounted: &Mounted) -> Vec<Finding> {
    let subject = Subject {
        name: mounted.context().name(),
        surface: mounted.surface(),
        settings: mounted.config_schema(),
    };
    let mut found = Findings::default();
    for group in [names::check, schemas::check, safety::check, size::check, robustness::check] {
        group(&subject, &mut found);
    }
    // Stable: within a rule the declarations keep their order.
    found.0.sort_by_key(|finding| finding.rule.code);
    found.0
}

/// What the rules look at.
struct Subject<'a> {
    name: &'a str,
    surface: Surface,
    settings: Value,
}

impl Subject<'_> {
    /// A tool's place in a finding: its name on the wire.
    fn tool(&self, name: &str) -> String {
        format!("tool {}_{name}", self.name)
    }

    /// A kind's place in a finding.
    fn kind(&self, name: &str) -> String {
        format!("job {}.{name}", self.name)
    }
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: &'static Rule, at: impl Into<String>, detail: impl Into<String>) {
        let (at, detail) = (at.into(), detail.into());
        self.0.push(Finding { rule, at, detail });
    }
}

/// The members of an object below `key`, such as the properties of a schema.
fn members<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten()
}
