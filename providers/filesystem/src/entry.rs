//! What answers say about one file or folder.

use std::path::Path;

use cap_std::fs::{FileType, Metadata, MetadataExt as _};
use chrono::DateTime;

use crate::Filesystem;

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// One file or folder.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Entry {
    /// Its path; can be sent again.
    pub(crate) path: String,
    /// Its name is no UTF-8: `path` has `�` in its place, and cannot be sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unusable_name: bool,
    /// What it is; a link is a symbolic link, other a device, pipe or socket.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Bytes, of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// When its content changed last (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
}

impl Kind {
    pub(crate) fn of(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::Link
        } else {
            Self::Other
        }
    }
}

impl Filesystem {
    pub(crate) fn entry(&self, root: usize, path: &Path, kind: Kind) -> Entry {
        let shown = self.roots.shown(root, path);
        let metadata = self.roots.get(root).dir().symlink_metadata(shown_or_dot(path)).ok();
        Entry {
            unusable_name: shown.to_str().is_none(),
            path: shown.to_string_lossy().into_owned(),
            kind,
            size: metadata.as_ref().filter(|_| kind == Kind::File).map(Metadata::len),
            modified: metadata.as_ref().and_then(modified),
        }
    }

    /// A path as callers read it.
    pub(crate) fn shown(&self, root: usize, path: &Path) -> String {
        self.roots.shown(root, path).to_string_lossy().into_owned()
    }
}

fn shown_or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// When the content changed last.
pub(crate) fn modified(metadata: &Metadata) -> Option<String> {
    let nanos = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
    let time = DateTime::from_timestamp(metadata.mtime(), nanos)?;
    Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// Differs whenever the file was written or replaced.
pub(crate) fn etag(metadata: &Metadata) -> String {
    let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
    format!("{:x}-{seconds:x}.{nanos:x}-{:x}", metadata.ino(), metadata.len())
}
