//! The server's own log file, and the end of it for error messages.

use crate::account::Account;
use crate::{Error, folder};
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A log that has grown beyond this is put aside at the next start.
const FULL: u64 = 10 * 1024 * 1024;
const SHOWN_LINES: usize = 8;

/// The log of one start.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    /// Where this start's lines begin: older ones would mislead.
    start: u64,
}

impl Log {
    /// Opens the file for appending, and gives it to the account.
    pub(crate) fn open(dir: &Path, account: Option<&Account>) -> Result<(Self, File), Error> {
        let path = dir.join("log");
        if fs::symlink_metadata(&path).is_ok_and(|meta| meta.len() > FULL) {
            let old = dir.join("log.old");
            fs::rename(&path, &old).map_err(Error::file("rename", &path))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(Error::file("open", &path))?;
        if let Some(account) = account {
            folder::give(&path, account)?;
        }
        let start = file.metadata().map_err(Error::file("read", &path))?.len();
        Ok((Self { path, start }, file))
    }

    /// The last lines of this start.
    pub(crate) fn tail(&self) -> String {
        let text = self.read().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }

    fn read(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
