//! What a state of the database may cost, and what a process with nothing to do may ask: figures with a bound.

use super::sheet::Sheet;
use super::{backlog, horizon, idle};
use crate::table::verdict;

/// Drains and steady rates keep so much of what they have without a backlog and with a free horizon.
const KEPT: f64 = 0.8;

/// Transactions a second of a process with nothing to do.
const IDLE: f64 = 5.0;

/// A list or a count over many jobs takes so many milliseconds at most.
const LIST: f64 = 50.0;

/// The figures that are compared, and whether more is better.
const COMPARED: [(&str, bool); 3] = [
    ("drain, jobs/s", true),
    ("2,000/s singles, made a second", true),
    ("2,000/s singles, made → ended, p50 ms", false),
];

pub(super) fn print(sheet: &Sheet) {
    for (without, with) in [(backlog::EMPTY, backlog::FULL), (horizon::FREE, horizon::HELD)] {
        for (what, is_more_better) in COMPARED {
            let figure = |state: &str| sheet.median(&format!("{state}, {what}"));
            let Some((without, value)) = figure(without).zip(figure(with)) else { continue };
            let kept = kept(without, value, is_more_better);
            let verdict = verdict(kept >= KEPT);
            println!("{with}, {what}: keeps {kept:.2}; target ≥ {KEPT}: {verdict}");
        }
    }
    for path in backlog::LISTS {
        if let Some(most) = sheet.median(&backlog::slowest(path)) {
            let verdict = verdict(most <= LIST);
            println!(
                "{}, GET {path}: at most {most:.1} ms; target ≤ {LIST}: {verdict}",
                backlog::FULL
            );
        }
    }
    if let Some(rate) = sheet.median(idle::TRANSACTIONS) {
        println!("{}: {rate:.2}; target ≤ {IDLE}: {}", idle::TRANSACTIONS, verdict(rate <= IDLE));
    }
}

/// The part that is left, of a rate or of a speed.
fn kept(without: f64, with: f64, is_more_better: bool) -> f64 {
    if is_more_better { with / without } else { without / with }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_keeps_less() {
        assert!((kept(100.0, 80.0, true) - 0.8).abs() < 1e-9);
        assert!((kept(1.0, 1.25, false) - 0.8).abs() < 1e-9);
    }
}
