//! What publishing costs beside a plain insert of the same: the statement alone, and with HTTP before it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::message::{data, now};
use super::rig::{Rig, database};
use crate::jobs::floor::rate;
use crate::jobs::producer::{End, Plan, run};
use crate::jobs::psql::{Psql, program};
use crate::jobs::sheet::Sheet;
use crate::processes;

/// Connections that each wait for their commit before they go on.
const CLIENTS: usize = 8;

const PLAIN: &str = "plain insert, 8 clients, commits/s";
const STATEMENT: &str = "publishing statement, 8 clients, commits/s";
const HTTP: &str = "publishing over HTTP, 8 callers, events/s";

const TABLE: &str = "CREATE TABLE plain (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
    id text NOT NULL, type text NOT NULL, source text NOT NULL, data json NOT NULL)";

/// `insert`: as `pgbench` measures both.
pub(super) fn inserts(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    if Command::new(program(&bench.place.programs, "pgbench")).arg("--version").output().is_err() {
        println!("  no `pgbench`: nothing to compare publishing with");
        return Ok(());
    }
    let url = database(bench)?;
    let mut admin = Psql::open(&bench.place.programs, &url)?;
    admin.run(TABLE)?;
    let data = data(now());
    for (name, script) in [(PLAIN, plain(&data)), (STATEMENT, statement(&data))] {
        admin.run("CHECKPOINT")?;
        let (before, begun) = (processes::cpu_of_tree(bench.place.postmaster), Instant::now());
        let rate = pgbench(bench, &url, &script)?;
        let took = begun.elapsed();
        let after = processes::cpu_of_tree(bench.place.postmaster);
        sheet.add(name, 0, Some(rate));
        let cpu = after.zip(before).and_then(|(after, before)| after.checked_sub(before));
        let each = cpu.map(|cpu| cpu.as_secs_f64() * 1e3 / (rate * took.as_secs_f64()) * 1e3);
        sheet.add(&cpu_of(name), 1, each);
    }
    Ok(())
}

/// `publish`: one server, as fast as it answers.
pub(super) fn over_http(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let rig = Rig::start(bench, 1)?;
    let body = super::message::body(1, now());
    let requests = || -> Vec<_> {
        let targets = rig.targets();
        targets.iter().map(|to| (to.address, to.post("/api/events", &body))).collect()
    };
    let plan =
        |time| Plan { requests: requests(), callers: CLIENTS, end: End::After(time), rate: None };
    run(plan(Duration::from_secs(1))).context("the warm-up")?;
    let before = rig.meter();
    let produced = run(plan(Duration::from_secs(bench.seconds)))?;
    let used = rig.meter().since(&before);
    sheet.add(HTTP, 0, Some(produced.rate()));
    sheet.add("publishing over HTTP, p50 ms", 2, Some(produced.latency(0.5)));
    sheet.add("publishing over HTTP, p99 ms", 2, Some(produced.latency(0.99)));
    let each = |cpu: Duration| cpu.as_secs_f64() * 1e3 / produced.calls as f64 * 1e3;
    sheet.add(&cpu_of(HTTP), 1, used.postgres.map(each));
    sheet.add("publishing over HTTP, mindflight CPU ms/1,000", 1, used.servers.map(each));
    rig.stop()
}

/// Prints how much more publishing costs than the plain insert of the same run.
pub(super) fn compare(sheet: &Sheet) {
    let Some(plain) = sheet.median(PLAIN) else { return };
    let cpu = sheet.median(&cpu_of(PLAIN));
    for (name, words) in [(STATEMENT, "the publishing statement"), (HTTP, "publishing over HTTP")] {
        if let Some(rate) = sheet.median(name) {
            println!("{words} takes {:.2} of a plain insert's time", plain / rate);
        }
        if let Some((ours, theirs)) = sheet.median(&cpu_of(name)).zip(cpu) {
            println!("{words} takes {:.2} of its processor time in PostgreSQL", ours / theirs);
        }
    }
}

fn cpu_of(name: &str) -> String {
    let (what, _) = name.split_once(',').unwrap_or((name, ""));
    format!("{what}, PostgreSQL CPU ms/1,000")
}

fn plain(data: &str) -> String {
    format!(
        "INSERT INTO plain (id, type, source, data) \
         VALUES (gen_random_uuid()::text, 'bench.event', 'api', '{data}');\n"
    )
}

/// The statement with which the server publishes, for one event.
fn statement(data: &str) -> String {
    format!(
        "INSERT INTO mindflight.event (id, type, source, key, depth, correlation_id, traceparent, data) \
         VALUES (gen_random_uuid()::text, 'bench.event', 'api', NULL, 0, NULL, NULL, '{data}') RETURNING seq;\n"
    )
}

/// Transactions a second.
fn pgbench(bench: &Bench, url: &str, script: &str) -> Result<f64> {
    let folder = tempfile::tempdir_in(&bench.place.folder).context("no temporary folder")?;
    let file = folder.path().join("script.sql");
    fs::write(&file, script).context("cannot write the script for pgbench")?;
    let output = Command::new(program(&bench.place.programs, "pgbench"))
        .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"])
        .args(["--client", &CLIENTS.to_string(), "--time", &bench.seconds.to_string(), "--file"])
        .arg(&file)
        .arg(url)
        .output()
        .context("cannot run pgbench")?;
    if !output.status.success() {
        bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    rate(&text).with_context(|| format!("pgbench told no rate: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rate_has_its_processor_time() {
        assert_eq!(cpu_of(PLAIN), "plain insert, PostgreSQL CPU ms/1,000");
        assert_ne!(cpu_of(STATEMENT), cpu_of(HTTP));
    }
}
