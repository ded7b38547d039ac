//! The server's settings, given on its command line so that no file in the cluster is edited.

use crate::Options;
use std::path::Path;

/// Shared memory below this cannot hold the segments of parallel queries.
const SMALL_SHARED_MEMORY: u64 = 128 * 1024 * 1024;

/// Fixed, because the socket's file name contains it and nothing listens on a network.
pub(crate) const PORT: u16 = 5432;

const ALWAYS: [(&str, &str); 6] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("jit", "off"),
    ("max_connections", "100"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

const NOT_DURABLE: [(&str, &str); 4] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("autovacuum", "off"),
];

/// Arguments for `postgres`; a later one wins, so the caller's come last.
pub(crate) fn arguments(socket_dir: &Path, options: &Options) -> Vec<String> {
    let mut settings: Vec<(String, String)> = Vec::new();
    let mut add = |pairs: &[(&str, &str)]| {
        settings
            .extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    };
    add(&ALWAYS);
    add(&[("port", &PORT.to_string())]);
    add(&[("unix_socket_directories", &quoted(socket_dir))]);
    if !options.durable {
        add(&NOT_DURABLE);
    }
    if has_small_shared_memory() {
        add(&[("max_parallel_workers_per_gather", "0")]);
    }
    settings.extend(options.settings.iter().cloned());
    settings
        .into_iter()
        .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")])
        .collect()
}

/// The setting is a list: a comma or a space in the path would divide it.
fn quoted(dir: &Path) -> String {
    format!("\"{}\"", dir.display().to_string().replace('"', "\"\""))
}

fn has_small_shared_memory() -> bool {
    rustix::fs::statvfs("/dev/shm")
        .is_ok_and(|shm| shm.f_blocks.saturating_mul(shm.f_frsize) < SMALL_SHARED_MEMORY)
}
