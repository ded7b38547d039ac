//! Tells jobs to stop that have run for as long as they may: one timer for all of them, since most end long before.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::queue::Shared;

/// The longest pause between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until dropped. A job that starts after one look is seen by the next before its deadline, since no pause is
/// longer than the shortest deadline of a kind.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let now = Instant::now();
        let look = now + LOOK.min(shared.kinds.shortest_deadline());
        let next = shared.held.expire(now);
        tokio::time::sleep_until(next.map_or(look, |next| next.min(look))).await;
    }
}
