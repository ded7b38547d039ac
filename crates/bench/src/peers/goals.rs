//! Our figures beside those of the best other queue of the class, and what they are to reach.

use super::figures::Figures;
use super::raw::floors;
use super::{Class, OURS, Peer, STEADY};
use crate::table::{cell, verdict};

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
enum Goal {
    /// At least so many times the best one's figure.
    Times(f64),
    /// At most this part of the best one's figure.
    Part(f64),
    /// At most so much, whatever the others do.
    AtMost(f64),
    /// Nothing; the more the better.
    More,
    /// Nothing; the less the better.
    Less,
}

impl Goal {
    fn is_more_better(self) -> bool {
        matches!(self, Self::Times(_) | Self::More)
    }

    /// Whether it is reached; nothing where there is nobody to compare with.
    fn is_reached(self, ours: f64, best: Option<f64>) -> Option<bool> {
        match self {
            Self::Times(times) => Some(ours >= times * best?),
            Self::Part(part) => Some(ours <= part * best?),
            Self::AtMost(most) => Some(ours <= most),
            Self::More | Self::Less => None,
        }
    }

    fn described(self) -> String {
        match self {
            Self::Times(times) => format!("≥ {times} ×"),
            Self::Part(part) => format!("≤ {part} ×"),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::More | Self::Less => String::new(),
        }
    }
}

/// A figure that is compared.
struct Row {
    name: String,
    /// Figures of the script, which are added up.
    of: Vec<String>,
    decimals: usize,
    goal: Goal,
    /// The rate that has to be held for the figure to count.
    rate: Option<u32>,
}

impl Row {
    fn new(name: &str, of: &[&str], decimals: usize, goal: Goal) -> Self {
        let of = of.iter().map(|of| (*of).to_owned()).collect();
        Self { name: name.to_owned(), of, decimals, goal, rate: None }
    }

    fn value(&self, figures: &Figures) -> Option<f64> {
        if self.rate.is_some_and(|rate| !holds(figures, rate)) {
            return None;
        }
        figures.sum(&self.of)
    }
}

/// Whether the rate was offered and everything was run in time.
fn holds(figures: &Figures, rate: u32) -> bool {
    let made = figures.get(&format!("steady{rate}.offered_achieved"));
    let late = figures.get(&format!("steady{rate}.catch_up"));
    made.is_some_and(|made| made >= 0.97 * f64::from(rate)) && late.is_some_and(|late| late < 2.0)
}

fn rows(class: Class) -> Vec<Row> {
    let drain = if class == Class::History { 4.0 } else { 2.0 };
    let mut rows = vec![
        Row::new("drain net, jobs/s", &["drain.net"], 0, Goal::Times(drain)),
        Row::new("bulk enqueue, jobs/s", &["enqueue_bulk.chunk10000"], 0, Goal::Times(2.0)),
        Row::new("singles, 8 callers, jobs/s", &["enqueue_single.c8"], 0, Goal::Times(2.0)),
        Row::new("singles, 16 callers, jobs/s", &["enqueue_single.c16"], 0, Goal::Times(2.0)),
        Row::new("idle start p50, ms", &["idle.latency_p50"], 2, Goal::AtMost(1.0)),
        Row::new("idle start p95, ms", &["idle.latency_p95"], 2, Goal::Less),
        Row::new("idle start p99, ms", &["idle.latency_p99"], 2, Goal::AtMost(3.0)),
    ];
    for (rate, call) in STEADY {
        let (calls, middle, slow) = match call {
            1 => ("singles".to_owned(), Goal::AtMost(2.0), Goal::Less),
            _ => (format!("by {call}"), Goal::AtMost(2.5), Goal::AtMost(15.0)),
        };
        let name = format!("steady {rate}/s {calls}, made a second");
        let made = format!("steady{rate}.offered_achieved");
        rows.push(Row::new(&name, &[&made], 0, Goal::More));
        for (part, goal) in [("p50", middle), ("p99", slow)] {
            let name = format!("steady {rate}/s {calls} {part}, ms");
            let of = format!("steady{rate}.latency_{part}");
            rows.push(Row { rate: Some(rate), ..Row::new(&name, &[&of], 2, goal) });
        }
    }
    let both = ["enqueue_bulk.wal_per_job", "drain.wal_per_job"];
    rows.extend([
        Row::new("PostgreSQL CPU s/100k", &["drain.pg_cpu_per_100k"], 2, Goal::Part(0.5)),
        Row::new("WAL bytes/job, made and run", &both, 0, Goal::Part(0.5)),
        Row::new("worker CPU s/100k", &["drain.worker_cpu_per_100k"], 2, Goal::Less),
    ]);
    rows
}

/// The best of these, with the name of whose it is.
fn best<'a>(row: &Row, others: &[(&'a str, &Figures)]) -> Option<(f64, &'a str)> {
    let values = others.iter().filter_map(|(name, figures)| Some((row.value(figures)?, *name)));
    values.reduce(|one, other| {
        let is_better = if row.goal.is_more_better() { other.0 > one.0 } else { other.0 < one.0 };
        if is_better { other } else { one }
    })
}

/// Prints a table for each class, and our gap to the raw statements.
pub(super) fn print(measured: &[(&Peer, Figures)], floor: Option<&Figures>) {
    for class in Class::ALL {
        let of_class = measured.iter().filter(|(peer, _)| peer.class == class);
        let (ours, others): (Vec<_>, Vec<_>) = of_class
            .map(|(peer, figures)| (peer.name, figures))
            .partition(|(name, _)| *name == OURS);
        let Some((_, ours)) = ours.first() else { continue };
        let head = ["ours", "best peer", "ratio", "target", ""].map(str::to_owned);
        println!("\n{}", line(class.name(), &head));
        for row in rows(class) {
            println!("{}", compared(&row, ours, &others));
        }
        if let Some(floor) = floor {
            let head = ["ours", "raw SQL", "ratio"].map(str::to_owned);
            println!("\n{}", line(&format!("{}: raw SQL", class.name()), &head));
            for one in floors(class) {
                let (ours, raw) = (ours.sum(one.ours), floor.sum(&one.raw));
                let ratio = ours.zip(raw).map(|(ours, raw)| ours / raw);
                println!("{}", line(one.name, &[figure(ours), figure(raw), cell(ratio, 2)]));
            }
        }
    }
}

fn compared(row: &Row, ours: &Figures, others: &[(&str, &Figures)]) -> String {
    let (value, best) = (row.value(ours), best(row, others));
    let theirs = best.map(|(value, _)| value);
    let ratio = value.zip(theirs).map(|(ours, theirs)| ours / theirs);
    let reached = match value {
        Some(value) => row.goal.is_reached(value, theirs).map_or("", verdict),
        None if matches!(row.goal, Goal::More | Goal::Less) => "",
        // Not measured, or a rate that was not held.
        None => verdict(false),
    };
    let cells = [
        cell(value, row.decimals),
        cell(theirs, row.decimals),
        cell(ratio, 2),
        row.goal.described(),
        reached.to_owned(),
    ];
    let whose = best.map(|(_, name)| format!("  {name}")).unwrap_or_default();
    format!("{}{whose}", line(&row.name, &cells))
}

/// Large ones without decimals.
fn figure(value: Option<f64>) -> String {
    cell(value, if value.is_some_and(|value| value < 100.0) { 2 } else { 0 })
}

fn line(first: &str, others: &[String]) -> String {
    let others = others.iter().map(|cell| format!("{cell:>11}"));
    format!("{first:<40}{}", others.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(lines: &[(&str, f64)]) -> Figures {
        let lines = lines.iter().map(|(name, value)| format!("x\t{name}\t{value}\tu\n"));
        Figures::read(&lines.collect::<String>())
    }

    #[test]
    fn the_best_is_the_most_of_a_rate_and_the_least_of_a_cost() {
        let (one, two) = (
            figures(&[("drain.net", 10.0), ("drain.pg_cpu_per_100k", 1.0)]),
            figures(&[("drain.net", 20.0), ("drain.pg_cpu_per_100k", 2.0)]),
        );
        let others = [("one", &one), ("two", &two)];
        let rows = rows(Class::History);
        let named = |name: &str| rows.iter().find(|row| row.name.starts_with(name)).unwrap();
        assert_eq!(best(named("drain net"), &others), Some((20.0, "two")));
        assert_eq!(best(named("PostgreSQL CPU"), &others), Some((1.0, "one")));
        assert_eq!(best(named("bulk"), &others), None);
    }

    #[test]
    fn a_latency_counts_only_if_the_rate_was_held() {
        let rows = rows(Class::NoHistory);
        let row = rows.iter().find(|row| row.name == "steady 2000/s singles p50, ms").unwrap();
        let of = |made: f64, late: f64| {
            figures(&[
                ("steady2000.latency_p50", 1.5),
                ("steady2000.offered_achieved", made),
                ("steady2000.catch_up", late),
            ])
        };
        assert_eq!(row.value(&of(1999.0, 0.1)), Some(1.5));
        assert_eq!(row.value(&of(1500.0, 0.1)), None);
        assert_eq!(row.value(&of(2000.0, 15.0)), None);
        let line = compared(row, &of(1500.0, 0.1), &[("one", &of(2000.0, 0.0))]);
        assert!(line.contains("missed") && line.ends_with("  one"), "{line}");
    }

    #[test]
    fn each_kind_of_goal_is_judged() {
        assert_eq!(Goal::Times(2.0).is_reached(20.0, Some(10.0)), Some(true));
        assert_eq!(Goal::Times(2.0).is_reached(19.9, Some(10.0)), Some(false));
        assert_eq!(Goal::Part(0.5).is_reached(5.0, Some(10.0)), Some(true));
        assert_eq!(Goal::Part(0.5).is_reached(5.0, None), None);
        assert_eq!(Goal::AtMost(1.0).is_reached(1.1, None), Some(false));
        assert_eq!(Goal::Less.is_reached(1.0, Some(2.0)), None);
    }

    #[test]
    fn what_is_made_and_run_is_added_up() {
        let both = figures(&[("enqueue_bulk.wal_per_job", 600.0), ("drain.wal_per_job", 800.0)]);
        let rows = rows(Class::History);
        let row = rows.iter().find(|row| row.name.starts_with("WAL")).unwrap();
        assert_eq!(row.value(&both), Some(1400.0));
        assert_eq!(row.value(&figures(&[("drain.wal_per_job", 800.0)])), None);
    }
}
