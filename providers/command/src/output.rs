//! What a program writes: the beginning is kept, the rest is read so that the program can go on.

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

/// Bytes read beyond what is kept; a program that writes more is stopped.
const MOST_DISCARDED: usize = 64 * 1024 * 1024;

/// A program writes so much that it has to be stopped.
#[derive(Debug)]
pub(crate) struct Flood;

/// The beginning of what a program wrote.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    most: usize,
    discarded: usize,
}

impl Output {
    /// Keeps at most so many bytes.
    pub(crate) const fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most, discarded: 0 }
    }

    /// Some of it was not kept.
    pub(crate) const fn is_cut(&self) -> bool {
        self.discarded > 0
    }

    /// Reads until the end, or until it is too much.
    pub(crate) async fn read(&mut self, mut pipe: Receiver) -> Result<(), Flood> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            if self.discarded > MOST_DISCARDED {
                return Err(Flood);
            }
            match pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(()),
                Ok(read) => {
                    let kept = read.min(self.most - self.bytes.len());
                    self.bytes.extend_from_slice(&buffer[..kept]);
                    self.discarded += read - kept;
                }
            }
        }
    }

    /// It as text, and whether something in it was no UTF-8.
    pub(crate) fn text(&self) -> (String, bool) {
        let mut bytes = self.bytes.as_slice();
        if let Err(error) = std::str::from_utf8(bytes)
            && self.is_cut()
            && error.error_len().is_none()
        {
            // The limit, and not the program, cut the last character.
            bytes = &bytes[..error.valid_up_to()];
        }
        let text = String::from_utf8_lossy(bytes);
        let lossy = matches!(text, std::borrow::Cow::Owned(_));
        (text.into_owned(), lossy)
    }
}
