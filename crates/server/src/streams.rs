//! How many answers are open that go on until somebody ends them: they are bounded, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mindflight_api::codes;
use mindflight_core::{Error, Result};

/// How long a client is told to wait for a place.
const LATER: Duration = Duration::from_secs(5);

/// The open streams of this instance.
pub(crate) struct Streams {
    open: Arc<AtomicUsize>,
    most: usize,
}

/// One open stream; it is open until this is dropped.
pub(crate) struct Open {
    open: Arc<AtomicUsize>,
    face: &'static str,
}

impl Streams {
    pub(crate) fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Takes a place for a stream of this face.
    ///
    /// # Errors
    /// `busy` when there is none.
    pub(crate) fn open(&self, face: &'static str) -> Result<Open> {
        let more = |open: usize| (open < self.most).then_some(open + 1);
        if self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            let most = self.most;
            let detail = format!(
                "{most} streams are open on this instance, as many as `events.max_streams` allows"
            );
            return Err(Error::of(codes::BUSY, detail).wait(LATER));
        }
        metrics::gauge!("mindflight_event_streams", "face" => face).increment(1.0);
        Ok(Open { open: self.open.clone(), face })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("mindflight_event_streams", "face" => self.face).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_places_and_each_is_given_back() {
        let streams = Streams::new(2);
        let first = streams.open("sse").unwrap();
        let _second = streams.open("websocket").unwrap();
        let refused = streams.open("sse").map(drop).unwrap_err();
        assert_eq!((refused.status(), refused.name()), (503, "busy"));
        assert!(refused.detail().contains("2 streams"), "{refused}");
        drop(first);
        drop(streams.open("sse").unwrap());
    }
}
