//! Tools: list, show, call.

use mindflight_api::Page;
use mindflight_api::tool::{Detail, Format, Tool};
use serde_json::Value;

use crate::{Client, Paging, Result};

/// Which tools are listed; by default all that the caller may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this provider's.
    pub provider: Option<String>,
    /// Only those that these words find.
    pub q: Option<String>,
    /// Which page of them.
    pub paging: Paging,
}

/// Tools; see [`Client::tools`].
#[derive(Debug, Clone, Copy)]
pub struct Tools<'a>(pub(crate) &'a Client);

impl Tools<'_> {
    /// One page of the tools, sorted by name.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, filter: &Filter) -> Result<Page<Tool>> {
        self.0.json(self.0.get(&["api", "tools"])?.query(filter.query())).await
    }

    /// The same in the shape that another system wants, or with less of each tool.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list_as(&self, filter: &Filter, format: Format, detail: Detail) -> Result<Value> {
        let mut query = filter.query();
        query.push(("format", word(&format)?));
        query.push(("detail", word(&detail)?));
        self.0.json(self.0.get(&["api", "tools"])?.query(query)).await
    }

    /// One tool with its schemas.
    ///
    /// # Errors
    /// If there is no such tool, or the server refuses or cannot be asked.
    pub async fn get(&self, name: &str) -> Result<Tool> {
        self.0.json(self.0.get(&["api", "tools", name])?).await
    }

    /// Calls a tool and answers its own result. Never repeated: a call may have an effect.
    ///
    /// # Errors
    /// If there is no such tool, its arguments do not fit, it fails, or the server refuses or cannot be asked.
    pub async fn call(&self, name: &str, arguments: &Value) -> Result<Value> {
        let request = self.0.post(&["api", "tools", name])?.body(arguments)?;
        self.0.json(request.timeout(self.0.settings.call_timeout)).await
    }
}

impl Filter {
    fn query(&self) -> Vec<(&'static str, String)> {
        let provider = self.provider.clone().map(|provider| ("provider", provider));
        let words = self.q.clone().map(|words| ("q", words));
        provider.into_iter().chain(words).chain(self.paging.query()).collect()
    }
}

/// The word that stands for a choice in a query: what serde writes.
fn word<T: serde::Serialize>(choice: &T) -> Result<String> {
    let value = serde_json::to_value(choice).map_err(|error| crate::Error::Encode(error.into()))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}
