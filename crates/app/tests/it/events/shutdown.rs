//! A server that is told to end, ends, whoever still listens.

use std::time::{Duration, Instant};

use super::wire::{Socket, Sse};
use crate::rig::Rig;

#[tokio::test]
async fn open_streams_end_with_the_server_at_once_and_it_exits_well() {
    let Rig { server, db } =
        Rig::with(|launch| launch.env("MINDFLIGHT_SERVER__GRACE", "50s")).await;
    let key = crate::rig::key(&db, "events:read").await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(Sse::open(&server, &key, "").await);
    }
    let mut socket = Socket::open(&server, &key, "").await;
    let began = Instant::now();
    let ((status, log), closed) =
        tokio::join!(async { server.terminate().await.unwrap() }, socket.closed());
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(closed, (1001, "the server is shutting down".to_owned()));
    // Far from the grace, however slow the machine is.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}: {log}", began.elapsed());
    for stream in &mut streams {
        while stream.message().await.is_some() {}
    }
}
