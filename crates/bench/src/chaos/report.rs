//! What a run comes to, in lines: what was done, what was made, how soon it recovered, and what is wrong.

use std::collections::BTreeMap;

use super::draw::Fault;
use super::ledger::{End, Ledger, State};
use super::verdict::{Finding, Story, recoveries};
use crate::table::cell;

/// Ids that are shown of each finding.
const SHOWN: usize = 10;

/// The whole report.
pub(crate) fn lines(ledger: &Ledger, story: &Story<'_>, skipped: usize) -> Vec<String> {
    let mut lines = faults(story, skipped);
    lines.extend(jobs(ledger, story));
    lines.extend(attempts(ledger));
    let times = recoveries(ledger, story.happened);
    let middle = times.get(times.len() / 2).copied();
    lines.push(String::new());
    lines.push(line("jobs whose worker died", times.len()));
    lines.push(format!(
        "  {:<40}{:>10} p50 {:>8} max",
        "s from the death to the end",
        cell(middle, 2),
        cell(times.last().copied(), 2)
    ));
    lines
}

/// What is wrong, each with the first of its jobs.
pub(crate) fn wrong(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for Finding { what, ids } in findings {
        lines.push(format!("WRONG: {what}: {}", ids.len()));
        lines.extend(ids.iter().take(SHOWN).map(|id| format!("  {id}")));
    }
    lines
}

fn faults(story: &Story<'_>, skipped: usize) -> Vec<String> {
    let mut lines = vec!["faults".to_owned()];
    for (fault, _) in Fault::ALL {
        let count = story.happened.iter().filter(|one| one.fault == fault).count();
        lines.push(line(fault.name(), count));
    }
    lines.push(line("met nobody", skipped));
    lines
}

fn jobs(ledger: &Ledger, story: &Story<'_>) -> Vec<String> {
    let made = ledger.rows.iter().filter(|row| row.kind == "demo.count").count();
    let of = |state| ledger.rows.iter().filter(|row| row.state == Some(state)).count();
    let accepted: usize = story.orders.iter().map(|order| order.ids.len()).sum();
    let unanswered: u64 = story.orders.iter().map(|order| order.unanswered).sum();
    vec![
        String::new(),
        "jobs".to_owned(),
        line("that count, answered for", accepted),
        line("that count, made", made),
        line("calls without an answer", unanswered as usize),
        line("to be cancelled, answered for", story.victims.len()),
        line("succeeded", of(State::Succeeded)),
        line("cancelled", of(State::Cancelled)),
        line("failed", of(State::Failed)),
        line("counted", ledger.counters.values().sum::<u64>() as usize),
    ]
}

fn attempts(ledger: &Ledger) -> Vec<String> {
    let mut lines = vec![String::new(), "attempts that did not end their job well".to_owned()];
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in &ledger.attempts {
        let name = match attempt.end {
            End::Failed => format!("failed: {}", attempt.code),
            End::Snoozed => "put off".to_owned(),
            End::Crashed => "crashed".to_owned(),
            End::Returned => "handed back".to_owned(),
            End::Cancelled => "cancelled".to_owned(),
        };
        *kinds.entry(name).or_default() += 1;
    }
    lines.extend(kinds.into_iter().map(|(name, count)| line(&name, count)));
    lines
}

fn line(name: &str, count: usize) -> String {
    format!("  {name:<40}{count:>10}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_shown_with_the_first_of_its_jobs() {
        let ids = (0..30).map(|number| format!("job-{number}")).collect();
        let lines = wrong(&[Finding { what: "lost".to_owned(), ids }]);
        assert_eq!(lines[0], "WRONG: lost: 30");
        assert_eq!(lines.len(), 1 + SHOWN);
        assert!(wrong(&[]).is_empty());
    }
}
