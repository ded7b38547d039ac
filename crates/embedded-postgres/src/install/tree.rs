//! The folder in which an archive is unpacked, and from which it is moved only after it has been proved to run.

use super::{InstallOptions, Source};
use crate::find::{self, Installation};
use crate::{Error, Options, folder};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder of this run's own inside the download folder; gone when dropped.
pub(super) struct Workshop<'a> {
    pub(super) dir: PathBuf,
    to: &'a InstallOptions,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(to: &'a InstallOptions) -> Result<Self, Error> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let downloads = std::path::absolute(&to.find.download_dir)
            .map_err(Error::file("resolve", &to.find.download_dir))?;
        let dir = downloads.join(format!(".get-{}-{nanos}", std::process::id()));
        folder::create_open(&dir)?;
        Ok(Self { dir, to })
    }

    pub(super) fn file_ending_in(&self, ending: &str, source: Source) -> Result<PathBuf, Error> {
        let names = folder::entries(&self.dir)?;
        let name = names.into_iter().find(|name| name.ends_with(ending));
        name.map(|name| self.dir.join(name)).ok_or_else(|| Error::Install {
            source,
            step: "look for the archive".to_owned(),
            output: format!("there is no file {ending} in {}", self.dir.display()),
        })
    }

    /// Proves that the programs in `tree/bin` run, and moves the tree to `pg-<major>`.
    pub(super) fn publish(
        &self,
        tree: &Path,
        major: u32,
        source: Source,
    ) -> Result<Installation, Error> {
        open_up(tree)?;
        self.prove(&tree.join("bin"), source)?;
        let target = self.to.find.download_dir.join(format!("pg-{major}"));
        if fs::symlink_metadata(&target).is_ok() {
            // Moved aside rather than removed: a server may be running from it.
            let old = self.dir.join("old");
            fs::rename(&target, &old).map_err(Error::file("move aside", &target))?;
        }
        fs::rename(tree, &target).map_err(Error::file("move into place", &target))?;
        self.prove(&target.join("bin"), source)
    }

    /// By the server's own search: what it would refuse is not installed.
    fn prove(&self, bin_dir: &Path, source: Source) -> Result<Installation, Error> {
        let options = Options { bin_dir: Some(bin_dir.to_owned()), ..self.to.find.clone() };
        let search = find::installations(&options);
        search.best().cloned().ok_or_else(|| {
            let reason = search.rejected.into_iter().next().map(|(_, reason)| reason);
            let output = reason.unwrap_or_else(|| "nothing was found".to_owned());
            Error::Install { source, step: "try the programs".to_owned(), output }
        })
    }
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.dir));
    }
}

/// Everybody may read, and run what is in a `bin` folder: archives and umasks say otherwise.
fn open_up(path: &Path) -> Result<(), Error> {
    let meta = fs::symlink_metadata(path).map_err(Error::file("read", path))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let in_bin = path.parent().is_some_and(|parent| parent.ends_with("bin"));
    let mode =
        if meta.is_dir() || in_bin { 0o755 } else { 0o644 | meta.permissions().mode() & 0o755 };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::file("open up", path))?;
    if meta.is_dir() {
        for name in folder::entries(path)? {
            open_up(&path.join(name))?;
        }
    }
    Ok(())
}
