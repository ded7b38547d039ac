//! The outside world, as handlers reach it.

use std::time::Duration;

use bytes::Bytes;

use crate::ports::{self, RequestLimits};
use crate::{Error, Result};

/// The outside world over HTTP, within the operator's limits.
#[derive(Clone, Copy)]
pub struct Http<'cx> {
    port: &'cx dyn ports::Http,
    limits: RequestLimits,
    in_transaction: bool,
}

impl<'cx> Http<'cx> {
    pub(super) fn new(port: &'cx dyn ports::Http, in_transaction: bool) -> Self {
        Self { port, limits: RequestLimits::default(), in_transaction }
    }

    /// The whole exchange, with redirects and retries, takes at most this long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = Some(timeout);
        self
    }

    /// An answer of more bytes than this is an error.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.max_body = Some(bytes);
        self
    }

    /// Follows at most this many redirects; with 0 the redirect itself is the answer.
    #[must_use]
    pub fn max_redirects(mut self, redirects: u8) -> Self {
        self.limits.max_redirects = Some(redirects);
        self
    }

    /// Sends a request. Any status is an answer; [`upstream::success`](crate::upstream::success) makes an error of the bad ones.
    ///
    /// # Errors
    /// 502 `upstream_error` when there is no answer; 403 `not_allowed` when the operator lets nobody go there; 500 while
    /// a transaction is open.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        if self.in_transaction {
            return Err(Error::failed("an outside call while a transaction is open")
                .fix("Call the outside before `cx.begin()` or after `tx.finish()`."));
        }
        self.port.send(request, self.limits).await
    }

    /// Fetches `url`.
    ///
    /// # Errors
    /// 422 when `url` is none; else as [`send`](Self::send).
    pub async fn get(&self, url: &str) -> Result<http::Response<Bytes>> {
        let request = http::Request::get(url).body(Bytes::new());
        self.send(request.map_err(|e| Error::invalid(format!("`{url}` is no URL: {e}")))?).await
    }
}
