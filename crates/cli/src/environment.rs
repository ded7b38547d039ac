//! The environment's part of the command line that no flag shows: secrets, and the customs of terminals.

use std::ffi::OsStr;

use chrono::{DateTime, Utc};

/// What the environment says. Everything else comes from it through the parser's flags.
#[derive(Clone, Default)]
pub struct Environment {
    /// `MINDFLIGHT_KEY`: the API key or token to call with.
    pub key: Option<String>,
    /// `MINDFLIGHT_PASSWORD`: the password of `user create`.
    pub password: Option<String>,
    /// `NO_COLOR` is set: no colours.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, and not to 0: colours also where there is no terminal.
    pub force_color: bool,
    /// The time it is, where a test decides that; the machine's unless given.
    pub now: Option<DateTime<Utc>>,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        Self {
            key: variable("MINDFLIGHT_KEY"),
            password: variable("MINDFLIGHT_PASSWORD"),
            no_color: variable("NO_COLOR").is_some(),
            force_color: variable("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            now: None,
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("no_color", &self.no_color)
            .field("force_color", &self.force_color)
            .finish_non_exhaustive()
    }
}

/// Takes an empty variable as none: that is how compose files and shells write "not set".
pub(crate) fn unset_empty(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None) } else { arg })
        .mut_subcommands(unset_empty)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the cli that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
