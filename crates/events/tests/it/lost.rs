//! T25: the answer to a tick is lost after the server has given positions.

use mindflight_events::Start;
use mindflight_testapp::{TestDb, Wire};

use crate::peers::{Peer, eventually};
use crate::rig::{polled, positions, publish, reader};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_whose_answer_was_lost_gives_no_position_twice_and_leaves_none_out() {
    const EVENTS: u64 = 20;
    let db = TestDb::new().await;
    let wire = Wire::new(&db, "lossy").await;
    let lossy = Peer::start(wire.store(), polled());
    let mut all = reader(&lossy, Start::Oldest);
    for number in 0..EVENTS {
        wire.lose("ticker", "SELECT 1");
        assert_eq!(publish(&lossy, number..number + 1).await, number + 1);
        // Others see what was committed before its answer has come as far as where it is lost.
        let losses = usize::try_from(number + 1).unwrap();
        eventually("the answer is lost", async || wire.lost() == losses).await;
    }
    let expected: Vec<u64> = (1..=EVENTS).collect();
    assert_eq!(positions(&mut all, expected.len()).await, expected);
    // Whoever comes later sees the same.
    let other = Peer::start(db.store(), polled());
    let mut later = reader(&other, Start::Oldest);
    assert_eq!(positions(&mut later, expected.len()).await, expected);
    lossy.stop().await;
    other.stop().await;
}
