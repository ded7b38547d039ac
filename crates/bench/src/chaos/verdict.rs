//! Compares what callers were told with what the database says: whether a job is lost, or has counted twice.

use std::collections::{HashMap, HashSet};

use super::injector::{Happened, Pause};
use super::ledger::{Attempt, End, Ledger, Row, State};
use super::producers::{Lane, Order};
use super::victims::{Told, Victim};

/// Between a key's end and the next job with it both times are taken, and this may pass, in seconds.
const MOMENT: f64 = 1.0;

/// How long after a fault attempts may still end because of it: connections are made anew, the silent are found dead.
const AFTERMATH: f64 = 6.0;

/// Something that is not as it should be, with the jobs that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) ids: Vec<String>,
}

/// What was done and what was told.
pub(crate) struct Story<'a> {
    pub(crate) orders: &'a [Order],
    pub(crate) victims: &'a [Victim],
    pub(crate) happened: &'a [Happened],
    pub(crate) pauses: &'a [Pause],
}

/// Everything that is wrong.
pub(crate) fn findings(ledger: &Ledger, story: &Story<'_>) -> Vec<Finding> {
    let rows: HashMap<&str, &Row> = ledger.rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut found = Findings(Vec::new());
    found.add("in no place, or in more than one", ledger.misplaced.clone());
    found.add("started more often than its attempts say", ledger.unrecorded.clone());
    found.add("ended, and still holds its unique key", ledger.holding.clone());
    found.each("not ended", &ledger.rows, |row| row.state.is_none());
    found.each("counts, and has not succeeded", &ledger.rows, |row| {
        row.kind == "demo.count" && row.state != Some(State::Succeeded)
    });
    let told: Vec<&String> = story.orders.iter().flat_map(|order| &order.ids).collect();
    let lost = told.iter().filter(|id| !rows.contains_key(id.as_str()));
    found.add("answered for, and lost", lost.map(|id| (*id).clone()).collect());
    found.add("answered for twice", twice(&told));
    found.0.extend(unknown(ledger, story.orders));
    found.0.extend(overlapping(&ledger.rows));
    found.0.extend(miscounted(ledger));
    found.0.extend(victims(&rows, story.victims));
    let unexplained = ledger.attempts.iter().filter(|one| !is_explained(one, story.happened));
    found.add(
        "an attempt that no fault explains",
        unexplained.map(|one| format!("{} ({:?} {})", one.job, one.end, one.code)).collect(),
    );
    found.each("started while its queue was paused", &ledger.rows, |row| {
        row.started.is_some_and(|started| {
            story.pauses.iter().any(|(from, to)| started > from + MOMENT && started < *to)
        })
    });
    found.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &str, ids: Vec<String>) {
        if !ids.is_empty() {
            self.0.push(Finding { what: what.to_owned(), ids });
        }
    }

    fn each(&mut self, what: &str, rows: &[Row], holds: impl Fn(&Row) -> bool) {
        self.add(what, rows.iter().filter(|row| holds(row)).map(|row| row.id.clone()).collect());
    }
}

fn twice(told: &[&String]) -> Vec<String> {
    let mut seen = HashSet::new();
    told.iter().filter(|id| !seen.insert(id.as_str())).map(|id| (*id).clone()).collect()
}

/// Jobs that nobody was told of: no more than calls without an answer could have made, and arrays as a whole.
fn unknown(ledger: &Ledger, orders: &[Order]) -> Vec<Finding> {
    let told: HashSet<&str> =
        orders.iter().flat_map(|order| &order.ids).map(String::as_str).collect();
    let mut made: HashMap<&str, Vec<String>> = HashMap::new();
    for row in ledger.rows.iter().filter(|row| row.kind == "demo.count") {
        if !told.contains(row.id.as_str()) {
            // One with a key is of one order; of the others only the counter is known.
            let whose = if row.unique.is_empty() { &row.counter } else { &row.unique };
            made.entry(whose).or_default().push(row.id.clone());
        }
    }
    let mut possible: HashMap<&str, (u64, Lane)> = HashMap::new();
    for order in orders {
        let whose = order.unique.as_ref().unwrap_or(&order.counter);
        possible.entry(whose).or_insert((0, order.lane)).0 += order.unanswered * order.count;
    }
    let mut found = Findings(Vec::new());
    for (whose, ids) in made {
        let (most, lane) = possible.get(whose).copied().unwrap_or((0, Lane::Single));
        let count = ids.len() as u64;
        if count > most {
            let what = format!("made by nobody: {count} of {whose}, at most {most} unanswered");
            found.add(&what, ids);
        } else if lane == Lane::Array && !count.is_multiple_of(super::producers::ARRAY) {
            found.add(&format!("arrays of {whose} made in part: {count} jobs"), ids);
        }
    }
    found.0
}

/// Of jobs with one unique key, one at most is unfinished at any time.
fn overlapping(rows: &[Row]) -> Vec<Finding> {
    let mut of_key: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in rows.iter().filter(|row| !row.unique.is_empty()) {
        of_key.entry(&row.unique).or_default().push(row);
    }
    let mut found = Findings(Vec::new());
    for (key, mut rows) in of_key {
        rows.sort_by(|one, other| one.created.total_cmp(&other.created));
        let overlaps = rows.windows(2).any(|pair| {
            pair[0].finished.is_none_or(|finished| pair[1].created < finished - MOMENT)
        });
        if overlaps {
            let ids = rows.iter().map(|row| row.id.clone()).collect();
            found.add(&format!("two unfinished jobs with the key {key}"), ids);
        }
    }
    found.0
}

/// Each job that has succeeded has counted once, and nothing else has.
fn miscounted(ledger: &Ledger) -> Vec<Finding> {
    let mut expected: HashMap<&str, u64> = HashMap::new();
    for row in &ledger.rows {
        if row.kind == "demo.count" && row.state == Some(State::Succeeded) {
            *expected.entry(&row.counter).or_default() += 1;
        }
    }
    let mut found = Findings(Vec::new());
    let counted = ledger.counters.keys().map(String::as_str);
    let all: HashSet<&str> = expected.keys().copied().chain(counted).collect();
    for counter in all {
        let jobs = expected.get(counter).copied().unwrap_or_default();
        let count = ledger.counters.get(counter).copied().unwrap_or_default();
        if jobs != count {
            let what = format!("{counter}: {jobs} jobs have succeeded, {count} were counted");
            found.add(&what, vec![counter.to_owned()]);
        }
    }
    found.0
}

/// Whoever was told that a job is cancelled, or has ended, was told the truth.
fn victims(rows: &HashMap<&str, &Row>, victims: &[Victim]) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    for victim in victims {
        let state = rows.get(victim.id.as_str()).and_then(|row| row.state);
        let is_right = match victim.told {
            Told::Cancelled => state == Some(State::Cancelled),
            Told::Ended => state == Some(State::Succeeded),
            Told::Asked | Told::Unknown => {
                matches!(state, Some(State::Succeeded | State::Cancelled))
            }
        };
        if !is_right {
            let what =
                format!("told {:?} when it was to be cancelled, and is {state:?}", victim.told);
            found.add(&what, vec![victim.id.clone()]);
        }
    }
    found.0
}

fn is_explained(attempt: &Attempt, happened: &[Happened]) -> bool {
    // Somebody's wish.
    attempt.end == End::Cancelled
        || happened.iter().filter(|one| one.fault.disturbs()).any(|one| {
            one.from <= attempt.finished + MOMENT && one.to + AFTERMATH >= attempt.started
        })
}

/// How long jobs took from the death of their worker to their end, in seconds, the shortest first.
pub(crate) fn recoveries(ledger: &Ledger, happened: &[Happened]) -> Vec<f64> {
    let ends: HashMap<&str, f64> =
        ledger.rows.iter().filter_map(|row| Some((row.id.as_str(), row.finished?))).collect();
    // The last of them: what comes before ends in another death.
    let mut last: HashMap<&str, &Attempt> = HashMap::new();
    for attempt in ledger.attempts.iter().filter(|one| one.end == End::Crashed) {
        let known = last.entry(&attempt.job).or_insert(attempt);
        if attempt.finished > known.finished {
            *known = attempt;
        }
    }
    let mut times: Vec<f64> = last
        .iter()
        .filter_map(|(job, attempt)| {
            let deaths = happened.iter().filter(|one| one.fault.is_death()).map(|one| one.from);
            let death = deaths
                .filter(|from| (attempt.started - MOMENT..attempt.finished).contains(from))
                .reduce(f64::min)?;
            Some(ends.get(job)? - death)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

#[cfg(test)]
mod tests;
