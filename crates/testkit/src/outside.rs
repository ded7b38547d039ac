//! The outside world, scripted: what nobody expected is an error that says so.

mod scripted;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use mindflight_core::{Error, Result, ports};

pub use self::scripted::Scripted;
use crate::wire::Wire;

/// The outside world of a kit. Nothing is sent; requests are answered as the test says, and refused if it says
/// nothing.
#[derive(Clone)]
pub struct Outside {
    script: Arc<Mutex<Script>>,
    wire: Wire,
}

/// What comes back, and what was sent.
#[derive(Clone, Default)]
pub(crate) struct Script {
    lines: Vec<Line>,
    sent: Vec<Sent>,
    unexpected: Vec<String>,
}

impl Script {
    /// How many requests were sent so far.
    pub(crate) fn sent(&self) -> usize {
        self.sent.len()
    }
}

#[derive(Clone)]
struct Line {
    method: Method,
    target: String,
    answers: VecDeque<Scripted>,
    always: Option<Scripted>,
    used: bool,
}

/// A request that the provider sent.
pub type Sent = Request<Bytes>;

impl Outside {
    pub(crate) fn new(wire: Wire) -> Self {
        let script = Arc::default();
        Self { script, wire }
    }

    /// Says what comes back for requests with this method, to this URL or path, with or without its query.
    #[must_use = "an expectation without an answer changes nothing; add `.reply(…)`"]
    pub fn on(&self, method: Method, target: &str) -> Expectation<'_> {
        Expectation { outside: self, method, target: target.to_owned(), delay: Duration::ZERO }
    }

    /// Every request so far, also those that nobody expected.
    #[must_use]
    pub fn requests(&self) -> Vec<Sent> {
        self.script().sent.clone()
    }

    /// Every scripted answer was used, and every request was expected.
    ///
    /// # Panics
    /// If not, with a list of both.
    #[track_caller]
    pub fn assert_all_used(&self) {
        let script = self.script();
        let unused: Vec<String> = script
            .lines
            .iter()
            .filter(|line| !line.answers.is_empty() || !line.used)
            .map(|line| {
                let left = line.answers.len();
                format!("{} {} ({left} answers left)", line.method, line.target)
            })
            .collect();
        assert!(
            unused.is_empty() && script.unexpected.is_empty(),
            "not used: {unused:?}; not expected: {:?}",
            script.unexpected
        );
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request, which is written down.
    fn answer(&self, request: Sent) -> Result<Scripted> {
        let mut script = self.script();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        script.sent.push(request);
        for line in &mut script.lines {
            if line.method != method || !is_at(&uri, &line.target) {
                continue;
            }
            if let Some(answer) = line.answers.pop_front().or_else(|| line.always.clone()) {
                line.used = true;
                return Ok(answer);
            }
        }
        let expected: Vec<String> = script
            .lines
            .iter()
            .filter(|line| !line.answers.is_empty() || line.always.is_some())
            .map(|line| format!("{} {}", line.method, line.target))
            .collect();
        script.unexpected.push(format!("{method} {uri}"));
        let expected = match expected.as_slice() {
            [] => "no request is expected now".to_owned(),
            some => format!("expected now: {}", some.join(", ")),
        };
        Err(Error::failed(format!("the test expects no request {method} {uri}; {expected}")))
    }
}

/// Whether the request goes to `target`: a whole URL or a path, with or without a query.
fn is_at(uri: &http::Uri, target: &str) -> bool {
    let whole = uri.to_string();
    let without_query = whole.split('?').next().unwrap_or_default();
    let path_and_query = uri.path_and_query().map_or("", |both| both.as_str());
    // A URL without a path gets one when it is read.
    let host = whole.trim_end_matches('/');
    [&whole, host, without_query, path_and_query, uri.path()].contains(&target)
}

#[async_trait]
impl ports::Http for Outside {
    async fn send(
        &self,
        request: Request<Bytes>,
        limits: ports::RequestLimits,
    ) -> Result<Response<Bytes>> {
        let place = request.uri().to_string();
        self.wire.pass(|| format!("http: {} {place}", request.method())).await;
        let scripted = self.answer(request)?;
        let patience = limits.timeout.unwrap_or(scripted.delay);
        tokio::time::sleep(scripted.delay.min(patience)).await;
        if scripted.delay > patience {
            return Err(Error::upstream(format!("no answer from {place} within {patience:?}")));
        }
        let lost = || Error::upstream(format!("no answer from {place}: connection lost"));
        let answer = scripted.answer.ok_or_else(lost)?;
        match limits.max_body {
            Some(most) if answer.body().len() > most => {
                Err(Error::upstream(format!("the answer from {place} is larger than {most} bytes")))
            }
            _ => Ok(answer),
        }
    }
}

/// What comes back for one sort of request. Each answer is given once, in order.
pub struct Expectation<'kit> {
    outside: &'kit Outside,
    method: Method,
    target: String,
    delay: Duration,
}

impl Expectation<'_> {
    /// The answers take this long.
    #[must_use = "an expectation without an answer changes nothing; add `.reply(…)`"]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// One answer with this status and body: JSON, text or bytes.
    pub fn reply(self, status: u16, body: impl Into<scripted::Content>) {
        self.reply_sequence([Scripted::new(status, body)]);
    }

    /// These answers, one after the other.
    pub fn reply_sequence(self, answers: impl IntoIterator<Item = Scripted>) {
        let answers = answers.into_iter().collect();
        self.write(answers, None);
    }

    /// This answer, however often it is asked for; at least once.
    pub fn reply_always(self, status: u16, body: impl Into<scripted::Content>) {
        self.write(VecDeque::new(), Some(Scripted::new(status, body)));
    }

    /// No answer, once: the connection is lost.
    pub fn drop_connection(self) {
        self.reply_sequence([Scripted::dropped()]);
    }

    fn write(self, mut answers: VecDeque<Scripted>, mut always: Option<Scripted>) {
        for answer in answers.iter_mut().chain(&mut always) {
            answer.delay += self.delay;
        }
        self.outside.script().lines.push(Line {
            method: self.method,
            target: self.target,
            answers,
            always,
            used: false,
        });
    }
}
