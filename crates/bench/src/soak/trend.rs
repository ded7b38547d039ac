//! Where a figure is going: a line through its samples, and how much further its end is than its beginning.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::sample::Sample;

/// Fewer say nothing.
const FEWEST: usize = 3;

/// What a figure may become, as a multiple of what it was.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
    /// It is told and not judged.
    Any,
}

/// One figure over the judged time.
#[derive(Debug, PartialEq)]
pub(crate) struct Trend {
    name: &'static str,
    from: f64,
    to: f64,
    limit: Limit,
}

impl Trend {
    fn ratio(&self) -> f64 {
        if self.from > 0.0 { self.to / self.from } else { 1.0 }
    }

    /// Whether it has become what it must not.
    pub(crate) fn is_bad(&self) -> bool {
        match self.limit {
            Limit::AtLeast(part) => self.ratio() < part,
            Limit::AtMost(times) => self.ratio() > times,
            Limit::Any => false,
        }
    }
}

impl Display for Trend {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, from, to, limit } = self;
        let change = (self.ratio() - 1.0) * 100.0;
        write!(f, "{name:<32}{from:>10.1} → {to:>10.1}{change:>+8.1} %")?;
        match limit {
            Limit::AtLeast(part) => write!(f, ", allowed ≥ {:+.0} %", (part - 1.0) * 100.0),
            Limit::AtMost(times) => write!(f, ", allowed ≤ {:+.0} %", (times - 1.0) * 100.0),
            Limit::Any => Ok(()),
        }
    }
}

/// The figures that tell whether something declines or grows, of the samples after the warm-up.
pub(crate) fn judged(samples: &[Sample], warm_up: Duration) -> Result<Vec<Trend>> {
    let samples: Vec<&Sample> = samples.iter().filter(|sample| sample.at > warm_up).collect();
    ensure!(
        samples.len() >= FEWEST,
        "{} samples after the warm-up say nothing: take more --minutes, or a shorter --every",
        samples.len()
    );
    let trend = |name, limit, figure: &dyn Fn(&Sample) -> Option<f64>| {
        let points: Vec<(f64, f64)> = samples
            .iter()
            .filter_map(|sample| Some((sample.at.as_secs_f64(), figure(sample)?)))
            .collect();
        let (from, to) = fitted(&points)?;
        Some(Trend { name, from, to, limit })
    };
    let all = [
        trend("ended a second", Limit::AtLeast(0.95), &|sample| Some(sample.ended)),
        trend("made → ended, p50 ms", Limit::Any, &|sample| sample.p50),
        trend("made → ended, p99 ms", Limit::AtMost(2.0), &|sample| sample.p99),
        trend("memory of the servers, MB", Limit::AtMost(1.2), &|sample| sample.memory),
        trend("ready and lease, MB", Limit::Any, &|sample| Some(sample.size)),
        trend("WAL bytes a job", Limit::Any, &|sample| sample.wal),
    ];
    Ok(all.into_iter().flatten().collect())
}

/// The line with the least squares through these points, at the first and at the last of them.
fn fitted(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let (first, last) = (points.first()?.0, points.last()?.0);
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|point| (point.0 - mean_x).powi(2)).sum();
    let common: f64 = points.iter().map(|point| (point.0 - mean_x) * (point.1 - mean_y)).sum();
    let slope = if spread > 0.0 { common / spread } else { 0.0 };
    let at = |x: f64| mean_y + slope * (x - mean_x);
    Some((at(first), at(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(figures: impl Fn(f64) -> Sample) -> Vec<Sample> {
        let sample = |minute: u32| Sample {
            at: Duration::from_secs(60) * minute,
            ..figures(f64::from(minute))
        };
        (1..=60).map(sample).collect()
    }

    fn steady(_: f64) -> Sample {
        Sample {
            ended: 2000.0,
            p50: Some(2.0),
            p99: Some(9.0),
            memory: Some(100.0),
            ..Sample::default()
        }
    }

    fn bad(figures: impl Fn(f64) -> Sample) -> Vec<&'static str> {
        let trends = judged(&samples(figures), Duration::from_secs(300)).unwrap();
        trends.iter().filter(|trend| trend.is_bad()).map(|trend| trend.name).collect()
    }

    #[test]
    fn what_stays_as_it_is_is_good_also_if_it_is_noisy() {
        assert_eq!(bad(steady), [] as [&str; 0]);
        let noisy = |minute: f64| Sample {
            ended: 2000.0 + 150.0 * (minute * 2.3).sin(),
            p99: Some(9.0 + 5.0 * (minute * 1.7).sin()),
            ..steady(minute)
        };
        assert_eq!(bad(noisy), [] as [&str; 0]);
    }

    #[test]
    fn what_declines_or_grows_is_found() {
        let slower = |minute| Sample { ended: 2000.0 - 3.0 * minute, ..steady(minute) };
        assert_eq!(bad(slower), ["ended a second"]);
        let later = |minute| Sample { p99: Some(5.0 + minute), ..steady(minute) };
        assert_eq!(bad(later), ["made → ended, p99 ms"]);
        let heavier = |minute| Sample { memory: Some(100.0 + minute), ..steady(minute) };
        assert_eq!(bad(heavier), ["memory of the servers, MB"]);
    }

    #[test]
    fn what_happens_in_the_warm_up_is_not_judged() {
        let warm = |minute: f64| Sample {
            memory: Some(if minute <= 5.0 { 10.0 } else { 100.0 }),
            ..steady(minute)
        };
        assert_eq!(bad(warm), [] as [&str; 0]);
        assert!(judged(&samples(steady)[..7], Duration::from_secs(300)).is_err());
    }

    #[test]
    fn a_line_goes_through_points_that_lie_on_one() {
        let points: Vec<(f64, f64)> = (0..5).map(|x| (f64::from(x), 3.0 - f64::from(x))).collect();
        let (from, to) = fitted(&points).unwrap();
        assert!((from - 3.0).abs() < 1e-9 && (to + 1.0).abs() < 1e-9, "{from} {to}");
        assert_eq!(fitted(&[]), None);
    }
}
