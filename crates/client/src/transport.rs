//! One request: built, sent, repeated if that is safe, and its answer told apart from a stranger's.

use std::borrow::Cow;
use std::time::Duration;

use mindflight_api::{Problem, problem};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Cause, Client, Error, Result};

/// No answer of ours is near this; a stranger's endless one must not fill the memory.
const MAX_ANSWER: usize = 32 << 20;

/// No stream lasts that long; one that does is opened anew.
const ENDLESS: Duration = Duration::from_secs(365 * 24 * 3600);

/// The parameters behind the `?`.
pub(crate) type Query = Vec<(Cow<'static, str>, String)>;

/// A request before it is sent.
pub(crate) struct Request {
    method: Method,
    url: Url,
    query: Query,
    body: Option<Vec<u8>>,
    prefer: Option<String>,
    last_event_id: Option<String>,
    timeout: Duration,
    repeatable: bool,
    unhealthy_is_an_answer: bool,
}

/// A stream that was not opened.
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// Whether a server that restarts, or one beside it, would mend that.
    pub(crate) passes: bool,
    /// How long to wait, if the server said so.
    pub(crate) after: Option<Duration>,
}

/// What was answered, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// A request to the path made of `segments`, each of them encoded.
    pub(crate) fn request(&self, method: Method, segments: &[&str]) -> Result<Request> {
        let mut url = self.base.clone();
        if let Some(name) = segments.iter().find(|name| ["", ".", ".."].contains(*name)) {
            return Err(Error::Name { name: (*name).to_owned() });
        }
        match url.path_segments_mut() {
            Ok(mut path) => drop(path.pop_if_empty().extend(segments)),
            Err(()) => {
                return Err(Error::Address {
                    url: self.base.to_string(),
                    reason: "it has no path".to_owned(),
                });
            }
        }
        Ok(Request {
            repeatable: method == Method::GET,
            method,
            url,
            query: Vec::new(),
            body: None,
            prefer: None,
            last_event_id: None,
            timeout: self.settings.timeout,
            unhealthy_is_an_answer: false,
        })
    }

    pub(crate) fn get(&self, segments: &[&str]) -> Result<Request> {
        self.request(Method::GET, segments)
    }

    pub(crate) fn post(&self, segments: &[&str]) -> Result<Request> {
        self.request(Method::POST, segments)
    }

    /// Sends and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let answer = self.send(&request).await?;
        parsed(&answer.body, &request)
    }

    /// Sends what may be answered by a job instead of a result (202): tells which it was.
    pub(crate) async fn result_or_job<T: DeserializeOwned, J: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<std::result::Result<T, J>> {
        let answer = self.send(&request).await?;
        if answer.status == StatusCode::ACCEPTED {
            return Ok(Err(parsed(&answer.body, &request)?));
        }
        Ok(Ok(parsed(&answer.body, &request)?))
    }

    /// Sends and drops the answer's body.
    pub(crate) async fn done(&self, request: Request) -> Result<()> {
        self.send(&request).await.map(drop)
    }

    /// Sends, and gives a good answer while its body is still to come. Not repeated.
    pub(crate) async fn open(&self, request: &Request) -> std::result::Result<Response, Refused> {
        // The request's time-out would be one of the whole stream.
        let builder = self.builder(request).timeout(ENDLESS).header(ACCEPT, "text/event-stream");
        let refused = |error, passes| Refused { error, passes, after: None };
        let response = match tokio::time::timeout(request.timeout, builder.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(refused(request.failure(error), true)),
            Err(late) => return Err(refused(request.late(late.into()), true)),
        };
        let is_ours = response.headers().contains_key("api-version");
        if is_ours && response.status() == StatusCode::OK {
            return Ok(response);
        }
        let status = response.status();
        let after = seconds(response.headers());
        let body = tokio::time::timeout(request.timeout, read(response, request)).await;
        let error = match body.unwrap_or_else(|late| Err(request.late(late.into()))) {
            Ok(answer) => match judge(answer, request) {
                Err(error) => error,
                Ok(_) => request.not_ours(format!("{status} instead of a stream")),
            },
            Err(error) => error,
        };
        let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        Err(Refused { error, passes, after })
    }

    async fn send(&self, request: &Request) -> Result<Answer> {
        let mut left = if request.repeatable { self.settings.retries } else { 0 };
        let mut pause = self.settings.backoff;
        let mut perhaps_deleted = false;
        loop {
            match self.attempt(request).await {
                Err(error) if left > 0 && failed_at_once(&error) => {
                    left -= 1;
                    perhaps_deleted |=
                        request.method == Method::DELETE && matches!(error, Error::Broken { .. });
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                }
                // What is gone now was deleted by the request whose answer broke off.
                Err(Error::Api(problem)) if perhaps_deleted && problem.status == 404 => {
                    return Ok(Answer::empty());
                }
                done => return done,
            }
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Answer> {
        let builder = self
            .builder(request)
            .timeout(request.timeout)
            .header(ACCEPT, "application/json; version=1");
        let response = builder.send().await.map_err(|error| request.failure(error))?;
        judge(read(response, request).await?, request)
    }

    fn builder(&self, request: &Request) -> RequestBuilder {
        let mut builder =
            self.http.request(request.method.clone(), request.url.clone()).query(&request.query);
        if let Some(credentials) = &self.credentials {
            builder = builder.header(AUTHORIZATION, credentials.clone());
        }
        if let Some(prefer) = &request.prefer {
            builder = builder.header("prefer", prefer);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(id) = &request.last_event_id {
            builder = builder.header("last-event-id", id);
        }
        builder
    }
}

impl Request {
    pub(crate) fn query(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    pub(crate) fn body<T: Serialize>(mut self, body: &T) -> Result<Self> {
        let bytes = serde_json::to_vec(body).map_err(|error| Error::Encode(error.into()))?;
        self.body = Some(bytes);
        Ok(self)
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the header `Prefer` (RFC 7240).
    pub(crate) fn prefer(mut self, preference: String) -> Self {
        self.prefer = Some(preference);
        self
    }

    /// Sends the header `Last-Event-ID`.
    pub(crate) fn last_event_id(mut self, id: String) -> Self {
        self.last_event_id = Some(id);
        self
    }

    /// Where it goes.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Doing it twice is doing it once, so it is sent again after a broken connection.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Takes 503 with a body of its own as an answer, as the health routes give it.
    pub(crate) fn unhealthy_is_an_answer(mut self) -> Self {
        self.unhealthy_is_an_answer = true;
        self
    }

    fn failure(&self, error: reqwest::Error) -> Error {
        let url = self.url.to_string();
        // The error's own text repeats the URL, which stands in ours.
        let error = error.without_url();
        if error.is_connect() {
            let mut server = self.url.clone();
            server.set_path("");
            let url = server.as_str().trim_end_matches('/').to_owned();
            Error::Unreachable { url, source: error.into() }
        } else if error.is_timeout() {
            self.late(error.into())
        } else {
            Error::Broken { url, source: error.into() }
        }
    }

    fn late(&self, source: Cause) -> Error {
        Error::Timeout { url: self.url.to_string(), limit: self.timeout, source }
    }

    fn not_ours(&self, reason: String) -> Error {
        Error::NotOurs { url: self.url.to_string(), reason }
    }
}

/// A time as the API takes it: seconds, rounded up so that some time stays some time.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Whether the connection failed, other than by waiting: who has waited long enough is not made to wait again.
pub(crate) fn failed_at_once(error: &Error) -> bool {
    let (Error::Unreachable { source, .. } | Error::Broken { source, .. }) = error else {
        return false;
    };
    !source.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
}

/// What `Retry-After` says in seconds; a date is not understood.
fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

impl Answer {
    fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: Vec::new() }
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8], request: &Request) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|source| Error::Decode { url: request.url.to_string(), source: source.into() })
}

async fn read(mut response: Response, request: &Request) -> Result<Answer> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| request.failure(error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let limit = MAX_ANSWER >> 20;
            return Err(request.not_ours(format!("the answer is larger than {limit} MiB")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

fn judge(answer: Answer, request: &Request) -> Result<Answer> {
    let Answer { status, headers, body } = &answer;
    let status = *status;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(CONTENT_TYPE);
    if kind.starts_with(problem::MEDIA_TYPE)
        && let Ok(problem) = serde_json::from_slice::<Problem>(body)
    {
        return Err(Error::Api(Box::new(problem)));
    }
    let unhealthy = request.unhealthy_is_an_answer && status == StatusCode::SERVICE_UNAVAILABLE;
    if headers.contains_key("api-version") && (status.is_success() || unhealthy) {
        return Ok(answer);
    }
    Err(request.not_ours(if status.is_redirection() {
        format!("it redirects to `{}`; if that is the server, use its address", text(LOCATION))
    } else if status.is_success() {
        format!("{status} without the header `Api-Version`; is it another program's port?")
    } else {
        let kind = if kind.is_empty() { "no content type" } else { kind };
        format!("{status} with {kind} instead of a problem object")
    }))
}
