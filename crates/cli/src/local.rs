//! The commands that need the server's own crates, as the binary brings them.

use std::path::PathBuf;

use crate::{
    ConfigCommand, DatabaseCommand, Failure, KeyCreate, Output, Place, PostgresCommand,
    ProviderCheck, ServeArgs, UserCreate,
};

/// What a command answers: what it prints, or why it did not do it.
pub type Outcome = Result<Output, Failure>;

/// The commands that need more than HTTP. The binary implements them; the rest of this crate knows no server.
///
/// Each runs to its end on the calling thread. Logs go to stderr; only [`Output`] goes to stdout, except for
/// `listening on …` of `serve` and `dev`, which cannot wait for the end.
pub trait Local {
    /// Where data lies unless `--data-dir` or `MINDFLIGHT_DATA_DIR` say otherwise.
    fn default_data_dir(&self) -> PathBuf;
    /// `serve`: runs a server until it is told to stop.
    fn serve(&self, args: &ServeArgs) -> Outcome;
    /// `dev`: the same with a database of its own and open on loopback.
    fn dev(&self, args: &ServeArgs) -> Outcome;
    /// `migrate`: brings the database to this version's schema.
    fn migrate(&self, place: &Place) -> Outcome;
    /// `config …`.
    fn config(&self, command: &ConfigCommand) -> Outcome;
    /// `key create`: answers [`Output::plain`] with the key alone.
    fn create_key(&self, key: &KeyCreate) -> Outcome;
    /// `user create`: answers [`Output::plain`] with the user's id alone.
    fn create_user(&self, user: &UserCreate, password: &str) -> Outcome;
    /// `postgres …`.
    fn postgres(&self, command: &PostgresCommand) -> Outcome;
    /// `db …`.
    fn database(&self, command: &DatabaseCommand) -> Outcome;
    /// `provider check`: answers a list of findings.
    fn check_providers(&self, check: &ProviderCheck) -> Outcome;
    /// The ids of the providers in this binary; a new one has to have another.
    fn providers(&self) -> Vec<&'static str>;
    /// What `provider check` looks for, sorted by code.
    fn rules(&self) -> Vec<Rule>;
}

/// A rule of `provider check`, as `explain` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `P201`.
    pub code: &'static str,
    /// `error` or `warning`.
    pub level: &'static str,
    /// What is wrong where it is broken.
    pub title: &'static str,
    /// Why that is wrong.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
}
