//! One call of a tool: the request, the answer, and the way between them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use mindflight_core::{Context, Result, Tools, upstream};
use serde_json::Value;
use url::Url;

use crate::OpenApi;
use crate::answer;
use crate::config::Limits;
use crate::operation::Operation;
use crate::promise::Promise;
use crate::request;

/// What a call has beyond the request, so that the request's own time-out is the one that is seen.
const GRACE: Duration = Duration::from_secs(5);

/// Redirects within the API that are followed.
const MOST_REDIRECTS: u32 = 3;

/// One operation and where it is.
pub(crate) struct Call {
    operation: Operation,
    base: Url,
}

impl Call {
    pub(crate) fn new(operation: Operation, base: &Url) -> Self {
        Self { operation, base: base.clone() }
    }
}

/// Declares the tool of one operation.
pub(crate) fn tool(name: &str, call: &Arc<Call>, limits: &Limits, t: &mut Tools<OpenApi>) {
    let (operation, call) = (&call.operation, call.clone());
    let tool =
        t.dynamic(name, &operation.about, operation.input.clone(), move |api, cx, arguments| {
            api.run(call.clone(), cx, arguments)
        });
    tool.output(answer::schema()).timeout(limits.timeout + GRACE);
    let promise = Promise::of(&operation.method, name);
    if promise.read_only {
        tool.read_only();
    }
    if promise.idempotent {
        tool.idempotent();
    }
    if promise.destructive {
        tool.destructive();
    }
}

impl OpenApi {
    async fn run(self: Arc<Self>, call: Arc<Call>, cx: Context, arguments: Value) -> Result<Value> {
        let request = request::write(&call.operation, &call.base, &self.credentials, &arguments)?;
        let answer = self.send(&cx, request).await.map_err(|e| self.credentials.redact_error(e))?;
        let answer = upstream::success(answer).map_err(|e| self.credentials.redact_error(e))?;
        Ok(answer::read(&answer, &self.credentials))
    }

    /// Sends, and follows redirects of reading requests that stay with the API: its credentials go nowhere else.
    async fn send(&self, cx: &Context, first: Request<Bytes>) -> Result<Response<Bytes>> {
        let until = cx.now() + self.limits.timeout;
        let (mut request, mut redirects) = (first, 0);
        loop {
            let left = (until - cx.now()).to_std().unwrap_or_default();
            let client = cx.http().timeout(left).max_body(self.limits.max_response);
            let answer = client.max_redirects(0).send(request.clone()).await?;
            let next = self.redirected(&request, &answer);
            match next.filter(|_| redirects < MOST_REDIRECTS) {
                Some(uri) => *request.uri_mut() = uri,
                None => return Ok(answer),
            }
            redirects += 1;
        }
    }

    /// Where a reading request is to be sent instead.
    fn redirected(&self, request: &Request<Bytes>, answer: &Response<Bytes>) -> Option<http::Uri> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if !reads || !matches!(answer.status().as_u16(), 301 | 302 | 307 | 308) {
            return None;
        }
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let here = Url::parse(&request.uri().to_string()).ok()?;
        let mut there = here.join(location).ok()?;
        there.set_fragment(None);
        if there.origin() != here.origin() || !there.username().is_empty() {
            return None;
        }
        if let Some(own) = self.credentials.query() {
            let query = there.query().unwrap_or_default();
            if !query.split('&').any(|pair| pair == own) {
                let both = [query, &own].into_iter().filter(|part| !part.is_empty());
                there.set_query(Some(&both.collect::<Vec<_>>().join("&")));
            }
        }
        there.as_str().parse().ok()
    }
}
