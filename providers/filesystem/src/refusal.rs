//! What callers read when a path is refused, or the system refuses it.

use std::io;

use cap_std::fs::Dir;
use mindflight_core::Error;
use rustix::io::Errno;

use crate::Filesystem;
use crate::place::Place;
use crate::roots::Roots;

/// Names looked at to find those like a mistyped one.
const MOST_NAMES: usize = 2000;

/// The path is none that could be used.
pub(crate) fn wrong_path(detail: String) -> Error {
    Error::invalid(detail.clone()).field("/path", detail, Vec::new())
}

/// The path leads out of the allowed folders.
pub(crate) fn outside(roots: &Roots, sent: &str) -> Error {
    Error::not_allowed(format!(
        "`{sent}` leads out of the allowed folders; allowed are paths in {}",
        roots.listed()
    ))
    .fix("Send a path below an allowed folder: absolute, or relative to the first of them.")
}

/// The path names a folder where a file is wanted.
pub(crate) fn is_a_folder(place: &Place) -> Error {
    wrong_path(format!("`{}` is a folder; a file is wanted", place.sent))
        .fix("Send a file's path; `list` shows what is in a folder.")
}

/// The path names something that is neither file nor folder, and opening it might wait for ever.
pub(crate) fn no_regular_file(place: &Place) -> Error {
    Error::not_allowed(format!(
        "`{}` is a device, pipe or socket; only files and folders are allowed",
        place.sent
    ))
}

/// Something changed in the middle of the call.
pub(crate) fn changed(place: &Place) -> Error {
    Error::conflict(format!("`{}` changed while the call ran", place.sent))
        .fix("Look at it again, then repeat the call.")
}

/// The caller went away; nobody reads this.
pub(crate) fn cancelled() -> Error {
    Error::conflict("the call was cancelled")
}

impl Filesystem {
    /// What the system's error means to the caller.
    pub(crate) fn refused(&self, place: &Place, error: io::Error) -> Error {
        let sent = &place.sent;
        let Some(code) = error.raw_os_error() else {
            // The library's own error for a path that its handle does not cover.
            return match error.kind() == io::ErrorKind::PermissionDenied {
                true => outside(&self.roots, sent).because(error),
                false => Error::internal(error),
            };
        };
        match Errno::from_raw_os_error(code) {
            Errno::NOENT => self.not_there(place),
            Errno::NOTDIR => {
                Error::not_found(format!("`{sent}` is not there: a part of it is no folder"))
                    .fix("Call `list` to see what is there.")
            }
            Errno::LOOP => Error::not_found(format!(
                "`{sent}` leads nowhere: there are too many symbolic links on the way, or one where none is followed"
            )),
            Errno::XDEV => outside(&self.roots, sent).because(error),
            Errno::ISDIR => is_a_folder(place),
            Errno::NAMETOOLONG => wrong_path(format!("`{sent}` is too long for the disk")),
            Errno::INVAL | Errno::ILSEQ => {
                wrong_path(format!("the disk takes no name like `{sent}`"))
            }
            Errno::NXIO | Errno::NODEV => no_regular_file(place),
            Errno::ACCESS | Errno::PERM => {
                Error::not_allowed(format!("the server itself may not use `{sent}`")).because(error)
            }
            Errno::ROFS => Error::not_allowed(format!("`{sent}` is on a disk that is read-only")),
            Errno::EXIST | Errno::AGAIN | Errno::STALE | Errno::TXTBSY => {
                changed(place).because(error)
            }
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => {
                Error::failed(format!("there is no space left for `{sent}`"))
                    .fix("Ask the operator to make room.")
                    .because(error)
            }
            _ => Error::internal(error),
        }
    }

    fn not_there(&self, place: &Place) -> Error {
        let error = Error::not_found(format!("`{}` is not there", place.sent));
        let near = place.split().map(|(parent, name)| {
            let near = nearest(self.dir(place), parent, &name.to_string_lossy());
            let show = |name: &String| {
                let path = self.roots.shown(place.root, &place.relative.with_file_name(name));
                format!("`{}`", path.display())
            };
            near.iter().map(show).collect::<Vec<_>>()
        });
        match near {
            Some(near) if !near.is_empty() => error.fix(format!("Near it: {}.", near.join(", "))),
            _ => error.fix("Call `list` to see what is there."),
        }
    }
}

/// Up to three names in a folder that are like `wanted`.
fn nearest(dir: &Dir, parent: &std::path::Path, wanted: &str) -> Vec<String> {
    let Ok(entries) = dir.read_dir(parent) else {
        return Vec::new();
    };
    let wanted = wanted.to_lowercase();
    let mut rated: Vec<(f64, String)> = entries
        .take(MOST_NAMES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| {
            let like = strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
            (like, name)
        })
        .filter(|(like, _)| *like >= 0.6)
        .collect();
    rated.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    rated.truncate(3);
    rated.into_iter().map(|(_, name)| name).collect()
}
