//! What the database says at the end: every job, every attempt that did not end well, every counter.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use crate::jobs::psql::Psql;

/// A job as it is at the end. Times are in seconds since 1970.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// Its counter; empty for those that count nothing.
    pub(crate) counter: String,
    pub(crate) unique: String,
    pub(crate) state: Option<State>,
    pub(crate) created: f64,
    pub(crate) started: Option<f64>,
    pub(crate) finished: Option<f64>,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Succeeded,
    Failed,
    Cancelled,
}

/// How an attempt ended that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Failed,
    Snoozed,
    Crashed,
    Returned,
    Cancelled,
}

/// An attempt that did not end well.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) job: String,
    pub(crate) end: End,
    pub(crate) started: f64,
    pub(crate) finished: f64,
    pub(crate) code: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) rows: Vec<Row>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) counters: HashMap<String, u64>,
    /// Jobs that are in no place, or in more than one.
    pub(crate) misplaced: Vec<String>,
    /// Jobs that were started more often than their attempts say.
    pub(crate) unrecorded: Vec<String>,
    /// Jobs that have ended and still hold a unique key or a slot.
    pub(crate) holding: Vec<String>,
}

const ROWS: &str = "SELECT job.id, kind.name, coalesce(job.args ->> 'key', ''), \
    coalesce(job.meta ->> 'unique_key', ''), outcome.state, extract(epoch FROM job.created_at), \
    extract(epoch FROM outcome.started_at), extract(epoch FROM outcome.finished_at) \
    FROM mindflight.job JOIN mindflight.kind ON kind.id = job.kind \
    LEFT JOIN mindflight.outcome ON outcome.job = job.id \
    WHERE kind.name IN ('demo.count', 'demo.sleep')";

const ATTEMPTS: &str = "SELECT job, ended, extract(epoch FROM coalesce(started_at, finished_at)), \
    extract(epoch FROM finished_at), coalesce(error ->> 'code', '') FROM mindflight.attempt";

const COUNTERS: &str = "SELECT substr(key, 7), value FROM mindflight.memory \
    WHERE key LIKE 'count:%'";

const MISPLACED: &str = "WITH place AS ( \
    SELECT id FROM mindflight.ready UNION ALL SELECT id FROM mindflight.scheduled \
    UNION ALL SELECT id FROM mindflight.blocked UNION ALL SELECT id FROM mindflight.lease \
    UNION ALL SELECT job FROM mindflight.outcome), \
    places AS (SELECT id, count(*) AS places FROM place GROUP BY id) \
    SELECT id FROM mindflight.job FULL JOIN places USING (id) \
    WHERE job.kind IS NULL OR places.places IS DISTINCT FROM 1";

const UNRECORDED: &str = "SELECT outcome.job FROM mindflight.outcome LEFT JOIN \
    (SELECT job, array_agg(attempt) AS attempts FROM mindflight.attempt GROUP BY job) AS ends \
    ON ends.job = outcome.job WHERE greatest(outcome.attempt - 1, 0) <> \
    (SELECT count(*) FROM unnest(ends.attempts) AS attempt WHERE attempt < outcome.attempt)";

const HOLDING: &str = "SELECT unique_key.job FROM mindflight.unique_key \
    JOIN mindflight.outcome ON outcome.job = unique_key.job WHERE expires_at IS NULL";

impl Ledger {
    pub(crate) fn read(database: &mut Psql) -> Result<Self> {
        let rows = database.rows(ROWS)?;
        let attempts = database.rows(ATTEMPTS)?;
        let counters = database.rows(COUNTERS)?;
        let mut ids = |sql: &str| -> Result<Vec<String>> {
            Ok(database.rows(sql)?.into_iter().flatten().collect())
        };
        Ok(Self {
            misplaced: ids(MISPLACED)?,
            unrecorded: ids(UNRECORDED)?,
            holding: ids(HOLDING)?,
            rows: all(&rows, row)?,
            attempts: all(&attempts, attempt)?,
            counters: all(&counters, |cells| {
                let [key, value] = cells else { return None };
                Some((key.clone(), value.parse().ok()?))
            })?
            .into_iter()
            .collect(),
        })
    }
}

fn all<T>(rows: &[Vec<String>], read: impl Fn(&[String]) -> Option<T>) -> Result<Vec<T>> {
    rows.iter().map(|row| read(row).with_context(|| format!("not understood: {row:?}"))).collect()
}

fn row(cells: &[String]) -> Option<Row> {
    let [id, kind, counter, unique, state, created, started, finished] = cells else { return None };
    Some(Row {
        id: id.clone(),
        kind: kind.clone(),
        counter: counter.clone(),
        unique: unique.clone(),
        state: match state.as_str() {
            "" => None,
            "0" => Some(State::Succeeded),
            "1" => Some(State::Failed),
            "2" => Some(State::Cancelled),
            _ => return None,
        },
        created: created.parse().ok()?,
        started: started.parse().ok(),
        finished: finished.parse().ok(),
    })
}

fn attempt(cells: &[String]) -> Option<Attempt> {
    let [job, ended, started, finished, code] = cells else { return None };
    let end = match ended.as_str() {
        "0" => End::Failed,
        "1" => End::Snoozed,
        "2" => End::Crashed,
        "3" => End::Returned,
        "4" => End::Cancelled,
        _ => return None,
    };
    let (started, finished) = (started.parse().ok()?, finished.parse().ok()?);
    Some(Attempt { job: job.clone(), end, started, finished, code: code.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn a_job_is_read_whether_it_has_ended_or_not() {
        let done = row(&cells("a|demo.count|k|u|0|1.5|2.5|3.5")).unwrap();
        assert_eq!((done.state, done.finished), (Some(State::Succeeded), Some(3.5)));
        let open = row(&cells("a|demo.count|k|||1.5||")).unwrap();
        assert_eq!((open.state, open.started, open.created), (None, None, 1.5));
        assert!(row(&cells("a|demo.count|k||9|1.5||")).is_none());
    }

    #[test]
    fn an_attempt_is_read_with_its_end() {
        let crashed = attempt(&cells("a|2|1|2.25|worker_lost")).unwrap();
        assert_eq!((crashed.end, crashed.finished), (End::Crashed, 2.25));
        assert!(attempt(&cells("a|7|1|2|")).is_none());
    }
}
