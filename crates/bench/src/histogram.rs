//! Latencies in buckets that grow with the value: constant memory, and an error below two per cent.

use std::time::Duration;

/// Each doubling is divided into this many buckets, as a power of two.
const FINENESS: u32 = 5;
const PARTS: usize = 1 << FINENESS;
const BUCKETS: usize = (64 - FINENESS as usize + 1) * PARTS;

/// How often which latency was seen.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// How many were recorded.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The latency that this part of all does not exceed; zero if there are none.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let rank = ((self.total as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(middle(bucket));
            }
        }
        Duration::ZERO
    }
}

/// Small values have a bucket each; above, the highest bits choose it.
fn bucket(value: u64) -> usize {
    if value < PARTS as u64 {
        return value as usize;
    }
    let shift = value.ilog2() - FINENESS;
    (shift as usize + 1) * PARTS + (value >> shift) as usize - PARTS
}

fn middle(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let shift = bucket / PARTS - 1;
    let lowest = ((bucket % PARTS + PARTS) as u64) << shift;
    lowest + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_values_bucket_is_close_to_the_value() {
        let powers = (0..64).map(|power| 1_u64 << power);
        let others = [0, 31, 33, 63, 100, 12_345, 999_999_937, u64::MAX];
        for value in powers.chain(others) {
            let near = middle(bucket(value));
            let error = value.abs_diff(near) as f64 / (value.max(1)) as f64;
            assert!(error <= 1.0 / 64.0, "{value} became {near}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_the_recorded_values() {
        let mut histogram = Histogram::default();
        for microseconds in 1..=1000 {
            histogram.record(Duration::from_micros(microseconds));
        }
        for (part, microseconds) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0), (0.0, 1.0)] {
            let found = histogram.quantile(part).as_secs_f64() * 1e6;
            let error = (found - microseconds).abs() / microseconds;
            assert!(error < 0.02, "{part}: {found}");
        }
    }

    #[test]
    fn two_histograms_become_one() {
        let (mut one, mut two) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_nanos(10));
        two.record(Duration::from_nanos(20));
        two.record(Duration::from_nanos(30));
        one.add(&two);
        assert_eq!(one.total(), 3);
        assert_eq!(one.quantile(0.5), Duration::from_nanos(20));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
