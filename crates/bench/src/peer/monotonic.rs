//! The clock that all processes of a machine share, and that nobody sets.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds since some time in the past.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds * 1_000_000 + nanoseconds / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back() {
        let first = now();
        assert!(first > 0);
        assert!(now() >= first);
    }
}
