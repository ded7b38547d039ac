//! How long the jobs here wait before they try again: so short that nobody who tries them waits.

use std::time::Duration;

use mindflight_core::policy::Backoff;

/// 100 ms doubling to 5 s ± 25 %.
pub(crate) fn quick() -> Backoff {
    Backoff {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(5),
        ..Backoff::default()
    }
}
