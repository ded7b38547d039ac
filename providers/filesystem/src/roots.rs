//! The allowed folders, open: every path of a caller is resolved below one of these handles and nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use mindflight_core::{Error, Result};

/// The allowed folders. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Roots(Arc<[Root]>);

/// One allowed folder.
pub(crate) struct Root {
    /// As the configuration names it.
    configured: PathBuf,
    /// Without symbolic links; what callers read.
    path: PathBuf,
    dir: Dir,
}

impl Roots {
    /// Opens them all, or says everything that is wrong with them.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self> {
        let (mut roots, mut wrong) = (Vec::new(), Vec::new());
        for path in paths {
            match Root::open(path) {
                Ok(root) => roots.push(root),
                Err(mistake) => wrong.push(format!("`{}` {mistake}", path.display())),
            }
        }
        if paths.is_empty() {
            wrong.push("it is empty; name at least one folder".to_owned());
        }
        match wrong.is_empty() {
            true => Ok(Self(roots.into())),
            false => Err(Error::failed(format!("`allowed_dirs`: {}", wrong.join("; ")))),
        }
    }

    /// The one with this number.
    pub(crate) fn get(&self, number: usize) -> &Root {
        &self.0[number]
    }

    /// The folder that an absolute path without `.` and `..` is in, and what follows there; the innermost if there are several.
    pub(crate) fn find(&self, path: &Path) -> Option<(usize, PathBuf)> {
        let below = |(number, root): (usize, &Root)| {
            let inside = [&root.configured, &root.path]
                .into_iter()
                .filter_map(|root| path.strip_prefix(root).ok())
                .min_by_key(|rest| rest.components().count())?;
            Some((number, inside.to_owned()))
        };
        let fitting = self.0.iter().enumerate().filter_map(below);
        fitting.min_by_key(|(number, inside)| (inside.components().count(), *number))
    }

    /// A path in the form that callers can send again: relative in the first folder, absolute in the others.
    pub(crate) fn shown(&self, root: usize, relative: &Path) -> PathBuf {
        let empty = relative.as_os_str().is_empty();
        match (root, empty) {
            (0, true) => PathBuf::from("."),
            (0, false) => relative.to_owned(),
            (_, true) => self.get(root).path.clone(),
            (_, false) => self.get(root).path.join(relative),
        }
    }

    /// All of them, in a sentence.
    pub(crate) fn listed(&self) -> String {
        let paths: Vec<String> =
            self.0.iter().map(|root| format!("`{}`", root.path.display())).collect();
        paths.join(", ")
    }

    /// Whether every folder is still the one that was opened.
    pub(crate) fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(Root::check)
    }
}

impl Root {
    fn open(configured: &Path) -> Result<Self, String> {
        if !configured.is_absolute() {
            return Err("is relative; name the folder by its absolute path".to_owned());
        }
        let path = configured.canonicalize().map_err(|error| {
            match error.kind() == std::io::ErrorKind::NotFound {
                true => "is not there; create it, or name another folder".to_owned(),
                false => format!("cannot be opened: {error}"),
            }
        })?;
        if !path.is_dir() {
            return Err("is not a folder".to_owned());
        }
        let dir = Dir::open_ambient_dir(&path, ambient_authority())
            .map_err(|error| format!("cannot be opened: {error}"))?;
        Ok(Self { configured: configured.to_owned(), path, dir })
    }

    pub(crate) const fn dir(&self) -> &Dir {
        &self.dir
    }

    fn check(&self) -> Result<()> {
        let name = self.path.display();
        let opened = self.dir.dir_metadata().map_err(Error::internal)?;
        let now = Dir::open_ambient_dir(&self.path, ambient_authority())
            .and_then(|dir| dir.dir_metadata())
            .map_err(|error| Error::unavailable(format!("`{name}` cannot be opened: {error}")))?;
        match (opened.dev(), opened.ino()) == (now.dev(), now.ino()) {
            true => Ok(()),
            false => Err(Error::unavailable(format!(
                "`{name}` is another folder than when the provider was built; disable and enable the provider"
            ))),
        }
    }
}
