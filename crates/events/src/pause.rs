//! Pauses that keep processes from doing the same at the same time.

use std::time::Duration;

/// A pause that differs from that of other processes: between 0.75 and 1.25 of `pause`.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.75 + f64::from(share) / f64::from(u32::MAX) / 2.0)
}
