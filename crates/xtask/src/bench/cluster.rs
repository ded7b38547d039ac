//! The database of a measurement: a cluster of its own in a temporary folder, set as the peers' was.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use mindflight_embedded_postgres::{Cluster, Options, find};
use tempfile::TempDir;

/// As the peers were measured: durable, and otherwise as PostgreSQL comes. The last three undo what the private
/// cluster of `mindflight dev` does otherwise.
const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("wal_level", "replica"),
    ("max_wal_senders", "10"),
    ("jit", "on"),
];

/// A cluster that lives as long as the measurement. Dropping it stops the server and removes the folder.
pub(super) struct Measured {
    // Before the folder: fields are dropped in this order.
    cluster: Cluster,
    programs: PathBuf,
    folder: TempDir,
}

impl Measured {
    pub(super) fn start() -> Result<Self> {
        // As root the cluster runs as another account, which has to be able to enter.
        let folder = tempfile::Builder::new()
            .prefix("mindflight-bench-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("cannot make a temporary folder")?;
        let mut options = Options::from_env(folder.path().join("cluster"));
        options.settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let cluster = Cluster::open(&options)?;
        // A new cluster takes the newest programs, so its client is beside them.
        let programs = find::installations(&options).best().map(|best| best.bin_dir.clone());
        Ok(Self { cluster, programs: programs.unwrap_or_default(), folder })
    }

    /// What tells the measurement about it.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        vec![
            "--database-url".into(),
            self.cluster.url("postgres").into(),
            "--postmaster".into(),
            self.cluster.postmaster_pid().to_string().into(),
            "--programs".into(),
            self.programs.clone().into(),
            "--folder".into(),
            self.folder.path().into(),
        ]
    }
}
