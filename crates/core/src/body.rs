//! Bodies of route answers: bytes at once, or a stream.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// What a route answers with.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece.
    Stream(Box<dyn Pieces>),
}

/// A body that is made while it is sent.
#[async_trait]
pub trait Pieces: Send {
    /// The next piece; `None` ends the body, an error cuts the connection.
    async fn next(&mut self) -> Option<Result<Bytes>>;
}

impl Body {
    /// A body that is made while it is sent.
    pub fn stream(pieces: impl Pieces + 'static) -> Self {
        Self::Stream(Box::new(pieces))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Body::Whole({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Body::Stream"),
        }
    }
}
