//! The outside world over HTTP, guarded by the server.

use async_trait::async_trait;
use bytes::Bytes;

use super::NotSupported;
use crate::Result;

/// Sends requests to the outside, within the operator's limits.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends; any status is an answer, 502 `upstream_error` means that there was none.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>>;
}

#[async_trait]
impl Http for NotSupported {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        Self::refuse("outgoing HTTP for providers")
    }
}
