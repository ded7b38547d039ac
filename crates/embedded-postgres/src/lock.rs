//! One server a folder: the kernel holds the lock, so it ends with the process however that dies.

use crate::{Error, folder};
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

pub(crate) const FILE: &str = "server.lock";

/// The right to use a data folder; given back when dropped.
#[derive(Debug)]
pub struct Lock {
    /// Closing the file is what releases the lock.
    _file: File,
}

impl Lock {
    /// Takes the folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Busy`] names the process that has it.
    pub fn take(data_dir: &Path) -> Result<Self, Error> {
        let dir = folder::create(data_dir)?;
        let path = dir.join(FILE);
        // As root we write into a folder that another account owns: a link there must not lead us away.
        let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow)
            .open(&path)
            .map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy { dir, pid: holder(file) });
            }
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path)(source)),
        }
        write_pid(&mut file).map_err(Error::file("write", &path))?;
        Ok(Self { _file: file })
    }
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

fn holder(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
