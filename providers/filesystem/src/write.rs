//! `write`: makes a file, replaces it whole, or adds to its end.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cap_std::fs::{Dir, File, Metadata, OpenOptions, OpenOptionsExt as _, Permissions};
use mindflight_core::{Context, Error, Result, Tools};
use rustix::fs::OFlags;

use crate::Filesystem;
use crate::disk::on_disk;
use crate::entry::etag;
use crate::place::Place;
use crate::read::{Encoding, is_regular};
use crate::refusal::{cancelled, changed, is_a_folder};
use crate::walk::UNFINISHED;

pub(crate) fn tools(provider: &Filesystem, t: &mut Tools<Filesystem>) {
    let about = format!(
        "Writes a file: makes it, replaces it whole, or adds to its end. Use it to keep text or data; a replaced file \
         is never seen half written. At most {} bytes a call.",
        provider.limits.write_bytes
    );
    t.add("write", &about, Filesystem::write).destructive();
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Write {
    /// The file.
    path: String,
    /// What to write.
    content: String,
    /// How `content` is written, `utf-8` unless sent.
    encoding: Option<Encoding>,
    /// `overwrite` (unless sent) makes or replaces the file, `create` only makes it, `append` adds to its end.
    mode: Option<Mode>,
    /// Makes the folders of the path that are not there.
    create_dirs: Option<bool>,
    /// The `etag` that the file must still have; refused if it changed.
    #[schemars(length(max = 200))]
    if_unmodified: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Overwrite,
    Create,
    Append,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Written {
    /// The file.
    path: String,
    /// The bytes that were written.
    bytes: usize,
    /// The whole file's bytes now.
    size: u64,
    /// The file was not there before.
    created: bool,
    /// The version of the content now.
    etag: String,
}

impl Filesystem {
    async fn write(self: Arc<Self>, cx: Context, input: Write) -> Result<Written> {
        on_disk(self, input, move |provider, input| provider.write_now(&cx, &input)).await
    }

    fn write_now(&self, cx: &Context, input: &Write) -> Result<Written> {
        let bytes = self.bytes(input)?;
        let place = self.place(&input.path)?;
        let refuse = |error| self.refused(&place, error);
        let (parent, name) = match place.split() {
            Some(split) if !place.is_folder => split,
            Some(_) | None => return Err(is_a_folder(&place)),
        };
        if name.to_string_lossy().starts_with(UNFINISHED) {
            let detail = format!("names that begin with `{UNFINISHED}` are the server's own");
            return Err(Error::not_allowed(detail).fix("Send another name."));
        }
        if input.create_dirs == Some(true) {
            self.dir(&place).create_dir_all(parent).map_err(refuse)?;
        }
        // From here on every name is one name in this folder, wherever the path leads by then.
        let folder = self.dir(&place).open_dir(parent).map_err(|error| {
            match error.kind() == io::ErrorKind::NotFound {
                true => no_folder(&place),
                false => refuse(error),
            }
        })?;
        let (file, created) = match input.mode.unwrap_or(Mode::Overwrite) {
            Mode::Append => self.append(&place, &folder, name, input, &bytes)?,
            mode @ (Mode::Overwrite | Mode::Create) => {
                let new = Unfinished::write(&folder, &bytes, &self.unfinished).map_err(refuse)?;
                if cx.is_cancelled() {
                    return Err(cancelled());
                }
                self.put(&place, new, name, input, mode)?
            }
        };
        let metadata = file.metadata().map_err(refuse)?;
        Ok(Written {
            path: self.shown(place.root, &place.relative),
            bytes: bytes.len(),
            size: metadata.len(),
            created,
            etag: etag(&metadata),
        })
    }

    fn bytes(&self, input: &Write) -> Result<Vec<u8>> {
        let bytes = match input.encoding {
            Some(Encoding::Base64) => STANDARD.decode(&input.content).map_err(|error| {
                let detail = format!("`content` is no base64: {error}");
                Error::invalid(detail.clone()).field("/content", detail, Vec::new())
            })?,
            Some(Encoding::Text) | None => input.content.clone().into_bytes(),
        };
        let (length, most) = (bytes.len(), self.limits.write_bytes);
        match length <= most {
            true => Ok(bytes),
            false => Err(Error::too_large(format!(
                "`content` has {length} bytes; at most {most} are allowed"
            ))
            .fix("Write the first part, then add the others with `mode` `append`.")),
        }
    }

    /// Gives the new file its name; no other call of this instance comes between the look and the change.
    fn put(
        &self,
        place: &Place,
        new: Unfinished<'_>,
        name: &OsStr,
        input: &Write,
        mode: Mode,
    ) -> Result<(File, bool)> {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.old(place, new.folder, name, input)?;
        let refuse = |error| self.refused(place, error);
        match (&old, mode) {
            (Some(_), Mode::Create) => return Err(exists(place)),
            (None, Mode::Create) => new.name_new(name).map_err(|error| {
                match error.kind() == io::ErrorKind::AlreadyExists {
                    true => exists(place),
                    false => refuse(error),
                }
            })?,
            (Some(old), _) => {
                new.allow_as(&old.permissions()).map_err(refuse)?;
                new.rename(name).map_err(refuse)?;
            }
            (None, _) => new.rename(name).map_err(refuse)?,
        }
        Ok((new.into_file(), old.is_none()))
    }

    fn append(
        &self,
        place: &Place,
        folder: &Dir,
        name: &OsStr,
        input: &Write,
        bytes: &[u8],
    ) -> Result<(File, bool)> {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.old(place, folder, name, input)?;
        let refuse = |error| self.refused(place, error);
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.append(true).create(true).custom_flags(flags.bits().cast_signed());
        let mut file = folder.open_with(name, &options).map_err(refuse)?;
        is_regular(place, &file.metadata().map_err(refuse)?)?;
        file.write_all(bytes).and_then(|()| file.sync_data()).map_err(refuse)?;
        Ok((file, old.is_none()))
    }

    /// What has the name now, if it may be written and is what the caller knows.
    fn old(
        &self,
        place: &Place,
        folder: &Dir,
        name: &OsStr,
        input: &Write,
    ) -> Result<Option<Metadata>> {
        let old = match folder.symlink_metadata(name) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.refused(place, error)),
        };
        if let Some(old) = &old {
            if old.is_symlink() {
                return Err(Error::not_allowed(format!(
                    "`{}` is a symbolic link, and nothing is written through one",
                    place.sent
                ))
                .fix("Send the path of the file itself."));
            }
            is_regular(place, old)?;
        }
        match (&input.if_unmodified, &old) {
            (Some(wanted), Some(old)) if etag(old) != *wanted => Err(changed(place)),
            (Some(_), None) => Err(changed(place)),
            (Some(_) | None, _) => Ok(old),
        }
    }
}

fn exists(place: &Place) -> Error {
    Error::conflict(format!("`{}` is there already", place.sent))
        .fix("Send `mode` `overwrite` to replace it, or another path.")
}

fn no_folder(place: &Place) -> Error {
    Error::not_found(format!("the folder of `{}` is not there", place.sent))
        .fix("Send `create_dirs` as true to make it, or another path.")
}

/// A written file that has no name of its own yet. Dropped without one, it is gone.
struct Unfinished<'a> {
    folder: &'a Dir,
    name: OsString,
    file: Option<File>,
    named: std::cell::Cell<bool>,
}

impl<'a> Unfinished<'a> {
    fn write(folder: &'a Dir, bytes: &[u8], number: &AtomicU64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let (name, file) = loop {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("{UNFINISHED}{}-{number}", std::process::id()));
            match folder.open_with(&name, &options) {
                Ok(file) => break (name, file),
                // Another instance, or one that died, had the number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let mut new = Self { folder, name, file: None, named: false.into() };
        let file = new.file.insert(file);
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(new)
    }

    fn allow_as(&self, permissions: &Permissions) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.set_permissions(permissions.clone()))
    }

    /// Takes the place of whatever has the name.
    fn rename(&self, name: &OsStr) -> io::Result<()> {
        self.folder.rename(&self.name, self.folder, name)?;
        self.named.set(true);
        self.settle();
        Ok(())
    }

    /// Takes the name if nothing has it.
    fn name_new(&self, name: &OsStr) -> io::Result<()> {
        match self.folder.hard_link(&self.name, self.folder, name) {
            // The first name goes when `self` is dropped.
            Ok(()) => {
                self.settle();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Not every disk has hard links; what is left is to look first.
            Err(_) if self.folder.symlink_metadata(name).is_err() => self.rename(name),
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    /// The name survives a loss of power, where the disk can do that.
    fn settle(&self) {
        if let Ok(folder) = self.folder.open(Path::new(".")) {
            drop(folder.sync_all());
        }
    }

    fn into_file(mut self) -> File {
        self.file.take().expect("it is taken here only, and `self` is gone then")
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.named.get() {
            // If it cannot be removed, lists leave it out.
            drop(self.folder.remove_file(&self.name));
        }
    }
}
