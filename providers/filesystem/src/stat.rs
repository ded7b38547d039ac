//! `stat`: what one path is, without reading it.

use std::sync::Arc;

use cap_std::fs::PermissionsExt as _;
use mindflight_core::{Context, Result, Tools};

use crate::Filesystem;
use crate::disk::on_disk;
use crate::entry::{Entry, Kind, etag};

pub(crate) fn tools(t: &mut Tools<Filesystem>) {
    let about = "Says what a path is: its type, size, times and version. Use it to check that a file is there, \
                 or to get the `etag` that `write` takes.";
    t.add("stat", about, Filesystem::stat).read_only();
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Stat {
    /// The file or folder.
    path: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Known {
    #[serde(flatten)]
    entry: Entry,
    /// Permissions, in octal.
    mode: String,
    /// The version of the content; differs after every change.
    etag: String,
    /// What a symbolic link leads to; `nowhere` also if that is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    leads_to: Option<&'static str>,
}

impl Filesystem {
    async fn stat(self: Arc<Self>, _cx: Context, input: Stat) -> Result<Known> {
        on_disk(self, input, |provider, input| provider.stat_now(&input.path)).await
    }

    fn stat_now(&self, path: &str) -> Result<Known> {
        let place = self.place(path)?;
        let dir = self.dir(&place);
        let found = match place.is_folder {
            true => dir.metadata(place.path()),
            false => dir.symlink_metadata(place.path()),
        };
        let found = found.map_err(|error| self.refused(&place, error))?;
        let kind = Kind::of(found.file_type());
        if place.is_folder && kind != Kind::Folder {
            return Err(crate::refusal::wrong_path(format!("`{path}` is no folder")));
        }
        let leads_to = (kind == Kind::Link).then(|| match dir.metadata(place.path()) {
            Ok(end) if end.is_file() => "file",
            Ok(end) if end.is_dir() => "folder",
            Ok(_) => "other",
            Err(_) => "nowhere",
        });
        Ok(Known {
            entry: self.entry(place.root, &place.relative, kind),
            mode: format!("{:04o}", found.permissions().mode() & 0o7777),
            etag: etag(&found),
            leads_to,
        })
    }
}
