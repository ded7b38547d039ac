//! Where work runs that waits for the disk.

use std::sync::Arc;

use mindflight_core::{Error, Result};

use crate::Filesystem;

/// Runs work that waits for the disk beside the threads that run everything else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => Err(Error::internal(error)),
    })
}

/// As [`blocking`], for a tool that works on the provider.
pub(crate) async fn on_disk<I: Send + 'static, O: Send + 'static>(
    provider: Arc<Filesystem>,
    input: I,
    work: impl FnOnce(&Filesystem, I) -> Result<O> + Send + 'static,
) -> Result<O> {
    blocking(move || work(&provider, input)).await
}
