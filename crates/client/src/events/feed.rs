//! The bytes of an open stream as messages: bounded in size and in silence.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use reqwest::Response;
use sse_stream::{Sse, SseStream};

/// A server says something every 15 s; one that is silent for so long is gone, though nobody said so.
const SILENCE: Duration = Duration::from_secs(60);

/// The largest event is a quarter of that.
const LARGEST: usize = 1 << 20;

/// The messages of one connection.
pub(super) type Feed = BoxStream<'static, Result<Sse, sse_stream::Error>>;

/// Why a connection gives no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
    #[error("the server has been silent for {SILENCE:?}")]
    Silent,
    #[error("a message is larger than {LARGEST} bytes")]
    TooLarge,
}

/// Reads the messages of an answer.
pub(super) fn messages(response: Response) -> Feed {
    let bytes =
        stream::try_unfold((response, Size::default()), async |(mut response, mut size)| {
            let read = tokio::time::timeout(SILENCE, response.chunk()).await;
            let Some(chunk) = read.map_err(|_| Cut::Silent)?.map_err(Cut::Broken)? else {
                return Ok::<_, Cut>(None);
            };
            size.add(&chunk)?;
            Ok(Some((chunk, (response, size))))
        });
    SseStream::from_bytes_stream(bytes).boxed()
}

/// How much of a message has come: the parser itself would keep whatever comes.
#[derive(Default)]
struct Size {
    bytes: usize,
    line: usize,
}

impl Size {
    fn add(&mut self, chunk: &[u8]) -> Result<(), Cut> {
        for byte in chunk {
            self.bytes += 1;
            match byte {
                // An empty line ends a message.
                b'\n' if self.line == 0 => self.bytes = 0,
                b'\n' => self.line = 0,
                b'\r' => {}
                _ => self.line += 1,
            }
            if self.bytes > LARGEST {
                return Err(Cut::TooLarge);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_be_large_and_many_may_come_but_none_without_end() {
        let mut size = Size::default();
        let line = [&vec![b'x'; LARGEST - 3][..], b"\r\n"].concat();
        for _ in 0..3 {
            size.add(&line).unwrap();
            size.add(b"\n").unwrap();
        }
        size.add(&line).unwrap();
        assert!(matches!(size.add(b"data: x\n"), Err(Cut::TooLarge)));
    }
}
