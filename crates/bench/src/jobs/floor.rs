//! What PostgreSQL itself gives: small durable inserts, one in a transaction, as fast as eight clients can send them.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Place;
use super::psql::{Psql, program, with_database};

/// Clients, as in the peers' measurements.
const CLIENTS: &str = "8";
const SECONDS: &str = "4";

const DATABASE: &str = "floor";

const TABLE: &str = "CREATE TABLE floor (id uuid PRIMARY KEY, args json NOT NULL)";

/// About as much as a small job's arguments.
const SCRIPT: &str = "INSERT INTO floor VALUES (gen_random_uuid(), \
    '{\"to\": \"somebody@example.com\", \"subject\": \"hello\", \"body\": \"a text of some length, for a job\"}');\n";

/// Commits a second; none where there is no `pgbench`.
pub(crate) fn inserts(place: &Place, admin: &mut Psql) -> Result<Option<f64>> {
    let pgbench = program(&place.programs, "pgbench");
    if Command::new(&pgbench).arg("--version").output().is_err() {
        return Ok(None);
    }
    admin.run(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    admin.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let url = with_database(&place.database_url, DATABASE);
    Psql::open(&place.programs, &url)?.run(TABLE)?;
    admin.run("CHECKPOINT")?;
    let folder = tempfile::tempdir_in(&place.folder).context("cannot make a temporary folder")?;
    let script = folder.path().join("insert.sql");
    fs::write(&script, SCRIPT).context("cannot write the script for pgbench")?;
    let output = Command::new(&pgbench)
        .args(["--no-vacuum", "--client", CLIENTS, "--jobs", "1", "--time", SECONDS, "--file"])
        .arg(&script)
        .arg(&url)
        .output()
        .context("cannot run pgbench")?;
    admin.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
    if !output.status.success() {
        bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    rate(&text).map(Some).with_context(|| format!("pgbench told no rate: {text}"))
}

/// Transactions a second, of what `pgbench` prints.
pub(crate) fn rate(text: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found_in_what_pgbench_prints() {
        let text = "number of clients: 8\nlatency average = 0.460 ms\n\
            tps = 17373.104127 (without initial connection time)\n";
        assert_eq!(rate(text), Some(17_373.104_127));
        assert_eq!(rate("nothing"), None);
    }
}
