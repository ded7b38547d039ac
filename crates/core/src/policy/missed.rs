//! Which times of a schedule are made up for after a pause.

use chrono::{DateTime, Utc};

/// What happens to times that passed while no server ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// Nothing.
    #[default]
    Skip,
    /// One job, for the latest of them.
    Latest,
    /// One job for each.
    All,
}

/// Which of `passed`, the times of a schedule since it last fired in rising order, get a job at `now`.
///
/// The latest is on time, under every policy, if it is no older than `grace`.
#[must_use]
pub fn due(
    passed: &[DateTime<Utc>],
    now: DateTime<Utc>,
    grace: chrono::TimeDelta,
    missed: Missed,
) -> &[DateTime<Utc>] {
    let Some((latest, _)) = passed.split_last() else {
        return &[];
    };
    let last = &passed[passed.len() - 1..];
    match missed {
        Missed::All => passed,
        Missed::Latest => last,
        Missed::Skip if now - *latest <= grace => last,
        Missed::Skip => &[],
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn each_policy_picks_its_times() {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let (passed, grace) = ([at(0), at(5), at(10)], TimeDelta::seconds(30));
        assert!(due(&passed, at(12), grace, Missed::Skip).is_empty());
        assert_eq!(due(&passed, at(10), grace, Missed::Skip), [at(10)]);
        assert_eq!(due(&passed, at(12), grace, Missed::Latest), [at(10)]);
        assert_eq!(due(&passed, at(12), grace, Missed::All), passed);
        assert!(due(&[], at(12), grace, Missed::All).is_empty());
    }
}
