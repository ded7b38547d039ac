//! What is read of an event: its position, and when its publisher sent it.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

/// Sent at that time: the last event of a measurement.
pub(super) const LAST: u64 = 0;

/// About as much as a small event has to say.
const PADDING: &str = "an order of some length was paid by somebody, somewhere, at some time";

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) position: u64,
    /// In nanoseconds since 1970, by the clock that publishers and subscribers share.
    pub(super) sent: u64,
}

/// The time, as it stands in events.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or(Duration::ZERO).as_nanos()).unwrap_or(u64::MAX)
}

/// The data of an event; its time stands last, where it is found without reading the rest.
pub(super) fn data(sent: u64) -> String {
    format!(r#"{{"about":"{PADDING}","sent":{sent}}}"#)
}

/// The body that publishes so many events.
pub(super) fn body(events: u32, sent: u64) -> String {
    let one = format!(r#"{{"type":"bench.event","data":{}}}"#, data(sent));
    match events {
        1 => one,
        _ => format!("[{}]", vec![one; events as usize].join(",")),
    }
}

/// Reads the lines of a stream as they come; of a chunked answer those that frame it are lines of no meaning.
#[derive(Default)]
pub(super) struct Lines {
    position: Option<u64>,
}

impl Lines {
    /// Reads the whole lines among these bytes and tells how many bytes that was.
    pub(super) fn read(&mut self, bytes: &[u8], mut see: impl FnMut(Seen)) -> Result<usize> {
        let mut done = 0;
        while let Some(length) = bytes[done..].iter().position(|byte| *byte == b'\n') {
            let line = &bytes[done..done + length];
            done += length + 1;
            if let Some(id) = line.strip_prefix(b"id: ") {
                self.position = Some(number_at_end(id).context("an id without a position")?);
            } else if let Some(data) = line.strip_prefix(b"data: ") {
                let sent = data.strip_suffix(b"}}").and_then(number_at_end);
                let position = self.position.take().context("an event without an id")?;
                // Others than ours have positions, too, and need no time.
                see(Seen { position, sent: sent.unwrap_or(u64::MAX) });
            } else if line.starts_with(b"event:") {
                bail!("a subscriber was told: {}", String::from_utf8_lossy(line));
            }
        }
        Ok(done)
    }
}

fn number_at_end(text: &[u8]) -> Option<u64> {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[text.len() - digits..]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, data: &str) -> String {
        format!(
            "id: 3f9a1c2e-{position}\ndata: {{\"sequence\":\"{position}\",\"data\":{data}}}\n\n"
        )
    }

    #[test]
    fn events_are_seen_however_their_bytes_are_cut() {
        let text = format!(
            ": connected\n\nB8\r\n{}\r\n1FF\r\n{}{}:\n\n",
            event(7, &data(1_790_000_000_123_456_789)),
            event(8, "{\"other\":true}"),
            event(9, &data(LAST)),
        );
        let bytes = text.as_bytes();
        for cut in 0..bytes.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            let done = lines.read(&bytes[..cut], |event| seen.push(event)).unwrap();
            lines.read(&bytes[done..], |event| seen.push(event)).unwrap();
            let expected = [(7, 1_790_000_000_123_456_789), (8, u64::MAX), (9, LAST)];
            assert_eq!(seen, expected.map(|(position, sent)| Seen { position, sent }), "{cut}");
        }
    }

    #[test]
    fn a_reset_or_an_event_without_an_id_is_a_mistake() {
        for text in ["event: reset\n", "data: {}\n", "id: nowhere\n"] {
            assert!(Lines::default().read(text.as_bytes(), |_| ()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_is_one_event_or_an_array() {
        for (events, sent) in [(1, now()), (3, LAST)] {
            let body: serde_json::Value = serde_json::from_str(&body(events, sent)).unwrap();
            let one = if events == 1 { &body } else { &body[2] };
            assert_eq!(
                (&one["type"], one["data"]["sent"].as_u64()),
                (&"bench.event".into(), Some(sent))
            );
        }
    }
}
