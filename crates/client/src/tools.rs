//! Tools: list, show, call.

use std::time::Duration;

use mindflight_api::Page;
use mindflight_api::job::Job;
use mindflight_api::tool::{Detail, Format, Tool};
use serde::Deserialize;
use serde_json::Value;

use crate::transport::{Query, whole_seconds};
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

/// When a call is to go on as a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// At once.
    Async,
    /// When it has no result after this long; rounded up to seconds.
    Wait(Duration),
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// The tool's own result.
    Result(Value),
    /// The job that the call has become.
    Job(Box<Job>),
}

/// The body of 202.
#[derive(Deserialize)]
struct Accepted {
    job: Job,
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
        query.push(("format".into(), word(&format)?));
        query.push(("detail".into(), word(&detail)?));
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

    /// Calls a tool that may answer with a job instead of its result. A server that does not follow the preference
    /// answers with the result, so both must be expected. Never repeated.
    ///
    /// # Errors
    /// As [`Tools::call`]; a tool that fails as a job is no error here.
    pub async fn call_or_job(
        &self,
        name: &str,
        arguments: &Value,
        prefer: Prefer,
    ) -> Result<Called> {
        let request = self.0.post(&["api", "tools", name])?.body(arguments)?;
        let request = request.timeout(self.0.settings.call_timeout).prefer(prefer.header());
        let answer = self.0.result_or_job::<Value, Accepted>(request).await?;
        Ok(match answer {
            Ok(result) => Called::Result(result),
            Err(accepted) => Called::Job(Box::new(accepted.job)),
        })
    }
}

impl Prefer {
    fn header(self) -> String {
        match self {
            Self::Async => "respond-async".to_owned(),
            Self::Wait(time) => format!("wait={}", whole_seconds(time)),
        }
    }
}

impl Filter {
    fn query(&self) -> Query {
        let provider = self.provider.clone().map(|provider| ("provider".into(), provider));
        let words = self.q.clone().map(|words| ("q".into(), words));
        provider.into_iter().chain(words).chain(self.paging.query()).collect()
    }
}

/// The word that stands for a choice in a query: what serde writes.
fn word<T: serde::Serialize>(choice: &T) -> Result<String> {
    let value = serde_json::to_value(choice).map_err(|error| crate::Error::Encode(error.into()))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}
