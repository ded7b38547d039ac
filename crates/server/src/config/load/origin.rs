//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// As it was given.
        path: PathBuf,
        /// The line of the value, from 1.
        line: u64,
    },
    /// This environment variable.
    Environment(String),
    /// The command line, by dotted path.
    Flag(String),
}

impl Origin {
    /// Whether it gives text that has no type yet.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::Flag(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(path) => match path.as_str() {
                "server.listen" => f.write_str("--listen"),
                "server.data_dir" => f.write_str("--data-dir"),
                path => write!(f, "--set {path}"),
            },
        }
    }
}
