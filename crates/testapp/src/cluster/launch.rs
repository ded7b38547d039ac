//! Starts a throw-away cluster that outlives this process: the next test process joins it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mindflight_embedded_postgres::{Cluster, Options, find};
use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use rustix::process::geteuid;

/// Nothing here has to survive anything, and many tests connect at once.
const SETTINGS: [(&str, &str); 16] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
    ("max_wal_size", "256MB"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("autovacuum", "off"),
    // In the cluster's folder, so that a killed server leaves nothing outside of it.
    ("dynamic_shared_memory_type", "mmap"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("log_min_messages", "fatal"),
    ("log_min_error_statement", "panic"),
];

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// Makes a cluster in `folder` and leaves it running. The URL of its maintenance database.
pub(crate) async fn start(folder: &Path) -> Result<String> {
    let mut options = Options::from_env(folder.to_owned());
    options.durable = false;
    // The private cluster's own code makes it, with the right account; but that one ends with its process.
    let made = Cluster::open(&options)?;
    let url = made.url("postgres");
    let (sockets, port) = (made.socket_dir().to_owned(), made.port());
    made.stop()?;

    let mut server =
        command(folder, &options, &sockets, port)?.spawn().context("cannot start postgres")?;
    let ready = async {
        while !answers(&url).await {
            if let Some(status) = server.try_wait()? {
                bail!("postgres ended with {status}: {}", fs::read_to_string(folder.join("log"))?);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, ready)
        .await
        .with_context(|| format!("postgres is not ready after {} s", PATIENCE.as_secs()))??;
    Ok(url)
}

async fn answers(url: &str) -> bool {
    Admin::connect(&Settings::new(url)).await.is_ok()
}

fn command(folder: &Path, options: &Options, sockets: &Path, port: u16) -> Result<Command> {
    let search = find::installations(options);
    let programs = search.best().context("PostgreSQL's programs are gone")?;
    let data = folder.join("data").canonicalize()?;
    let output = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut postgres = Command::new(programs.bin_dir.join("postgres"));
    postgres.arg("-D").arg(&data);
    for (name, value) in SETTINGS {
        postgres.arg("-c").arg(format!("{name}={value}"));
    }
    postgres
        .arg("-c")
        .arg(format!("unix_socket_directories=\"{}\"", sockets.display()))
        .arg("-c")
        .arg(format!("port={port}"))
        .env_clear()
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        // Ctrl-C ends the tests; the reaper ends the server.
        .process_group(0);
    if let Some(path) = &options.path {
        postgres.env("PATH", path);
    }
    let owner = fs::metadata(&data)?;
    if owner.uid() != geteuid().as_raw() {
        postgres.uid(owner.uid()).gid(owner.gid());
    }
    Ok(postgres)
}
