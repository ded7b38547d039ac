//! The audit log.

use mindflight_api::Page;
use mindflight_api::audit::Entry;

use crate::{Client, Paging, Result};

/// The audit log; see [`Client::audit`].
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a>(pub(crate) &'a Client);

impl Audit<'_> {
    /// One page of the log, newest first.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Entry>> {
        self.0.json(self.0.get(&["api", "audit"])?.query(paging.query())).await
    }
}
