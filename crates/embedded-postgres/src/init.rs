//! Making a new cluster: whole or not at all, whenever the power goes.

use crate::account::Account;
use crate::find::Installation;
use crate::{Error, Options, USER, folder, programs};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const PREFIX: &str = "data.init-";

/// The first major version whose locale needs nothing from the system.
const BUILTIN_LOCALE: u32 = 17;

/// Runs `initdb` in a folder of its own, and renames it to `data` once everything is on the disk.
pub(crate) fn create(
    dir: &Path,
    installation: &Installation,
    options: &Options,
    account: Option<&Account>,
) -> Result<(), Error> {
    remove_leftovers(dir)?;
    let new = fresh(dir);
    let mut initdb = programs::command(installation.bin_dir.join("initdb"), options, account);
    initdb.arg("-D").arg(&new).args(["-U", USER, "--encoding=UTF8"]);
    initdb.args(["--auth=trust", "--no-instructions"]).current_dir("/");
    add_locale(&mut initdb, installation.version.major);
    if !options.durable || cfg!(target_os = "linux") {
        // Its own sync takes seconds on a busy disk: one for all files, below, is as good.
        initdb.arg("--no-sync");
    }
    let output = programs::run(&mut initdb)?;
    if !output.status.success() {
        return Err(Error::Initdb { dir: dir.to_owned(), output: programs::text(&output) });
    }
    if options.durable {
        sync_filesystem(&new)?;
    }
    let data = dir.join("data");
    fs::rename(&new, &data).map_err(Error::file("rename", &new))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::file("sync", dir))
}

/// Every order is bytewise then, and no index depends on a version of the system's library.
fn add_locale(initdb: &mut Command, major: u32) {
    if major >= BUILTIN_LOCALE {
        initdb.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]);
    } else {
        let ctype = if cfg!(target_os = "macos") { "UTF-8" } else { "C.UTF-8" };
        initdb.args(["--locale=C".to_owned(), format!("--lc-ctype={ctype}")]);
    }
}

/// A new name each time: an `initdb` that outlived its server may still write into the old one.
fn fresh(dir: &Path) -> PathBuf {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    dir.join(format!("{PREFIX}{}-{nanos}", std::process::id()))
}

/// Removes what killed runs left; what cannot be removed now is removed next time.
fn remove_leftovers(dir: &Path) -> Result<(), Error> {
    for name in folder::entries(dir)? {
        if name.starts_with(PREFIX) {
            drop(fs::remove_dir_all(dir.join(name)));
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync_filesystem(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::file("open", path))?;
    rustix::fs::syncfs(&file).map_err(|error| Error::file("sync", path)(error.into()))
}

/// Elsewhere `initdb` has synced its files itself.
#[cfg(not(target_os = "linux"))]
fn sync_filesystem(_path: &Path) -> Result<(), Error> {
    Ok(())
}
