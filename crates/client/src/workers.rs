//! Workers: the processes that run jobs.

use mindflight_api::Page;
use mindflight_api::job::Worker;

use crate::{Client, Paging, Result};

/// The processes that run jobs; see [`Client::workers`].
#[derive(Debug, Clone, Copy)]
pub struct Workers<'a>(pub(crate) &'a Client);

impl Workers<'_> {
    /// One page of the workers that live.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Worker>> {
        self.0.json(self.0.get(&["api", "workers"])?.query(paging.query())).await
    }
}
