//! A new database with servers on it, and the processor time that both use.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Bench;
use crate::instance::Instance;
use crate::jobs::psql::{Psql, with_database};
use crate::jobs::wire::Target;
use crate::processes;

const DATABASE: &str = "events";

/// Servers on a database of their own.
pub(super) struct Rig {
    servers: Vec<Instance>,
    key: String,
    postmaster: u32,
}

impl Rig {
    pub(super) fn start(bench: &Bench, instances: u16) -> Result<Self> {
        let url = database(bench)?;
        let start = |_| {
            let mut command = bench.program.serve(&url);
            command.env("LOG_LEVEL", "warn").env("MINDFLIGHT_LIMITS__ENABLED", "false");
            command.envs(bench.settings.iter().map(|(name, value)| (name, value)));
            Instance::start(&mut command, None::<&Path>)
        };
        let servers: Result<Vec<Instance>> = (0..instances).map(start).collect();
        let servers = servers.context("mindflight does not start")?;
        let key = bench.program.create_admin_key(&url)?;
        Ok(Self { servers, key, postmaster: bench.place.postmaster })
    }

    /// The servers, as a caller sees them.
    pub(super) fn targets(&self) -> Vec<Target> {
        let target =
            |server: &Instance| Target { address: server.address(), key: self.key.clone() };
        self.servers.iter().map(target).collect()
    }

    /// What has been used until now.
    pub(super) fn meter(&self) -> Meter {
        Meter {
            at: Instant::now(),
            servers: self.servers.iter().map(|server| processes::cpu(server.pid())).sum(),
            postgres: processes::cpu_of_tree(self.postmaster),
            own: processes::cpu(std::process::id()),
        }
    }

    /// Stops the servers; each has to end well.
    pub(super) fn stop(self) -> Result<()> {
        self.servers.into_iter().try_for_each(Instance::stop)
    }
}

/// Makes the database anew, at this program's schema.
pub(super) fn database(bench: &Bench) -> Result<String> {
    let place = &bench.place;
    let mut admin = Psql::open(&place.programs, &place.database_url)?;
    admin.run(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    admin.run(&format!("CREATE DATABASE {DATABASE}"))?;
    let url = with_database(&place.database_url, DATABASE);
    bench.program.migrate(&url)?;
    admin.run("CHECKPOINT")?;
    Ok(url)
}

/// What has been used until some time.
pub(super) struct Meter {
    at: Instant,
    servers: Option<Duration>,
    postgres: Option<Duration>,
    own: Option<Duration>,
}

/// What was used between two times.
#[derive(Debug, PartialEq)]
pub(super) struct Used {
    pub(super) time: Duration,
    pub(super) servers: Option<Duration>,
    pub(super) postgres: Option<Duration>,
    /// That of publishers and subscribers.
    pub(super) own: Option<Duration>,
}

impl Meter {
    /// What was used since then.
    pub(super) fn since(&self, then: &Self) -> Used {
        let between = |now: Option<Duration>, then: Option<Duration>| now?.checked_sub(then?);
        Used {
            time: self.at - then.at,
            servers: between(self.servers, then.servers),
            postgres: between(self.postgres, then.postgres),
            own: between(self.own, then.own),
        }
    }
}

impl Used {
    /// Processor time in per cent of one core.
    pub(super) fn percent(&self, cpu: Option<Duration>) -> Option<f64> {
        Some(cpu?.as_secs_f64() / self.time.as_secs_f64() * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_lies_between_two_looks() {
        let (at, second) = (Instant::now(), Duration::from_secs);
        let meter = |seconds: u64, own: Option<Duration>| Meter {
            at: at + second(seconds),
            servers: Some(second(seconds)),
            postgres: Some(second(2 * seconds)),
            own,
        };
        let used = meter(3, None).since(&meter(1, Some(second(1))));
        let expected = Used {
            time: second(2),
            servers: Some(second(2)),
            postgres: Some(second(4)),
            own: None,
        };
        assert_eq!(used, expected);
        assert_eq!(used.percent(used.postgres), Some(200.0));
        assert_eq!(used.percent(None), None);
    }
}
