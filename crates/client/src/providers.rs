//! Providers: what is linked, whether it serves, switching it on and off.

use mindflight_api::Page;
use mindflight_api::provider::Provider;

use crate::{Client, Result};

/// Providers; see [`Client::providers`].
#[derive(Debug, Clone, Copy)]
pub struct Providers<'a>(pub(crate) &'a Client);

impl Providers<'_> {
    /// All providers, also those that are off; the list is short and has one page.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self) -> Result<Page<Provider>> {
        self.0.json(self.0.get(&["api", "providers"])?).await
    }

    /// Switches a provider on, on every instance.
    ///
    /// # Errors
    /// If there is no such provider, or the server refuses or cannot be asked.
    pub async fn enable(&self, name: &str) -> Result<Provider> {
        self.0.json(self.0.post(&["api", "providers", name, "enable"])?).await
    }

    /// Switches a provider off, on every instance.
    ///
    /// # Errors
    /// If there is no such provider, or the server refuses or cannot be asked.
    pub async fn disable(&self, name: &str) -> Result<Provider> {
        self.0.json(self.0.post(&["api", "providers", name, "disable"])?).await
    }
}
