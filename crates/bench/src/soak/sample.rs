//! One line of a soak: what was made and has ended since the last one, and what everything weighs.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use crate::jobs::psql::Psql;
use crate::processes;
use crate::table::cell;

/// Figures of one stretch of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// When it ended, since the beginning.
    pub(crate) at: Duration,
    pub(crate) made: f64,
    pub(crate) ended: f64,
    /// From making to the end, in milliseconds, of jobs that were made in this time.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) backlog: u64,
    /// Of all servers together, in millions of bytes.
    pub(crate) memory: Option<f64>,
    /// Rows of the two hot tables that no one sees any more.
    pub(crate) dead: u64,
    /// Of the two hot tables with their indexes, in millions of bytes.
    pub(crate) size: f64,
    /// Bytes of write-ahead log for each job that has ended.
    pub(crate) wal: Option<f64>,
}

impl Sample {
    /// What stands above the lines.
    pub(crate) fn head() -> String {
        format!(
            "{:>7}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "min",
            "made/s",
            "ended/s",
            "p50 ms",
            "p99 ms",
            "backlog",
            "RSS MB",
            "dead",
            "hot MB",
            "WAL/job"
        )
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>7.2}{:>9.0}{:>9.0}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9.1}{:>9}",
            self.at.as_secs_f64() / 60.0,
            self.made,
            self.ended,
            cell(self.p50, 2),
            cell(self.p99, 2),
            self.backlog,
            cell(self.memory, 1),
            self.dead,
            self.size,
            cell(self.wal, 0)
        )
    }
}

const OPEN: &str = "SELECT (SELECT count(*) FROM mindflight.ready WHERE kind = (SELECT id FROM mindflight.kind WHERE name = 'demo.sleep')) \
    + (SELECT count(*) FROM mindflight.lease WHERE kind = (SELECT id FROM mindflight.kind WHERE name = 'demo.sleep'))";

const HOT: &str = "SELECT coalesce(sum(n_dead_tup), 0), \
    sum(pg_total_relation_size(relid)) / 1e6, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') \
    FROM pg_stat_user_tables WHERE schemaname = 'mindflight' AND relname IN ('ready', 'lease')";

/// Takes one sample after the other.
pub(crate) struct Sampler {
    database: Psql,
    pids: Vec<u32>,
    begun: Instant,
    last: Instant,
    /// The smallest id of a job that is made from now on.
    floor: String,
    backlog: u64,
    wal: f64,
}

impl Sampler {
    pub(crate) fn new(mut database: Psql, pids: Vec<u32>) -> Result<Self> {
        let (_, _, wal) = hot(&mut database)?;
        let now = Instant::now();
        Ok(Self { database, pids, begun: now, last: now, floor: floor(), backlog: 0, wal })
    }

    /// Jobs that have not ended.
    pub(crate) fn open(&mut self) -> Result<u64> {
        self.database.value(OPEN)
    }

    /// Jobs that were made, and those of them that have succeeded.
    pub(crate) fn totals(&mut self) -> Result<(u64, u64)> {
        let jobs = self.database.value(
            "SELECT count(*) FROM mindflight.job JOIN mindflight.kind ON kind.id = job.kind WHERE kind.name = 'demo.sleep'",
        )?;
        let succeeded = self.database.value(
            "SELECT count(*) FROM mindflight.outcome JOIN mindflight.kind ON kind.id = outcome.kind \
             WHERE kind.name = 'demo.sleep' AND state = 0",
        )?;
        Ok((jobs, succeeded))
    }

    /// What has happened since the last one.
    pub(crate) fn take(&mut self) -> Result<Sample> {
        let (from, to) = (std::mem::replace(&mut self.floor, floor()), self.floor.clone());
        let now = Instant::now();
        let time = (now - std::mem::replace(&mut self.last, now)).as_secs_f64();
        let backlog = self.open()?;
        let made: u64 = self.database.value(&jobs("count(*)", "", &from, &to))?;
        let [p50, p99] = [0.5, 0.99].map(|part| {
            let what = format!(
                "percentile_disc({part}) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at)) * 1e3"
            );
            jobs(&what, "JOIN mindflight.outcome ON outcome.job = job.id", &from, &to)
        });
        let p50: String = self.database.value(&p50)?;
        let p99: String = self.database.value(&p99)?;
        let (dead, size, wal) = hot(&mut self.database)?;
        let ended = (made + self.backlog).saturating_sub(backlog);
        let used = wal - std::mem::replace(&mut self.wal, wal);
        self.backlog = backlog;
        let memory = processes::memory_of_all(&self.pids);
        Ok(Sample {
            at: now - self.begun,
            made: made as f64 / time,
            ended: ended as f64 / time,
            p50: p50.parse().ok(),
            p99: p99.parse().ok(),
            backlog,
            memory: memory.map(|memory| memory.resident as f64 / 1e6),
            dead,
            size,
            wal: (ended > 0).then(|| used / ended as f64),
        })
    }
}

/// Of the jobs that were made between two ids.
fn jobs(what: &str, join: &str, from: &str, to: &str) -> String {
    format!(
        "SELECT {what} FROM mindflight.job {join} WHERE job.id >= '{from}' AND job.id < '{to}' \
         AND job.kind = (SELECT id FROM mindflight.kind WHERE name = 'demo.sleep')"
    )
}

fn hot(database: &mut Psql) -> Result<(u64, f64, f64)> {
    let rows = database.rows(HOT)?;
    let number = |at: usize| {
        let cell = rows.first().and_then(|row| row.get(at));
        cell.and_then(|cell| cell.parse::<f64>().ok()).unwrap_or_default()
    };
    Ok((number(0) as u64, number(1), number(2)))
}

fn floor() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    first_id(since)
}

/// The smallest id that is made at this time: an id begins with its time in milliseconds.
fn first_id(since_1970: Duration) -> String {
    let hex = format!("{:012x}", since_1970.as_millis());
    format!("{}-{}-7000-8000-000000000000", &hex[..8], &hex[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_with_their_time() {
        let at = Duration::from_millis(0x0190_abcd_ef01);
        assert_eq!(first_id(at), "0190abcd-ef01-7000-8000-000000000000");
        assert!(first_id(at) < first_id(at + Duration::from_millis(1)));
    }

    #[test]
    fn lines_stand_below_their_head() {
        let sample = Sample { made: 2000.0, p99: Some(12.5), ..Sample::default() };
        assert_eq!(sample.to_string().chars().count(), Sample::head().chars().count());
    }
}
