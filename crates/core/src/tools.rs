//! Tools: functions that agents call.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::codes;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{BoxFuture, Context, Error, Result, schema};

/// How long a tool may run unless it says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

type Run = Arc<dyn Fn(Context, Value) -> BoxFuture<Result<Value>> + Send + Sync>;

/// The tools of a provider, being declared.
pub struct Tools<P> {
    provider: Arc<P>,
    tools: Vec<Tool>,
}

/// One declared tool; its methods set options.
pub struct Tool {
    /// `[a-z0-9_]+`, unique within the provider.
    pub name: String,
    /// What it does and when to use it, for the model. The first sentence stands alone.
    pub about: String,
    /// JSON Schema of the arguments.
    pub input: Value,
    /// JSON Schema of the result.
    pub output: Value,
    /// What it promises and what it wants.
    pub options: Options,
    run: Run,
}

/// What a tool promises and what it wants.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// It changes nothing.
    pub read_only: bool,
    /// It may delete or overwrite.
    pub destructive: bool,
    /// Calling it twice is like calling it once.
    pub idempotent: bool,
    /// All its effects go through `cx.begin()`.
    pub transactional: bool,
    /// When a call is cut.
    pub timeout: Duration,
    /// A scope that callers need besides `tools:call`.
    pub scope: Option<String>,
    /// How long a result may be served again.
    pub cache_for: Option<Duration>,
    /// Whether cached results may be served to other callers.
    pub cache_shared: bool,
    /// Calls a minute, per caller.
    pub rate: Option<u32>,
    /// Calls at the same time, per instance.
    pub concurrency: Option<usize>,
    /// The caller has to confirm.
    pub confirm: bool,
    /// Other wire names, complete, for callers of an older name.
    pub aliases: Vec<String>,
    /// Unknown arguments are allowed.
    pub open: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read_only: false,
            destructive: false,
            idempotent: false,
            transactional: false,
            timeout: DEFAULT_TIMEOUT,
            scope: None,
            cache_for: None,
            cache_shared: false,
            rate: None,
            concurrency: None,
            confirm: false,
            aliases: Vec::new(),
            open: false,
        }
    }
}

impl<P: Send + Sync + 'static> Tools<P> {
    pub(crate) fn new(provider: Arc<P>) -> Self {
        Self { provider, tools: Vec::new() }
    }

    pub(crate) fn into_tools(self) -> Vec<Tool> {
        self.tools
    }

    /// Adds a tool. Types are erased here, once.
    pub fn add<I, O, F, Fut>(&mut self, name: &str, about: &str, f: F) -> &mut Tool
    where
        I: DeserializeOwned + JsonSchema + Send,
        O: Serialize + JsonSchema,
        F: Fn(Arc<P>, Context, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O>> + Send + 'static,
    {
        let provider = self.provider.clone();
        let run: Run = Arc::new(move |cx, arguments| match read::<I>(arguments) {
            Ok(input) => {
                let work = f(provider.clone(), cx, input);
                Box::pin(async move { serde_json::to_value(work.await?).map_err(Error::internal) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        });
        self.push(name, about, (schema::tool_arguments::<I>(), schema::of::<O>()), run)
    }

    /// Adds a tool whose schema is known only at run time; it takes and gives plain JSON.
    pub fn dynamic<F, Fut>(&mut self, name: &str, about: &str, input: Value, f: F) -> &mut Tool
    where
        F: Fn(Arc<P>, Context, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value>> + Send + 'static,
    {
        let provider = self.provider.clone();
        let run: Run = Arc::new(move |cx, arguments| Box::pin(f(provider.clone(), cx, arguments)));
        self.push(name, about, (schema::closed(input, false), Value::Bool(true)), run)
    }

    fn push(
        &mut self,
        name: &str,
        about: &str,
        (input, output): (Value, Value),
        run: Run,
    ) -> &mut Tool {
        let options = Options::default();
        let (name, about) = (name.to_owned(), about.to_owned());
        let tool = Tool { name, about, input, output, options, run };
        self.tools.push(tool);
        let last = self.tools.len() - 1;
        &mut self.tools[last]
    }
}

/// Reads arguments that have passed the schema; `{}` also reads as `()`.
fn read<I: DeserializeOwned>(arguments: Value) -> Result<I> {
    let empty = arguments.as_object().is_some_and(serde_json::Map::is_empty);
    serde_path_to_error::deserialize(arguments)
        .or_else(|error| match empty {
            true => serde_json::from_value(Value::Null).map_err(|_| error),
            false => Err(error),
        })
        .map_err(|error| {
            // Only what a schema cannot say arrives here, such as a date that does not exist.
            let path = error.path().to_string().replace(['.', '['], "/");
            let pointer = format!("/{}", path.replace(']', ""));
            let detail = error.inner().to_string();
            Error::of(codes::INVALID_ARGUMENTS, format!("`{}`: {detail}", error.path())).field(
                pointer,
                detail,
                Vec::new(),
            )
        })
}

impl Tool {
    /// It changes nothing: callers may repeat it, and it leaves no audit row.
    pub fn read_only(&mut self) -> &mut Self {
        self.options.read_only = true;
        self
    }

    /// It may delete or overwrite.
    pub fn destructive(&mut self) -> &mut Self {
        self.options.destructive = true;
        self
    }

    /// Calling it twice is like calling it once.
    pub fn idempotent(&mut self) -> &mut Self {
        self.options.idempotent = true;
        self
    }

    /// All its effects go through `cx.begin()` and `tx.finish()`: exactly one effect.
    pub fn transactional(&mut self) -> &mut Self {
        self.options.transactional = true;
        self
    }

    /// A call is cut after this long (30 s unless set).
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.options.timeout = timeout;
        self
    }

    /// Callers need this scope besides `tools:call`.
    pub fn scope(&mut self, scope: &str) -> &mut Self {
        self.options.scope = Some(scope.to_owned());
        self
    }

    /// Results may be served again for this long, to the same caller. Only for tools that are `read_only`.
    pub fn cache_for(&mut self, time: Duration) -> &mut Self {
        self.options.cache_for = Some(time);
        self
    }

    /// Cached results may be served to every caller.
    pub fn cache_shared(&mut self) -> &mut Self {
        self.options.cache_shared = true;
        self
    }

    /// At most this many calls a minute, per caller.
    pub fn rate(&mut self, per_minute: u32) -> &mut Self {
        self.options.rate = Some(per_minute);
        self
    }

    /// At most this many calls at the same time, per instance.
    pub fn concurrency(&mut self, calls: usize) -> &mut Self {
        self.options.concurrency = Some(calls.max(1));
        self
    }

    /// The caller has to confirm each call.
    pub fn confirm(&mut self) -> &mut Self {
        self.options.confirm = true;
        self
    }

    /// Another wire name, complete (`old_name`), that reaches this tool.
    pub fn alias(&mut self, name: &str) -> &mut Self {
        self.options.aliases.push(name.to_owned());
        self
    }

    /// Unknown arguments are allowed.
    pub fn open(&mut self) -> &mut Self {
        self.options.open = true;
        self.input = schema::closed(std::mem::take(&mut self.input), true);
        self
    }

    /// The result's schema, for a tool added with [`Tools::dynamic`].
    pub fn output(&mut self, schema: Value) -> &mut Self {
        self.output = schema;
        self
    }

    /// Starts the tool on arguments that have passed its schema; for whoever runs tools.
    #[must_use]
    pub fn run(&self, cx: Context, arguments: Value) -> BoxFuture<Result<Value>> {
        (self.run)(cx, arguments)
    }
}
