//! A running private cluster: opened, asked where it is, and stopped.

use crate::account::Account;
use crate::find::{self, Installation, Search};
use crate::start::{Running, Start};
use crate::watcher::Watcher;
use crate::{
    Error, Lock, Options, USER, Version, advice, folder, init, patience, processes, socket,
};
use rustix::process::Signal;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the hard way of stopping may take: the server only has to end its children.
const HARD_STOP: Duration = Duration::from_secs(10);

/// A PostgreSQL server of our own, which lives as long as this value, and no longer than this process.
///
/// Everything here blocks: from async code use a blocking thread.
#[derive(Debug)]
pub struct Cluster {
    data: PathBuf,
    socket_dir: PathBuf,
    port: u16,
    version: Version,
    pid: u32,
    adopted: bool,
    watcher: Option<Watcher>,
    stop_timeout: Duration,
    poll: Duration,
    /// Released last, when the server is gone.
    _lock: Lock,
}

impl Cluster {
    /// Makes the cluster if there is none, starts it or takes over one that was left running, and waits until it answers.
    ///
    /// ```no_run
    /// use mindflight_embedded_postgres::{Cluster, Options, default_data_dir};
    ///
    /// let cluster = Cluster::open(&Options::from_env(default_data_dir()))?;
    /// println!("{}", cluster.url("postgres"));
    /// cluster.stop()?;
    /// # Ok::<(), mindflight_embedded_postgres::Error>(())
    /// ```
    ///
    /// # Errors
    /// Every failed step has its variant; what was there before is never removed.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let account = Account::choose(options)?;
        let account = account.as_ref();
        let lock = Lock::take(&options.data_dir)?;
        let dir =
            options.data_dir.canonicalize().map_err(Error::file("resolve", &options.data_dir))?;
        folder::hand_over(&dir, account, options)?;
        let data = dir.join("data");
        let search = find::search(options, account);
        let installation = match written_by(&data)? {
            Some(major) => existing(&data, major, search)?,
            None => {
                let installation = newest(search)?;
                init::create(&dir, &installation, options, account)?;
                installation
            }
        };
        let socket_dir = socket::prepare(&dir, account)?;
        // A link to another disk is allowed; the kernel reports where it leads.
        let data = data.canonicalize().map_err(Error::file("resolve", &data))?;
        let running =
            Start::new(&dir, &data, &socket_dir, &installation, options, account).run()?;
        Ok(Self::new(data, socket_dir, installation.version, running, options, lock))
    }

    fn new(
        data: PathBuf,
        socket_dir: PathBuf,
        version: Version,
        running: Running,
        options: &Options,
        lock: Lock,
    ) -> Self {
        let Running { file, watcher, adopted } = running;
        Self {
            data,
            // One that was started by hand may have its socket elsewhere.
            socket_dir: file.socket_dir.unwrap_or(socket_dir),
            port: file.port.unwrap_or(crate::settings::PORT),
            version,
            pid: file.pid,
            adopted,
            watcher: Some(watcher),
            stop_timeout: options.stop_timeout,
            poll: options.poll,
            _lock: lock,
        }
    }

    /// The folder of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The port, which only names the socket: nothing listens on a network.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser; the socket's folder is what keeps others out, so there is no password.
    pub fn user(&self) -> &str {
        USER
    }

    /// A URL of one of its databases, for sqlx, tokio-postgres and psql alike.
    pub fn url(&self, database: &str) -> String {
        socket::url(USER, &self.socket_dir, self.port, database)
    }

    /// The version of the programs that belong to its data.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Whether the server was already running, left by a process that died together with its watcher.
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The server's process id.
    pub fn postmaster_pid(&self) -> u32 {
        self.pid
    }

    /// Whether the server is still there.
    pub fn is_running(&self) -> bool {
        processes::works_in(self.pid, &self.data)
    }

    /// Stops the server: fast first, which ends connections and writes everything; then the hard way.
    ///
    /// Drain your own pools before. Dropping does the same, without telling how it went.
    ///
    /// # Errors
    /// [`Error::StillRunning`] if neither helped.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        let Some(watcher) = self.watcher.take() else {
            return Ok(());
        };
        for (signal, patience) in [(Signal::INT, self.stop_timeout), (Signal::QUIT, HARD_STOP)] {
            if self.is_running() && processes::signal(self.pid, signal) {
                patience::until(patience, self.poll, || !self.is_running());
            }
        }
        if self.is_running() {
            return Err(Error::StillRunning { data: self.data.clone(), pid: self.pid });
        }
        // Of a server that we adopted no watcher collects the process, which leaves its folder a moment before it ends.
        patience::until(HARD_STOP, self.poll, || !processes::runs(self.pid));
        watcher.finish();
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nobody is left to tell; `stop` is for those who want to know.
        drop(self.shut_down());
    }
}

/// The major version in `PG_VERSION`, or none if there is no data yet.
fn written_by(data: &Path) -> Result<Option<String>, Error> {
    if let Err(error) = std::fs::symlink_metadata(data) {
        if error.kind() == io::ErrorKind::NotFound {
            return Ok(None);
        }
        return Err(Error::file("read", data)(error));
    }
    let path = data.join("PG_VERSION");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::file("read", &path)(error))
        }
        Err(_) => Err(Error::NotACluster { data: data.to_owned() }),
    }
}

/// Only its own major version can read it.
fn existing(data: &Path, written_by: String, search: Search) -> Result<Installation, Error> {
    let found = written_by.parse().ok().and_then(|major| search.of_major(major)).cloned();
    found.ok_or_else(|| Error::WrongMajor { data: data.to_owned(), written_by, search })
}

fn newest(search: Search) -> Result<Installation, Error> {
    search.best().cloned().ok_or_else(|| {
        let advice = advice::how_to_install(Path::new("/"));
        Error::NothingFound { search, advice }
    })
}
