//! The settings, and the limits that follow from them.

use std::path::PathBuf;

use mindflight_core::{Error, Result};

/// The most characters that a result can have for its content: a whole result is at most 1 MiB, and names and escapes need room.
pub(crate) const MOST_CONTENT: usize = 900_000;
const MOST_READ: usize = 768 * 1024;
const MOST_WRITTEN: usize = 256 * 1024;

/// Its settings.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folders that callers may use, as absolute paths; they have to exist. Relative paths of callers begin at the first.
    pub(crate) allowed_dirs: Vec<PathBuf>,
    /// Leaves the tool `write` out.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// The most bytes that one `read` gives, at most 786432.
    #[serde(default = "max_read_bytes")]
    max_read_bytes: usize,
    /// The most bytes that one `write` takes, at most 262144.
    #[serde(default = "max_write_bytes")]
    max_write_bytes: usize,
    /// The most entries of one page of `list`, at most 10000.
    #[serde(default = "max_entries")]
    max_entries: usize,
    /// The most files that one `search` opens.
    #[serde(default = "max_search_files")]
    max_search_files: usize,
}

/// What one call may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) read_bytes: usize,
    pub(crate) write_bytes: usize,
    pub(crate) entries: usize,
    pub(crate) search_files: usize,
}

impl Config {
    /// The limits, if they make sense.
    pub(crate) fn limits(&self) -> Result<Limits> {
        let checks = [
            ("max_read_bytes", self.max_read_bytes, MOST_READ),
            ("max_write_bytes", self.max_write_bytes, MOST_WRITTEN),
            ("max_entries", self.max_entries, 10_000),
            ("max_search_files", self.max_search_files, 1_000_000),
        ];
        let wrong: Vec<String> = checks
            .into_iter()
            .filter(|(_, value, most)| !(1..=*most).contains(value))
            .map(|(name, value, most)| format!("`{name}` must be 1–{most}; it is {value}"))
            .collect();
        if !wrong.is_empty() {
            return Err(Error::failed(wrong.join("; ")));
        }
        Ok(Limits {
            read_bytes: self.max_read_bytes,
            write_bytes: self.max_write_bytes,
            entries: self.max_entries,
            search_files: self.max_search_files,
        })
    }
}

const fn max_read_bytes() -> usize {
    512 * 1024
}

const fn max_write_bytes() -> usize {
    MOST_WRITTEN
}

const fn max_entries() -> usize {
    1000
}

const fn max_search_files() -> usize {
    10_000
}
