//! Where a caller's path leads: an allowed folder, and a plain path below it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::Dir;
use mindflight_core::{Error, Result};

use crate::Filesystem;
use crate::refusal::{outside, wrong_path};

/// The longest path and the longest name that Linux takes, in bytes.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// A caller's path, taken apart. It has no `..`, no `.`, no NUL and no empty part; symbolic links in it are
/// the kernel's matter, which resolves them below the folder's handle.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The allowed folder's number.
    pub(crate) root: usize,
    /// Below it; empty for the folder itself.
    pub(crate) relative: PathBuf,
    /// As the caller sent it.
    pub(crate) sent: String,
    /// It ended with a slash, so it can only name a folder.
    pub(crate) is_folder: bool,
}

impl Place {
    /// The path as the kernel takes it.
    pub(crate) fn path(&self) -> &Path {
        match self.relative.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.relative,
        }
    }

    /// The folder around it and its name there; none for an allowed folder itself.
    pub(crate) fn split(&self) -> Option<(&Path, &OsStr)> {
        let parent = self.relative.parent()?;
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        Some((parent, self.relative.file_name()?))
    }
}

impl Filesystem {
    /// Takes a caller's path apart; nothing is opened yet.
    pub(crate) fn place(&self, sent: &str) -> Result<Place> {
        form(sent)?;
        let path = Path::new(sent);
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(name) if name.as_bytes().len() > LONGEST_NAME => {
                    return Err(wrong_path(format!(
                        "`path` has a name of {} bytes; at most {LONGEST_NAME} are allowed",
                        name.as_bytes().len()
                    )));
                }
                Component::Normal(name) => plain.push(name),
                Component::RootDir => plain.push("/"),
                Component::CurDir | Component::Prefix(_) => {}
                Component::ParentDir => {
                    return Err(Error::not_allowed(format!(
                        "`{sent}` has a `..`, which is not allowed; allowed are paths in {}",
                        self.roots.listed()
                    ))
                    .fix("Send the path without `..`, beginning at an allowed folder."));
                }
            }
        }
        let (root, relative) = match plain.is_absolute() {
            false => (0, plain),
            true => self.roots.find(&plain).ok_or_else(|| outside(&self.roots, sent))?,
        };
        let is_folder = sent.ends_with('/') || sent.ends_with("/.");
        Ok(Place { root, relative, sent: sent.to_owned(), is_folder })
    }

    /// As [`place`](Self::place), for a path that may be left out.
    pub(crate) fn place_or_first(&self, sent: Option<&str>) -> Result<Place> {
        self.place(sent.unwrap_or("."))
    }

    /// The handle that the place is resolved below.
    pub(crate) fn dir(&self, place: &Place) -> &Dir {
        self.roots.get(place.root).dir()
    }
}

fn form(sent: &str) -> Result<()> {
    if sent.is_empty() {
        return Err(wrong_path("`path` is empty; `.` is the first allowed folder".to_owned()));
    }
    if sent.contains('\0') {
        return Err(wrong_path("`path` has a NUL character, which no name has".to_owned()));
    }
    if sent.len() > LONGEST_PATH {
        let length = sent.len();
        return Err(wrong_path(format!(
            "`path` has {length} bytes; at most {LONGEST_PATH} are allowed"
        )));
    }
    Ok(())
}
