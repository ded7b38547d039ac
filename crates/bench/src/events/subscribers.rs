//! Subscribers that read the log over HTTP, all on one thread: what each was given, and how late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::message::{LAST, Lines, Seen, now};
use crate::histogram::Histogram;
use crate::jobs::producer::runtime;
use crate::jobs::wire::Target;

/// Until all subscribers are connected.
const OPENING: Duration = Duration::from_secs(30);

/// Until the last event has reached the last subscriber.
const PATIENCE: Duration = Duration::from_secs(120);

/// Room for what a server sends at once.
const ROOM: usize = 64 << 10;

/// What subscribers were given.
#[derive(Default)]
pub(super) struct Tally {
    /// From just before an event was sent until its bytes were read, of those that count.
    pub(super) latencies: Histogram,
    /// All, those of the warm-up too.
    pub(super) deliveries: u64,
    /// Positions that were left out.
    pub(super) holes: u64,
    /// Positions that came again, or too late.
    pub(super) doubles: u64,
    /// Where each of them ended.
    pub(super) ends: Vec<u64>,
}

/// Subscribers that are connected.
pub(super) struct Crowd {
    ended: Receiver<Result<Tally>>,
    /// Events that were sent earlier do not count.
    from: Arc<AtomicU64>,
}

impl Crowd {
    /// Connects so many to each server; they read everything from the first position on.
    pub(super) fn gather(targets: Vec<Target>, each: u16) -> Result<Self> {
        let (ready, is_ready) = channel();
        let (done, ended) = channel();
        let from = Arc::new(AtomicU64::new(u64::MAX));
        let count = targets.len() * usize::from(each);
        let theirs = from.clone();
        thread::spawn(move || {
            // Nobody waits any more once the measurement has failed.
            drop(done.send(read_all(&targets, each, &theirs, &ready)));
        });
        for _ in 0..count {
            if is_ready.recv_timeout(OPENING).is_err() {
                // The first that failed says why.
                let why = ended.recv_timeout(Duration::from_secs(1));
                why.map_err(|_| anyhow!("subscribers do not get a stream"))??;
                bail!("subscribers ended before they began");
            }
        }
        Ok(Self { ended, from })
    }

    /// From now on latencies count that are of events sent after this time.
    pub(super) fn count_from(&self, sent: u64) {
        self.from.store(sent, Ordering::Relaxed);
    }

    /// What they were given, once all have the last event.
    pub(super) fn ended(self) -> Result<Tally> {
        let ended = self.ended.recv_timeout(PATIENCE);
        ended.map_err(|_| anyhow!("the last event does not reach every subscriber"))?
    }
}

fn read_all(
    targets: &[Target],
    each: u16,
    from: &Arc<AtomicU64>,
    ready: &Sender<()>,
) -> Result<Tally> {
    runtime()?.block_on(async {
        let mut readers = JoinSet::new();
        for target in targets {
            for _ in 0..each {
                readers.spawn(read(target.clone(), from.clone(), ready.clone()));
            }
        }
        let mut all = Tally::default();
        while let Some(ended) = readers.join_next().await {
            all.add(ended.context("a subscriber's task died")??);
        }
        Ok(all)
    })
}

/// One subscriber, up to the last event.
async fn read(target: Target, from: Arc<AtomicU64>, ready: Sender<()>) -> Result<Tally> {
    let mut stream = TcpStream::connect(target.address).await.context("cannot connect")?;
    stream.write_all(&target.get("/api/events/stream?after=0")).await?;
    let mut bytes = Vec::with_capacity(ROOM);
    let end = loop {
        more(&mut stream, &mut bytes).await?;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    ensure!(head.starts_with("HTTP/1.1 200 "), "a stream is answered with {head}");
    bytes.drain(..end);
    ready.send(()).ok();
    drop(ready);
    let (mut lines, mut tally) = (Lines::default(), Track::default());
    while !tally.is_over {
        let from = from.load(Ordering::Relaxed);
        let at = now();
        let done = lines.read(&bytes, |seen| tally.see(seen, at, from))?;
        bytes.drain(..done);
        if !tally.is_over {
            more(&mut stream, &mut bytes).await?;
        }
    }
    Ok(tally.ended())
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.reserve(ROOM);
    ensure!(stream.read_buf(bytes).await? > 0, "the server ended a stream");
    Ok(())
}

/// One subscriber's way through the log.
#[derive(Default)]
struct Track {
    tally: Tally,
    position: u64,
    is_over: bool,
}

impl Track {
    fn see(&mut self, seen: Seen, at: u64, from: u64) {
        let tally = &mut self.tally;
        tally.deliveries += 1;
        if seen.position <= self.position {
            tally.doubles += 1;
        } else {
            tally.holes += seen.position - self.position - 1;
            self.position = seen.position;
        }
        self.is_over |= seen.sent == LAST;
        if seen.sent >= from && seen.sent != u64::MAX {
            tally.latencies.record(Duration::from_nanos(at.saturating_sub(seen.sent)));
        }
    }

    fn ended(mut self) -> Tally {
        self.tally.ends.push(self.position);
        self.tally
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.latencies.add(&other.latencies);
        self.deliveries += other.deliveries;
        self.holes += other.holes;
        self.doubles += other.doubles;
        self.ends.extend(other.ends);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_doubles_are_counted_and_only_what_was_sent_in_time_is_timed() {
        let mut track = Track::default();
        for (position, sent) in
            [(1, 50), (2, u64::MAX), (4, 150), (3, 160), (4, 170), (7, 180), (8, LAST)]
        {
            assert!(!track.is_over);
            track.see(Seen { position, sent }, 200, 100);
        }
        assert!(track.is_over);
        let tally = track.ended();
        assert_eq!((tally.deliveries, tally.holes, tally.doubles), (7, 3, 2));
        assert_eq!((tally.latencies.total(), tally.ends), (4, vec![8]));
    }
}
