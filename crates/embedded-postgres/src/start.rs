//! From a folder with data to a server that answers, whatever a dead predecessor left behind.

use crate::account::Account;
use crate::find::Installation;
use crate::log::Log;
use crate::pidfile::{PidFile, State};
use crate::watcher::{self, Watcher};
use crate::{Error, Options, patience, pidfile, processes, settings, socket};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the rests of a killed server may take to leave.
const LEAVING: Duration = Duration::from_secs(10);
/// How long a dead process's watcher may take to stop the server it watches.
const WATCHER_ACTS: Duration = Duration::from_secs(5);
/// Between two starts while rests are leaving: each failed start writes to the log.
const RETRY: Duration = Duration::from_millis(100);
/// What the server says when backends of a killed predecessor still run.
const RESTS: &str = "pre-existing shared memory block";

/// A server that answers.
pub(crate) struct Running {
    pub(crate) file: PidFile,
    pub(crate) watcher: Watcher,
    pub(crate) adopted: bool,
}

/// One attempt to come to a running server.
pub(crate) struct Start<'a> {
    dir: &'a Path,
    data: &'a Path,
    socket_dir: &'a Path,
    installation: &'a Installation,
    options: &'a Options,
    account: Option<&'a Account>,
    begun: Instant,
    /// Our own server and its log, once started.
    own: Option<(Watcher, Log)>,
    not_before: Instant,
    seen_ready: Option<Instant>,
}

impl<'a> Start<'a> {
    /// `data` must be canonical: the kernel reports such paths, and they are compared.
    pub(crate) fn new(
        dir: &'a Path,
        data: &'a Path,
        socket_dir: &'a Path,
        installation: &'a Installation,
        options: &'a Options,
        account: Option<&'a Account>,
    ) -> Self {
        let begun = Instant::now();
        let (own, seen_ready) = (None, None);
        Self {
            dir,
            data,
            socket_dir,
            installation,
            options,
            account,
            begun,
            own,
            not_before: begun,
            seen_ready,
        }
    }

    /// Looks at the state and does the next thing, until a server is ready.
    pub(crate) fn run(mut self) -> Result<Running, Error> {
        loop {
            match pidfile::state(self.data) {
                State::Server(file) if file.ready && !self.is_being_stopped() => {
                    return self.finish(file);
                }
                State::Server(_) => {}
                State::Stranger => self.clear_and_launch()?,
                State::Absent => self.launch()?,
            }
            self.check_end()?;
            if self.begun.elapsed() > self.options.start_timeout {
                return Err(self.not_ready());
            }
            patience::pause(self.options.poll);
        }
    }

    /// Ours is watched already; one that was left by a dead process gets a watcher again.
    fn finish(self, file: PidFile) -> Result<Running, Error> {
        if let Some((watcher, _)) = self.own {
            return Ok(Running { file, watcher, adopted: false });
        }
        let watcher = Watcher::attach(file.pid, self.data, self.options, self.account)?;
        Ok(Running { file, watcher, adopted: true })
    }

    /// A server may say `ready` in the moment between its process's death and the watcher's signal.
    fn is_being_stopped(&mut self) -> bool {
        if self.own.is_some() {
            return false;
        }
        let since = *self.seen_ready.get_or_insert_with(Instant::now);
        since.elapsed() < WATCHER_ACTS && watcher::watches(self.data)
    }

    /// PostgreSQL alone would refuse for ever, because the number in its file belongs to a live process.
    fn clear_and_launch(&mut self) -> Result<(), Error> {
        if self.own.is_some() {
            return Ok(());
        }
        if let Some(pid) = processes::any_in(self.data) {
            if self.begun.elapsed() > LEAVING {
                return Err(Error::InUse { data: self.data.to_owned(), pid });
            }
            return Ok(());
        }
        remove(&pidfile::path(self.data))?;
        self.launch()
    }

    fn launch(&mut self) -> Result<(), Error> {
        if self.own.is_some() || Instant::now() < self.not_before {
            return Ok(());
        }
        self.clear_socket_lock()?;
        let mut server: Vec<OsString> =
            vec![self.installation.bin_dir.join("postgres").into(), "-D".into(), self.data.into()];
        server.extend(
            settings::arguments(self.socket_dir, self.options).into_iter().map(OsString::from),
        );
        let (log, file) = Log::open(self.dir, self.account)?;
        let watcher = Watcher::start(&server, file, self.options, self.account)?;
        self.own = Some((watcher, log));
        Ok(())
    }

    /// The socket's lock holds the same number as the pid file, and the same mistake is possible.
    fn clear_socket_lock(&self) -> Result<(), Error> {
        let path = socket::lock_file(self.socket_dir);
        let stale = pidfile::first_number(&path)
            .is_some_and(|pid| processes::is_alive(pid) && !processes::works_in(pid, self.data));
        if stale {
            remove(&path)?;
        }
        Ok(())
    }

    /// Our server has ended: that is a failure, unless it only has to wait for others to leave.
    fn check_end(&mut self) -> Result<(), Error> {
        let Some((watcher, log)) = &mut self.own else {
            return Ok(());
        };
        if !watcher.has_ended().map_err(Error::file("wait for the server on", self.data))? {
            return Ok(());
        }
        let lines = log.tail();
        if lines.contains(RESTS) && self.begun.elapsed() < LEAVING {
            self.own = None;
            self.not_before = Instant::now() + RETRY;
            return Ok(());
        }
        Err(Error::Exited { log: log.path.clone(), lines })
    }

    fn not_ready(&self) -> Error {
        let lines = self.own.as_ref().map(|(_, log)| log.tail()).unwrap_or_default();
        Error::NotReady { data: self.data.to_owned(), waited: self.begun.elapsed(), lines }
    }
}

/// A server removes its files itself when it leaves, which may be this very moment.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(Error::file("remove", path)),
    }
}
