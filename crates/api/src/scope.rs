//! Scopes and roles: what a caller may do.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One right. Written `area`, `area:verb` or `tools:call:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Call every tool.
    ToolsCall,
    /// Call one tool, by its wire name.
    ToolsCallOne(String),
    /// Read jobs.
    JobsRead,
    /// Enqueue and manage jobs.
    JobsWrite,
    /// Read events.
    EventsRead,
    /// Publish events.
    EventsWrite,
    /// Manage webhook endpoints.
    Webhooks,
    /// Read and write the caller's memory.
    Memory,
    /// Read and write resources.
    Resources,
    /// Manage API keys.
    Keys,
}

/// Every scope that has no parameter, in the order they are listed to people.
pub const PLAIN: &[(&str, Scope)] = &[
    ("tools:call", Scope::ToolsCall),
    ("jobs:read", Scope::JobsRead),
    ("jobs:write", Scope::JobsWrite),
    ("events:read", Scope::EventsRead),
    ("events:write", Scope::EventsWrite),
    ("webhooks", Scope::Webhooks),
    ("memory", Scope::Memory),
    ("resources", Scope::Resources),
    ("keys", Scope::Keys),
    ("admin", Scope::Admin),
];

impl Scope {
    /// Whether a caller who holds `self` may do what `needed` names.
    #[must_use]
    pub fn covers(&self, needed: &Self) -> bool {
        *self == Self::Admin
            || self == needed
            || matches!((self, needed), (Self::ToolsCall, Self::ToolsCallOne(_)))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::ToolsCallOne(tool) = self {
            return write!(f, "tools:call:{tool}");
        }
        let (name, _) = PLAIN.iter().find(|(_, scope)| scope == self).ok_or(fmt::Error)?;
        f.write_str(name)
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScope(pub String);

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no scope `{}`; there are tools:call:NAME", self.0)?;
        PLAIN.iter().try_for_each(|(name, _)| write!(f, ", {name}"))
    }
}

impl std::error::Error for UnknownScope {}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        if let Some((_, scope)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(scope.clone());
        }
        match text.strip_prefix("tools:call:") {
            Some(tool) if !tool.is_empty() => Ok(Self::ToolsCallOne(tool.to_owned())),
            _ => Err(UnknownScope(text.to_owned())),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).collect();
        schemars::json_schema!({
            "type": "string",
            "description": "One right: one of the examples, or tools:call:NAME for a single tool.",
            "examples": names,
        })
    }
}

/// A set of scopes with a name; users have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads jobs and events.
    Viewer,
    /// Calls tools, runs and manages jobs, events, webhooks, memory and resources.
    Operator,
    /// Everything, also users, keys and providers.
    Admin,
}

impl Role {
    /// What the role may do.
    #[must_use]
    pub fn scopes(self) -> Vec<Scope> {
        match self {
            Self::Viewer => vec![Scope::JobsRead, Scope::EventsRead],
            Self::Operator => PLAIN
                .iter()
                .map(|(_, scope)| scope.clone())
                .filter(|scope| !matches!(scope, Scope::Admin | Scope::Keys))
                .collect(),
            Self::Admin => vec![Scope::Admin],
        }
    }

    /// The role's name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRole(pub String);

impl fmt::Display for UnknownRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no role `{}`; there are viewer, operator, admin", self.0)
    }
}

impl std::error::Error for UnknownRole {}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_what_it_writes() {
        for (name, scope) in PLAIN {
            assert_eq!(scope.to_string(), *name);
            assert_eq!(name.parse::<Scope>().as_ref(), Ok(scope));
        }
        let one: Scope = "tools:call:echo_say".parse().unwrap();
        assert_eq!(one.to_string(), "tools:call:echo_say");
        assert!("tools:call:".parse::<Scope>().is_err());
    }

    #[test]
    fn a_scope_covers_itself_and_what_is_narrower() {
        let one = Scope::ToolsCallOne("echo_say".into());
        assert!(Scope::Admin.covers(&Scope::Keys));
        assert!(Scope::ToolsCall.covers(&one));
        assert!(!one.covers(&Scope::ToolsCall));
        assert!(!one.covers(&Scope::ToolsCallOne("demo_add".into())));
        assert!(!Scope::JobsWrite.covers(&Scope::JobsRead));
    }
}
