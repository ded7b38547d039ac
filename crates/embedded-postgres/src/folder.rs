//! The data folder: made if missing, refused if it is somebody else's, handed to the account.

use crate::account::Account;
use crate::options::is_root;
use crate::{Error, Options, lock};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Makes the folder (0700; its parents 0755) and gives its one true path.
///
/// # Errors
/// [`Error::NotOurFolder`] if it holds other things: its mode will be changed, so it must be ours.
pub(crate) fn create(dir: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(dir).map_err(Error::file("resolve", dir))?;
    if let Some(parent) = absolute.parent() {
        create_open(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(&absolute) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::file("create", &absolute)(error)),
    }
    let dir = absolute.canonicalize().map_err(Error::file("resolve", &absolute))?;
    let names = entries(&dir)?;
    if !is_ours(&dir, &names) {
        return Err(Error::NotOurFolder {
            dir,
            holds: names.into_iter().next().unwrap_or_default(),
        });
    }
    Ok(dir)
}

/// Makes a folder and its parents so that the account can pass them.
pub(crate) fn create_open(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_open(parent)?;
    }
    DirBuilder::new().mode(0o755).create(path).map_err(Error::file("create", path))?;
    if is_root() {
        // A strict umask of root's would lock the account out.
        fs::set_permissions(path, Permissions::from_mode(0o755))
            .map_err(Error::file("open up", path))?;
    }
    Ok(())
}

/// Makes the account the owner and everybody else a stranger.
pub(crate) fn hand_over(
    dir: &Path,
    account: Option<&Account>,
    options: &Options,
) -> Result<(), Error> {
    if let Some(account) = account {
        if let Some(parent) = dir.parent()
            && let Some(folder) = account.blocked(parent, options)
        {
            return Err(Error::CannotEnter {
                account: account.name.clone(),
                folder,
                wanted: dir.to_owned(),
            });
        }
        give(dir, account)?;
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(Error::file("protect", dir))
}

/// Changes the owner, of a link itself and never of what it leads to.
pub(crate) fn give(path: &Path, account: &Account) -> Result<(), Error> {
    std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid))
        .map_err(Error::file("change the owner of", path))
}

/// Makes a folder of the cluster's own, 0700 and owned by the account.
pub(crate) fn create_inner(path: &Path, account: Option<&Account>) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.map_or(Ok(()), |account| give(path, account)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::file("create", path)(error)),
    }
}

pub(crate) fn entries(dir: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::file("list", dir))? {
        let entry = entry.map_err(Error::file("list", dir))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Empty, or with something in it that only we (or a restored backup of ours) put there.
fn is_ours(dir: &Path, names: &[String]) -> bool {
    let marks = |name: &String| name == lock::FILE || name == "data" || name.starts_with("pg-");
    names.is_empty() || names.iter().any(marks) && !is_shared(dir)
}

/// A sticky folder such as `/tmp` belongs to everybody.
fn is_shared(dir: &Path) -> bool {
    fs::metadata(dir).is_ok_and(|meta| meta.permissions().mode() & 0o1000 != 0)
}
