//! The tool `fetch`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mindflight_core::{Context, Error, Result, Tools};
use serde_json::{Value, json};

use crate::Http;
use crate::answer::Fetched;
use crate::config::{Method, Settings};
use crate::exchange::Exchange;
use crate::headers;
use crate::outgoing::{self, Outgoing};

/// What a call has beyond the fetch, so that the fetch's own time-out is the one that is seen.
const GRACE: Duration = Duration::from_secs(5);

/// What to fetch, and how.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Fetch {
    /// The whole URL, beginning with `https://` or `http://`.
    #[schemars(length(min = 1, max = 8192))]
    url: String,
    /// The method, GET unless set.
    method: Option<Method>,
    /// Headers to send, such as `accept` or `authorization`.
    headers: Option<BTreeMap<String, String>>,
    /// A text to send as the body; name its `content-type` in `headers`.
    body: Option<String>,
    /// Any JSON to send as the body, instead of `body`.
    json: Option<Value>,
    /// Milliseconds that it may take at most, with redirects.
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
    /// Bytes of the body that are wanted at most; the rest is cut off.
    #[schemars(range(min = 1))]
    max_bytes: Option<usize>,
}

pub(crate) fn tools(http: &Http, t: &mut Tools<Http>) {
    let settings = &http.settings;
    let tool = t.add("fetch", &about(settings), Http::fetch);
    tool.timeout(settings.timeout + GRACE);
    if settings.methods.iter().all(|method| method.is_safe()) {
        tool.read_only();
    } else if settings.methods.iter().any(|method| method.may_destroy()) {
        tool.destructive();
    }
    // What the operator allows is known only now.
    let arguments = &mut tool.input["properties"];
    arguments["method"]["enum"] = json!(settings.methods);
    let millis = u64::try_from(settings.timeout.as_millis()).unwrap_or(u64::MAX);
    arguments["timeout_ms"]["maximum"] = json!(millis);
    arguments["max_bytes"]["maximum"] = json!(settings.max_body);
}

fn about(settings: &Settings) -> String {
    let hosts = match settings.hosts.is_empty() {
        true => String::new(),
        false => format!(" It reaches only {}.", settings.hosts.shown()),
    };
    format!(
        "Fetches a URL and gives status, headers and body. Every status is a result, also 404 and 500, so look at `status`; an error means that there was no answer. HTML comes as it is.{hosts}"
    )
}

impl Http {
    async fn fetch(self: Arc<Self>, cx: Context, input: Fetch) -> Result<Fetched> {
        let settings = &self.settings;
        let method = input.method.unwrap_or(Method::Get);
        if !settings.methods.contains(&method) {
            // Only the default can arrive here: the schema has the list.
            return Err(Error::invalid(
                "`method` is missing, and GET is not among the allowed ones",
            )
            .field(
                "/method",
                "is missing",
                settings.methods.iter().map(|m| json!(m)).collect(),
            ));
        }
        let url = outgoing::url(&input.url)?;
        let mut headers = headers::read(&input.headers.unwrap_or_default())?;
        let has_body = input.body.is_some() || input.json.is_some();
        if has_body && matches!(method, Method::Get | Method::Head) {
            return Err(Error::invalid("a GET or HEAD has no body")
                .fix("Leave `body` and `json` out, or send another `method`."));
        }
        let body = outgoing::body(input.body, input.json, &mut headers)?;
        let limit = input.timeout_ms.map_or(settings.timeout, Duration::from_millis);
        let request = Outgoing { method: method.name(), url, headers, body };
        let exchange = Exchange::new(&self, &cx, limit.min(settings.timeout));
        let exchanged = exchange.run(request).await?;
        let most = input.max_bytes.unwrap_or(settings.max_body).min(settings.max_body);
        Ok(Fetched::of(&exchanged, most))
    }
}
