//! Where the throw-away clusters are: a folder each, and a file that names the one in use.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, geteuid};

const PREFIX: &str = "c-";
/// A cluster, and what some hundred test databases need.
const ROOM: u64 = 2 << 30;

/// The folder of all clusters of this user, locked against the other test processes.
pub(crate) struct Base {
    path: PathBuf,
    /// Closing the file is what releases the lock.
    _lock: File,
}

/// The cluster in use.
pub(crate) struct Current {
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
}

impl Base {
    /// Waits while another process looks for a cluster, or starts one.
    pub(crate) fn locked() -> Result<Self> {
        let path = parent().join(format!("mindflight-test-{}", geteuid().as_raw()));
        // Others may pass: as root, the server runs as somebody else.
        match DirBuilder::new().mode(0o755).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("cannot create {}", path.display()));
            }
            _ => {}
        }
        let meta = fs::symlink_metadata(&path)?;
        if !meta.is_dir() || meta.uid() != geteuid().as_raw() {
            bail!("{} is not a folder of ours; remove it", path.display());
        }
        let lock = File::create(path.join("lock"))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    /// What the last one who started a cluster wrote.
    pub(crate) fn current(&self) -> Option<Current> {
        let text = fs::read_to_string(self.path.join("current")).ok()?;
        let (folder, url) = text.trim_end().split_once('\n')?;
        Some(Current { folder: folder.into(), url: url.to_owned() })
    }

    pub(crate) fn set_current(&self, current: &Current) -> Result<()> {
        let text = format!("{}\n{}\n", current.folder.display(), current.url);
        let new = self.path.join("current.new");
        fs::write(&new, text)?;
        fs::rename(&new, self.path.join("current"))?;
        Ok(())
    }

    /// A name that was never used: the reaper of an older cluster may still be removing its folder.
    pub(crate) fn new_folder(&self) -> PathBuf {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        self.path.join(format!("{PREFIX}{}-{nanos}", std::process::id()))
    }

    /// Removes the folders of clusters that do not run. What cannot be removed now is removed next time.
    pub(crate) fn remove_dead(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let is_cluster = entry.file_name().to_string_lossy().starts_with(PREFIX);
            if is_cluster && !runs(&entry.path()) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }
}

/// In memory where there is room: making and dropping databases writes a lot.
fn parent() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let has_room =
        rustix::fs::statvfs(shm).is_ok_and(|shm| shm.f_bavail.saturating_mul(shm.f_frsize) > ROOM);
    let parent = if has_room { shm.to_owned() } else { std::env::temp_dir() };
    // Links followed, since the system names a server's folder that way.
    parent.canonicalize().unwrap_or(parent)
}

fn runs(folder: &Path) -> bool {
    let data = folder.join("data");
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
    pid.and_then(Pid::from_raw).is_some_and(|pid| is_server_of(pid, &data))
}

/// A server works in its data's folder; a zombie, and another process with its number, do not.
#[cfg(target_os = "linux")]
fn is_server_of(pid: Pid, data: &Path) -> bool {
    fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).is_ok_and(|cwd| cwd == data)
}

#[cfg(not(target_os = "linux"))]
fn is_server_of(pid: Pid, _: &Path) -> bool {
    // A refusal would mean that there is such a process, of somebody else.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}
