//! A new database with servers on it, and what they use: the ground of one measurement.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::Bench;
use super::producer::{End, Plan, run, runtime};
use super::psql::{Psql, with_database};
use super::wire::{Talk, Target};
use crate::instance::Instance;
use crate::processes;

pub(super) const DATABASE: &str = "jobs";

/// Between two looks at whether everything has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Much longer than any measurement takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// Jobs that run before anything is measured: connections open, statements are prepared, caches fill.
const WARM_UP: u32 = 500;

/// Tables of jobs that have ended.
const HISTORY: &str = "mindflight.job, mindflight.outcome, mindflight.attempt, mindflight.log_line, mindflight.progress";

/// How many servers, and whether they keep what has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) processes: usize,
    pub(crate) keeps_history: bool,
}

/// Servers on a database of their own.
pub(crate) struct Rig<'a> {
    bench: &'a Bench,
    pub(crate) database: Psql,
    servers: Vec<Instance>,
    key: String,
}

impl<'a> Rig<'a> {
    /// Makes the database anew, starts the servers on it and lets them run some jobs.
    pub(crate) fn start(bench: &'a Bench, shape: Shape) -> Result<Self> {
        let place = &bench.place;
        let mut admin = Psql::open(&place.programs, &place.database_url)?;
        admin.run(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
        admin.run(&format!("CREATE DATABASE {DATABASE}"))?;
        let url = with_database(&place.database_url, DATABASE);
        let servers: Result<Vec<Instance>> =
            (0..shape.processes).map(|_| bench.start(&url, shape.keeps_history)).collect();
        let servers = servers.context("mindflight does not start")?;
        let key = bench.program.create_admin_key(&url)?;
        let database = Psql::open(&place.programs, &url)?;
        let mut rig = Self { bench, database, servers, key };
        rig.warm_up()?;
        Ok(rig)
    }

    /// The servers, as a caller sees them.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let target =
            |server: &Instance| Target { address: server.address(), key: self.key.clone() };
        self.servers.iter().map(target).collect()
    }

    /// One request for each server.
    pub(crate) fn requests(&self, body: &str) -> Vec<(std::net::SocketAddr, Vec<u8>)> {
        let targets = self.targets();
        targets.iter().map(|to| (to.address, to.post("/api/jobs", body))).collect()
    }

    /// From now on no job is started.
    pub(crate) fn pause(&self) -> Result<()> {
        self.operate("pause")
    }

    /// From now on jobs are started again.
    pub(crate) fn resume(&self) -> Result<()> {
        self.operate("resume")
    }

    fn operate(&self, what: &str) -> Result<()> {
        let target = self.targets().into_iter().next().context("there is no server")?;
        let path = format!("/api/queues/{}/{what}", self.bench.kind.provider());
        runtime()?
            .block_on(async {
                let request = target.post(&path, "");
                Talk::open(target.address).await?.ask(&request).await.map(drop)
            })
            .with_context(|| format!("POST {path}"))
    }

    fn warm_up(&mut self) -> Result<()> {
        let requests = self.requests(&self.bench.kind.several(WARM_UP));
        let calls = requests.len();
        run(Plan { requests, callers: calls, end: End::Calls(calls as u64), rate: None })
            .context("the warm-up")?;
        self.wait_until_done()?;
        self.forget()
    }

    /// Takes away what has ended, and gives the database time to write.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.database.run(&format!("TRUNCATE {HISTORY}"))?;
        self.settle()
    }

    /// Nothing of what came before is left to be done.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.database.run("VACUUM ANALYZE")?;
        self.database.run("CHECKPOINT")
    }

    /// The number of a queue that has had jobs.
    pub(super) fn queue(&mut self, name: &str) -> Result<i16> {
        self.database.value(&format!("SELECT id FROM mindflight.queue WHERE name = '{name}'"))
    }

    /// Jobs of a queue that have not ended.
    pub(super) fn open_in(&mut self, queue: i16) -> Result<u64> {
        self.database.value(&format!(
            "SELECT (SELECT count(*) FROM mindflight.ready WHERE queue = {queue}) \
             + (SELECT count(*) FROM mindflight.lease WHERE queue = {queue})"
        ))
    }

    /// Waits until every job of a queue that is due has ended.
    pub(super) fn wait_until_empty(&mut self, queue: i16) -> Result<()> {
        self.wait_while(&format!(
            "SELECT EXISTS (SELECT FROM mindflight.ready WHERE queue = {queue}) \
             OR EXISTS (SELECT FROM mindflight.lease WHERE queue = {queue})"
        ))
    }

    /// Jobs that have not ended.
    pub(crate) fn open(&mut self) -> Result<u64> {
        self.database.value(
            "SELECT (SELECT count(*) FROM mindflight.ready) + (SELECT count(*) FROM mindflight.lease)",
        )
    }

    /// Waits until every job that is due has ended, which is to be seen by all.
    pub(crate) fn wait_until_done(&mut self) -> Result<()> {
        self.wait_while(
            "SELECT EXISTS (SELECT FROM mindflight.ready) OR EXISTS (SELECT FROM mindflight.lease)",
        )
    }

    /// Waits as long as this is so.
    #[expect(clippy::disallowed_methods, reason = "nobody else says that the queue is empty")]
    pub(super) fn wait_while(&mut self, condition: &str) -> Result<()> {
        let begun = Instant::now();
        while self.database.holds(condition)? {
            ensure!(begun.elapsed() < PATIENCE, "{} jobs do not end", self.open()?);
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// What has been used until now.
    pub(crate) fn meter(&mut self) -> Result<Meter> {
        let wal =
            self.database.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")?;
        let servers = self.servers.iter().map(|server| processes::cpu(server.pid())).sum();
        let postgres = processes::cpu_of_tree(self.bench.place.postmaster);
        Ok(Meter { at: Instant::now(), wal, postgres, servers })
    }

    /// Another session on this database.
    pub(super) fn session(&self) -> Result<Psql> {
        let place = &self.bench.place;
        Psql::open(&place.programs, &with_database(&place.database_url, DATABASE))
    }

    /// Stops the servers; each has to end well.
    pub(crate) fn stop(self) -> Result<()> {
        self.servers.into_iter().try_for_each(Instance::stop)
    }

    /// Stops the servers, and gives the disk back.
    pub(super) fn discard(self) -> Result<()> {
        let place = &self.bench.place;
        let mut admin = Psql::open(&place.programs, &place.database_url)?;
        self.stop()?;
        admin.run(&format!("DROP DATABASE {DATABASE} WITH (FORCE)"))
    }
}

/// What has been used until some time.
pub(crate) struct Meter {
    at: Instant,
    /// Bytes of write-ahead log.
    wal: f64,
    postgres: Option<Duration>,
    servers: Option<Duration>,
}

/// What was used between two times.
pub(crate) struct Used {
    pub(crate) time: Duration,
    pub(crate) wal: f64,
    pub(crate) postgres: Option<Duration>,
    pub(crate) servers: Option<Duration>,
}

impl Meter {
    /// What was used since then.
    pub(crate) fn since(&self, then: &Self) -> Used {
        let between = |now: Option<Duration>, then: Option<Duration>| now?.checked_sub(then?);
        Used {
            time: self.at - then.at,
            wal: self.wal - then.wal,
            postgres: between(self.postgres, then.postgres),
            servers: between(self.servers, then.servers),
        }
    }
}

impl Bench {
    fn start(&self, url: &str, keeps_history: bool) -> Result<Instance> {
        let provider = self.kind.provider();
        let mut command = self.program.serve(url);
        command
            .env("LOG_LEVEL", "warn")
            .env("MINDFLIGHT_LIMITS__ENABLED", "false")
            .env(format!("MINDFLIGHT_PROVIDERS__{}__ENABLED", provider.to_uppercase()), "true");
        if !keeps_history {
            command.env("MINDFLIGHT_JOBS__WITHOUT_HISTORY", format!("[\"{provider}\"]"));
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        Instance::start(&mut command, None::<&Path>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_lies_between_two_looks() {
        let at = Instant::now();
        let second = Duration::from_secs;
        let before = Meter { at, wal: 100.0, postgres: Some(second(1)), servers: None };
        let after = Meter {
            at: at + second(2),
            wal: 350.0,
            postgres: Some(second(4)),
            servers: Some(second(1)),
        };
        let used = after.since(&before);
        assert_eq!((used.time, used.wal), (second(2), 250.0));
        assert_eq!((used.postgres, used.servers), (Some(second(3)), None));
    }
}
