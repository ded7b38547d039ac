//! What one process asks the database when it has nothing to do, and how often.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::Bench;
use super::psql::Psql;
use super::rig::{DATABASE, Rig, Shape};
use super::sheet::Sheet;

/// The figure that has a bound.
pub(super) const TRANSACTIONS: &str = "nothing to do, transactions/s";

/// Until what came before is over: pauses have grown, and statistics are written.
const CALM: Duration = Duration::from_secs(12);

/// How long is counted.
const SPAN: Duration = Duration::from_secs(20);

/// The longest part of a statement that is printed.
const SHOWN: usize = 90;

pub(super) fn run(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let rig = Rig::start(bench, Shape { processes: 1, keeps_history: true })?;
    // In another database: what it asks itself is not counted.
    let mut admin = Psql::open(&bench.place.programs, &bench.place.database_url)?;
    // Its workers have transactions of their own.
    set(&mut admin, "autovacuum", "off")?;
    wait(CALM);
    let own: u32 = admin.value("SELECT pg_backend_pid()")?;
    let log = log(&mut admin)?;
    set(&mut admin, "log_statement", "'all'")?;
    let skipped = fs::read(&log).map_or(0, |bytes| bytes.len());
    let before = transactions(&mut admin)?;
    wait(SPAN);
    let after = transactions(&mut admin)?;
    admin.run("ALTER SYSTEM RESET ALL")?;
    admin.run("SELECT pg_reload_conf()")?;
    let rate = (after - before) / SPAN.as_secs_f64();
    sheet.add(TRANSACTIONS, 2, Some(rate));
    let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let text = String::from_utf8_lossy(text.get(skipped..).unwrap_or_default()).into_owned();
    let statements = statements(&text, own);
    let all: u32 = statements.values().sum();
    let each = |count: u32| f64::from(count) / SPAN.as_secs_f64();
    sheet.add("nothing to do, statements/s", 2, Some(each(all)));
    let mut often: Vec<(String, u32)> = statements.into_iter().collect();
    often.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (statement, count) in often {
        let statement: String = statement.chars().take(SHOWN).collect();
        println!("    {:>6.2}/s  {statement}", each(count));
    }
    rig.stop()
}

fn set(admin: &mut Psql, name: &str, value: &str) -> Result<()> {
    admin.run(&format!("ALTER SYSTEM SET {name} = {value}"))?;
    admin.run("SELECT pg_reload_conf()")
}

fn transactions(admin: &mut Psql) -> Result<f64> {
    admin.value(&format!(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{DATABASE}'"
    ))
}

/// Beside the cluster's data, where what the server says goes.
fn log(admin: &mut Psql) -> Result<PathBuf> {
    let data: PathBuf = admin.value("SHOW data_directory")?;
    let places = [data.join("log"), data.with_file_name("log")];
    places.iter().find(|place| place.is_file()).cloned().context("the server has no log")
}

#[expect(
    clippy::disallowed_methods,
    reason = "that nothing happens cannot be waited for otherwise"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// How often each statement was run, by the server's log; what `own` ran does not count.
fn statements(log: &str, own: u32) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = statement(line) else { continue };
        let mut text = first.to_owned();
        // A statement of several lines: each but the first begins with a tab.
        while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
            text.push(' ');
            text.push_str(more);
        }
        if !line.contains(&format!("[{own}]")) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            *counts.entry(text).or_default() += 1;
        }
    }
    counts
}

/// The statement in a line, with or without a name that it was prepared under.
fn statement(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" LOG:  ")?;
    rest.strip_prefix("statement: ")
        .or_else(|| Some(rest.strip_prefix("execute ")?.split_once(": ")?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_counted_whatever_name_they_were_prepared_under() {
        let log = "2026-11-21 10:00:00.000 UTC [7] LOG:  execute sqlx_s_1: SELECT a\n\tFROM b\n\
            2026-11-21 10:00:00.000 UTC [7] DETAIL:  parameters: $1 = '1'\n\
            2026-11-21 10:00:01.000 UTC [8] LOG:  execute sqlx_s_9: SELECT a\n\tFROM b\n\
            2026-11-21 10:00:01.000 UTC [8] LOG:  statement: BEGIN\n\
            2026-11-21 10:00:01.000 UTC [9] LOG:  statement: SELECT pg_reload_conf()\n\
            2026-11-21 10:00:02.000 UTC [3] LOG:  checkpoint complete\n";
        let counts = statements(log, 9);
        let expected = [("BEGIN".to_owned(), 1), ("SELECT a FROM b".to_owned(), 2)];
        assert_eq!(counts, BTreeMap::from(expected));
    }
}
