//! Whether the server is well.

use mindflight_api::health::Health;

use crate::{Client, Result};

impl Client {
    /// How well the server is; an unhealthy one is an answer too, not an error.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn health(&self) -> Result<Health> {
        self.json(self.get(&["health"])?.unhealthy_is_an_answer()).await
    }
}
