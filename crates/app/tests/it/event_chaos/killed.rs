//! Instances that die while they publish and stream.

use std::cell::Cell;

use rustix::process::Signal;

use super::Crowd;

/// T1. Its subscribers go on elsewhere with the last id that they have seen, its publishers with the ids that they gave.
#[tokio::test]
async fn subscribers_of_a_killed_instance_go_on_elsewhere_without_hole_or_double() {
    let mut crowd = Crowd::new().await;
    let readers = crowd.readers(2).await;
    let (is_over, crowd_ref) = (Cell::new(false), &crowd);
    let killing = async {
        // In the middle: everybody has seen some.
        let seen = crowd_ref.mark().await;
        for reader in &readers {
            reader.until(seen + 50).await;
        }
        crowd_ref.servers[0].signal(Signal::KILL);
        // The first and the fourth were on it.
        for reader in [&readers[0], &readers[3]] {
            reader.connected(2).await;
        }
        let seen = crowd_ref.mark().await;
        for reader in &readers {
            reader.until(seen + 50).await;
        }
        is_over.set(true);
    };
    let (published, ()) = tokio::join!(crowd.publish_while(|| !is_over.get()), killing);
    crowd.all_see(&readers, &published).await;
    let (status, _) = crowd.servers[0].wait().await.unwrap();
    assert_eq!(status.code(), None, "it was killed");
}
