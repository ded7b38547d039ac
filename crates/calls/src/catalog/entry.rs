//! One tool, compiled: its schemas, limits and meters.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::tool::{Annotations, Tool as Listed};
use mindflight_api::{Scope, codes};
use mindflight_core::tools::Tool;
use mindflight_core::{Caller, Error, ProviderContext, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Settings;
use crate::breaker::Breaker;
use crate::meters::Meters;
use crate::rate::Rate;
use crate::validate::Schema;

/// One tool, compiled.
pub struct Entry {
    /// The wire name.
    pub name: String,
    pub(crate) provider: ProviderContext,
    pub(crate) tool: Arc<Tool>,
    pub(crate) input: Schema,
    pub(crate) output: Option<Schema>,
    pub(crate) breaker: Breaker,
    pub(crate) meters: Meters,
    scopes: Vec<Scope>,
    slots: Option<Semaphore>,
    rate: Option<Rate>,
    listed: Listed,
}

impl Entry {
    /// Compiles `tool`, or says why it cannot be used.
    pub(crate) fn compile(
        name: String,
        provider: ProviderContext,
        tool: Arc<Tool>,
        settings: &Settings,
    ) -> Result<Self, String> {
        let input = Schema::compile(&tool.input)
            .map_err(|error| format!("the schema of its arguments cannot be used: {error}"))?;
        // `true` allows everything: nothing to check on the hot path.
        let output = (tool.output != serde_json::Value::Bool(true))
            .then(|| Schema::compile(&tool.output))
            .transpose()
            .map_err(|error| format!("the schema of its result cannot be used: {error}"))?;
        if tool.options.confirm {
            return Err("it asks for confirmation, which this server cannot give yet".to_owned());
        }
        if tool.options.cache_for.is_some() && !tool.options.read_only {
            return Err("it wants its results kept, and is not `read_only`".to_owned());
        }
        let mut scopes = vec![Scope::ToolsCallOne(name.clone())];
        if let Some(scope) = &tool.options.scope {
            scopes.push(scope.parse().map_err(|error| format!("{error}"))?);
        }
        Ok(Self {
            listed: list(&name, &provider, &tool),
            meters: Meters::new(&name),
            breaker: Breaker::new(settings),
            slots: tool.options.concurrency.map(Semaphore::new),
            rate: tool.options.rate.map(Rate::new),
            name,
            provider,
            tool,
            input,
            output,
            scopes,
        })
    }

    /// The tool as it is listed.
    #[must_use]
    pub fn listed(&self) -> &Listed {
        &self.listed
    }

    /// Whether `caller` has the scopes to call it.
    #[must_use]
    pub fn is_open_to(&self, caller: &Caller) -> bool {
        self.scopes.iter().all(|scope| caller.may(scope))
    }

    /// Refuses a caller who has not the scopes to call it, naming the first that is missing.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn require(&self, caller: &Caller) -> Result<()> {
        self.scopes.iter().try_for_each(|scope| caller.require(scope))
    }

    pub(crate) fn authorize(&self, caller: &Caller) -> Result<()> {
        self.require(caller)?;
        self.rate.as_ref().map_or(Ok(()), |rate| rate.check(caller))
    }

    /// A slot of the tool's concurrency cap, waited for at most `wait`.
    pub(crate) async fn slot(&self, wait: Duration) -> Result<Option<SemaphorePermit<'_>>> {
        let Some(slots) = &self.slots else {
            return Ok(None);
        };
        match tokio::time::timeout(wait, slots.acquire()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => {
                let detail = format!("all slots of `{}` are taken", self.name);
                Err(Error::of(codes::BUSY, detail).wait(Duration::from_secs(1)))
            }
        }
    }
}

fn list(name: &str, provider: &ProviderContext, tool: &Tool) -> Listed {
    let options = &tool.options;
    Listed {
        name: name.to_owned(),
        provider: provider.name().to_owned(),
        title: title(&tool.name),
        description: tool.about.clone(),
        input_schema: tool.input.clone(),
        output_schema: tool.output.clone(),
        annotations: Annotations {
            read_only: options.read_only,
            destructive: options.destructive,
            idempotent: options.idempotent || options.read_only,
            transactional: options.transactional,
            timeout_ms: u64::try_from(options.timeout.as_millis()).unwrap_or(u64::MAX),
            scope: options.scope.clone(),
            aliases: std::iter::once(format!("{}.{}", provider.name(), tool.name))
                .chain(options.aliases.iter().cloned())
                .collect(),
        },
    }
}

/// `list_emails` → `List emails`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
