//! Goes through a folder in one fixed order, so that a page can begin where another ended.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::vec;

use cap_std::fs::Dir;

use crate::entry::Kind;

/// Names read of one folder; what lies beyond is not seen, and the answer says so.
const MOST_NAMES: usize = 200_000;

/// How the files are called that `write` makes before it renames them.
pub(crate) const UNFINISHED: &str = ".mindflight-write-";

type Names = vec::IntoIter<(OsString, Kind)>;

/// What is in a folder, depth first, names sorted as bytes, a folder before what is in it. Symbolic links
/// are met and not followed.
pub(crate) struct Walk<'a> {
    dir: &'a Dir,
    recursive: bool,
    after: Option<PathBuf>,
    open: Vec<(PathBuf, Names)>,
    /// A folder had too many names, or could not be read.
    pub(crate) incomplete: bool,
}

/// Something that the walk met.
pub(crate) struct Met {
    /// Below the allowed folder.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

impl<'a> Walk<'a> {
    /// Through `folder`, which is below `dir`; only what comes after `after` is met.
    pub(crate) fn new(
        dir: &'a Dir,
        folder: &Path,
        recursive: bool,
        after: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        let mut walk = Self { dir, recursive, after, open: Vec::new(), incomplete: false };
        walk.enter(folder.to_owned())?;
        Ok(walk)
    }

    fn enter(&mut self, folder: PathBuf) -> std::io::Result<()> {
        let path = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let mut names = Vec::new();
        for entry in self.dir.read_dir(path)? {
            if names.len() == MOST_NAMES {
                self.incomplete = true;
                break;
            }
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(UNFINISHED) {
                continue;
            }
            let kind = entry.file_type().map_or(Kind::Other, Kind::of);
            names.push((name, kind));
        }
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.open.push((folder, names.into_iter()));
        Ok(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Met;

    fn next(&mut self) -> Option<Met> {
        loop {
            let (folder, names) = self.open.last_mut()?;
            let Some((name, kind)) = names.next() else {
                self.open.pop();
                continue;
            };
            let path = folder.join(name);
            let seen = self.after.as_ref().is_some_and(|after| path <= *after);
            let may_hold_more =
                !seen || self.after.as_ref().is_some_and(|after| after.starts_with(&path));
            if self.recursive && kind == Kind::Folder && may_hold_more {
                // Another process may have removed it, or made it unreadable.
                self.incomplete |= self.enter(path.clone()).is_err();
            }
            if !seen {
                return Some(Met { path, kind });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_on_after_any_of_its_own_paths() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/b/c", "a/b.d", "a-b", "a", "b/x/y", "b/x.y", "c"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            if !path.exists() {
                std::fs::write(path, "").unwrap();
            }
        }
        let dir = Dir::open_ambient_dir(root.path(), cap_std::ambient_authority()).unwrap();
        let paths = |after: Option<PathBuf>| -> Vec<PathBuf> {
            let walk = Walk::new(&dir, Path::new(""), true, after).unwrap();
            walk.map(|met| met.path).collect()
        };
        let all = paths(None);
        assert_eq!(all.len(), 10, "{all:?}");
        for (at, path) in all.iter().enumerate() {
            assert_eq!(paths(Some(path.clone())), all[at + 1..], "after {path:?}");
        }
    }
}
