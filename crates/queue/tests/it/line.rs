//! T11: jobs that run one at a time run in the order in which they were made.

use std::sync::atomic::Ordering;

use crate::bench::One;
use crate::rig::{Rig, quick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_is_one_after_the_other_over_four_engines() {
    let rig = Rig::idle().await;
    let mut engines = Vec::new();
    for _ in 0..4 {
        engines.push(rig.second(quick()).await);
    }
    rig.engine.enqueue_all(60, |number| One { key: number.to_string(), n: 0 }).await;
    rig.succeed(60).await;
    let seen = &rig.engine.seen;
    let expected: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    assert_eq!(*seen.order.lock().unwrap(), expected);
    assert_eq!(seen.most.load(Ordering::SeqCst), 1);
}
