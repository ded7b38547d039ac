//! The ground that servers stand on: a durable cluster of our own, which can crash, and the server's program.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use mindflight_embedded_postgres::{Cluster, Options, find};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::guard::Guard;
use crate::jobs::psql::Psql;
use crate::program::Program;

/// As `bench jobs` has them: durable, and otherwise as PostgreSQL comes. More connections, because those of a
/// process that was killed take a moment to end.
const SETTINGS: [(&str, &str); 8] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("wal_level", "replica"),
    ("max_wal_senders", "10"),
    ("jit", "on"),
    ("max_connections", "300"),
];

const DATABASE: &str = "jobs";

/// Cluster, folder and program. Everything goes with the value, unless it is kept.
pub(crate) struct Site {
    program: Program,
    key: String,
    // Before the folder: fields are dropped in this order.
    cluster: Option<Cluster>,
    guard: Option<Guard>,
    options: Options,
    programs: PathBuf,
    folder: TempDir,
}

impl Site {
    /// Makes the cluster, and a database with the program's schema and a key.
    pub(crate) fn new(server: &Path) -> Result<Self> {
        // As root the cluster runs as another account, which has to be able to enter.
        let folder = tempfile::Builder::new()
            .prefix("mindflight-bench-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("cannot make a temporary folder")?;
        let mut options = Options::from_env(folder.path().join("cluster"));
        options.settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let programs = find::installations(&options).best().map(|best| best.bin_dir.clone());
        let mut site = Self {
            program: Program::within(server, folder.path())?,
            key: String::new(),
            cluster: None,
            guard: None,
            options,
            programs: programs.unwrap_or_default(),
            folder,
        };
        std::fs::create_dir(site.logs()).context("cannot make the folder of the logs")?;
        site.start()?;
        Psql::open(&site.programs, &site.url("postgres")?)?
            .run(&format!("CREATE DATABASE {DATABASE}"))?;
        let url = site.url(DATABASE)?;
        site.program.migrate(&url)?;
        site.key = site.program.create_admin_key(&url)?;
        Ok(site)
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// A key that may do everything.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Where servers and faults are written down.
    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// A server on the database, with its demonstrations and without limits.
    pub(crate) fn serve(&self) -> Result<Command> {
        let mut command = self.program.serve(&self.url(DATABASE)?);
        command
            .env("MINDFLIGHT_LIMITS__ENABLED", "false")
            .env("MINDFLIGHT_PROVIDERS__DEMO__ENABLED", "true");
        Ok(command)
    }

    /// A session of our own.
    pub(crate) fn psql(&self) -> Result<Psql> {
        Psql::open(&self.programs, &self.url(DATABASE)?)
    }

    /// Ends the database as a crash would, and starts it again.
    pub(crate) fn restart(&mut self) -> Result<()> {
        if let Some(cluster) = self.cluster.take() {
            let pid = i32::try_from(cluster.postmaster_pid()).ok().and_then(Pid::from_raw);
            let pid = pid.context("the database has no process")?;
            kill_process(pid, Signal::QUIT).context("the database does not stop")?;
            while cluster.is_running() {
                std::thread::yield_now();
            }
        }
        self.start()
    }

    /// Ends the database in good order and leaves the folder where it is.
    pub(crate) fn keep(mut self) -> PathBuf {
        drop(self.cluster.take());
        drop(self.guard.take());
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    fn start(&mut self) -> Result<()> {
        let cluster = Cluster::open(&self.options)?;
        self.guard = Some(Guard::new(cluster.postmaster_pid(), Some(self.folder.path()))?);
        self.cluster = Some(cluster);
        Ok(())
    }

    fn url(&self, database: &str) -> Result<String> {
        Ok(self.cluster.as_ref().context("the database is down")?.url(database))
    }
}
