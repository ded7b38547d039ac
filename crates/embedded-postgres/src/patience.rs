//! Waiting for another process, which can only be looked at again and again.

use std::time::{Duration, Instant};

/// True as soon as the condition holds, false when the time is over.
pub(crate) fn until(timeout: Duration, poll: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + timeout;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        pause(poll);
    }
}

#[expect(clippy::disallowed_methods, reason = "a process that is not our child sends no event")]
pub(crate) fn pause(poll: Duration) {
    std::thread::sleep(poll);
}
