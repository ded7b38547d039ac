//! Servers that are told to end while somebody streams from them.

use super::Crowd;

/// T23, for streams.
#[tokio::test]
async fn who_is_told_to_end_closes_its_streams_and_they_go_on_elsewhere() {
    let mut crowd = Crowd::new().await;
    let readers = crowd.readers(2).await;
    let before = crowd.publish_each(0, 5).await;
    let (status, log) = crowd.servers.remove(0).terminate().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    for reader in [&readers[0], &readers[3]] {
        reader.connected(2).await;
    }
    crowd.all_see(&readers, &before).await;
    drop(readers);
    for server in crowd.servers {
        let (status, log) = server.terminate().await.unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}
