//! The floor: plain SQL statements on tables like ours, as fast as they go. What is missing to it is our own cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::cluster::Cluster;
use super::figures::Figures;
use super::{Class, Effort, drivers};

/// Jobs are made in whole calls of so many.
const CALL: u64 = 10_000;

/// Our tables: bodies, what waits (with a copy of the arguments), leases, ends; the claim begins where it ended.
const HISTORY: &str = "s2-hist-dup-mix-uuid-hint";
const NO_HISTORY: &str = "s2-del-dup-mix-uuid-hint";
const ENQUEUE: &str = "s2-dup-uuid";

/// A figure of the raw statements, and the one of ours that it is the floor of.
pub(super) struct Floor {
    pub(super) name: &'static str,
    /// These are added up, as those of ours are.
    pub(super) raw: Vec<String>,
    pub(super) ours: &'static [&'static str],
}

/// What there is of it for a class.
pub(super) fn floors(class: Class) -> [Floor; 7] {
    let drain = if class == Class::History { HISTORY } else { NO_HISTORY };
    let drained = |name: &str| format!("{drain}  {name}");
    let made = |name: &str| vec![format!("{ENQUEUE} {name} enq")];
    let floor = |name, raw, ours| Floor { name, raw, ours };
    let (bulk, both) =
        (&["enqueue_bulk.chunk10000"], &["enqueue_bulk.wal_per_job", "drain.wal_per_job"]);
    [
        floor("drain, jobs/s", vec![drained("rate")], &["drain.net"]),
        floor("PostgreSQL CPU s/100k", vec![drained("pg_cpu")], &["drain.pg_cpu_per_100k"]),
        floor("WAL bytes/job", vec![drained("wal_enq"), drained("wal_run")], both),
        floor("bulk enqueue, UNNEST, jobs/s", made("unnest10000"), bulk),
        floor("bulk enqueue, COPY, jobs/s", made("copy10000"), bulk),
        floor("singles, 8 callers, jobs/s", made("single8"), &["enqueue_single.c8"]),
        floor("singles, 16 callers, jobs/s", made("single16"), &["enqueue_single.c16"]),
    ]
}

/// Builds the program, where its sources are.
pub(super) fn prepare(sources: &Path, folder: &Path) -> Option<PathBuf> {
    if !sources.join("Cargo.toml").is_file() {
        println!("no raw statements in {}: the gap to them is not shown", sources.display());
        return None;
    }
    let built = drivers::copy(sources, folder).and_then(|()| drivers::build(folder));
    match built {
        Ok(()) => Some(folder.join("target/release/shapes-bench")),
        Err(error) => {
            println!("the raw statements do not build, so the gap to them is not shown: {error:#}");
            None
        }
    }
}

pub(super) fn run(
    program: &Path,
    cluster: &Cluster,
    folder: &Path,
    effort: Effort,
) -> Result<Figures> {
    println!("\nraw SQL statements on tables like ours");
    let out = folder.join("raw.tsv");
    let jobs = format!("n={}", effort.jobs.next_multiple_of(CALL));
    let rounds = format!("reps={}", effort.rounds);
    let calls: [&[&str]; 6] = [
        &["drain", HISTORY, &jobs, &rounds],
        &["drain", NO_HISTORY, &jobs, &rounds],
        &["enq", ENQUEUE, "b=10000", &rounds],
        &["enq", ENQUEUE, "b=10000", "copy=1", &rounds],
        &["single", ENQUEUE, "c=8", &rounds],
        &["single", ENQUEUE, "c=16", &rounds],
    ];
    for args in calls {
        let status = Command::new(program)
            .args(args)
            .env("SHAPES_PG", cluster.folder())
            .env("SHAPES_OUT", &out)
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("cannot run {}", program.display()))?;
        if !status.success() {
            println!("# {} ended with {status}", args.join(" "));
        }
    }
    Ok(Figures::read_raw(&fs::read_to_string(&out).unwrap_or_default()))
}
