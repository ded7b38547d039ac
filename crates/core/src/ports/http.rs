//! The outside world over HTTP, guarded by the server.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::NotSupported;
use crate::Result;

/// Sends requests to the outside, within the operator's limits.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends; any status is an answer, 502 `upstream_error` means that there was none.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: RequestLimits,
    ) -> Result<http::Response<Bytes>>;
}

/// How far one request may go. What is not set is as the operator says; nothing goes beyond what the operator says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// For the whole exchange, with its redirects and retries.
    pub timeout: Option<Duration>,
    /// Of the answer, in bytes after decompression; a larger one is 502 `upstream_error`.
    pub max_body: Option<usize>,
    /// How many redirects are followed; with 0 the redirect itself is the answer.
    pub max_redirects: Option<u8>,
}

#[async_trait]
impl Http for NotSupported {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: RequestLimits,
    ) -> Result<http::Response<Bytes>> {
        Self::refuse("outgoing HTTP for providers")
    }
}
