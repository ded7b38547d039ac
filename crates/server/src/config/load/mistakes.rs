//! What is wrong with a configuration, all of it.

use std::fmt;

use super::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMistake {
    /// The dotted path; empty where it is about no setting.
    pub path: String,
    /// What is wrong, what is allowed, what to do.
    pub detail: String,
    /// Where the value comes from, if there is one.
    pub origin: Option<Origin>,
}

impl ConfigMistake {
    /// What is wrong and where it comes from, for those who show the path beside it.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.origin {
            Some(Origin::Default) | None => self.detail.clone(),
            Some(origin) => format!("{} ({origin})", self.detail),
        }
    }

    /// A mistake that is about no setting.
    pub(super) fn of(detail: impl Into<String>) -> Self {
        Self { path: String::new(), detail: detail.into(), origin: None }
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.reason()),
            path => write!(f, "`{path}` {}", self.reason()),
        }
    }
}

/// Every mistake of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMistakes(pub Vec<ConfigMistake>);

impl ConfigMistakes {
    pub(super) fn new(mistakes: Vec<ConfigMistake>) -> Self {
        let mut distinct: Vec<ConfigMistake> = Vec::with_capacity(mistakes.len());
        for mistake in mistakes {
            // A value of the wrong type breaks other rules too; the first says why.
            let repeated =
                |other: &&ConfigMistake| !other.path.is_empty() && other.path == mistake.path;
            if !distinct.iter().any(|other| repeated(&other) || *other == mistake) {
                distinct.push(mistake);
            }
        }
        Self(distinct)
    }
}

impl fmt::Display for ConfigMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration is wrong: {one}"),
            all => {
                write!(f, "the configuration has {} mistakes:", all.len())?;
                all.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
            }
        }
    }
}

impl std::error::Error for ConfigMistakes {}
