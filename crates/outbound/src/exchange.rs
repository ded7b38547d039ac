//! One exchange: a request with its redirects and retries, all within one time.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use mindflight_core::ports::RequestLimits;
use tokio::time::Instant;
use url::Url;

use crate::failure::Failure;
use crate::guard::{Route, name_of};
use crate::hop::{self, Hop};
use crate::outbound::Inner;
use crate::retry;

/// What the exchange may take.
pub(crate) struct Exchange<'a> {
    pub(crate) outbound: &'a Inner,
    pub(crate) limit: Duration,
    pub(crate) deadline: Instant,
    pub(crate) max_body: usize,
    /// The setting that `max_body` is, unless the request narrowed it.
    pub(crate) limits_body: Option<&'static str>,
    pub(crate) redirects: u8,
}

/// An exchange that ended without an answer, and the host at which it did.
pub(crate) struct Ended {
    pub(crate) host: String,
    pub(crate) failure: Failure,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(outbound: &'a Inner, limits: RequestLimits) -> Self {
        let settings = &outbound.settings;
        let limit = limits.timeout.unwrap_or(settings.timeout).min(settings.timeout);
        let own = limits.max_body.filter(|own| *own < settings.max_body_bytes);
        Self {
            outbound,
            limit,
            deadline: Instant::now() + limit,
            max_body: own.unwrap_or(settings.max_body_bytes),
            limits_body: own.is_none().then_some("outbound.max_body_bytes"),
            redirects: limits
                .max_redirects
                .unwrap_or(settings.max_redirects)
                .min(settings.max_redirects),
        }
    }

    pub(crate) async fn run(&self, mut hop: Hop) -> Result<Response<Bytes>, Ended> {
        let mut from: Option<Url> = None;
        let mut followed = 0;
        loop {
            let answer = self
                .repeated(&hop, from.as_ref())
                .await
                .map_err(|failure| Ended { host: name_of(&hop.url), failure })?;
            let Some(location) = hop::location(&answer).filter(|_| self.redirects > 0) else {
                return Ok(answer);
            };
            let lost =
                |why: String| Ended { host: name_of(&hop.url), failure: Failure::Redirect(why) };
            if followed == self.redirects {
                return Err(lost(format!("redirected once more after {followed} redirects")));
            }
            let Some(target) = hop::target(&hop.url, location) else {
                return Err(lost("redirected to what is no URL".to_owned()));
            };
            let next = hop.redirected(answer.status(), target);
            from = Some(std::mem::replace(&mut hop, next).url);
            followed += 1;
        }
    }

    /// Attempts at one hop, until one is final.
    async fn repeated(&self, hop: &Hop, from: Option<&Url>) -> Result<Response<Bytes>, Failure> {
        let settings = &self.outbound.settings;
        let route: Route = self.outbound.guard.route(&hop.url, from).map_err(Failure::Refused)?;
        let mut retries = if hop.repeatable() { settings.retries } else { 0 };
        let mut most = settings.backoff;
        let mut outcome = self.attempt(hop, &route, from).await;
        while retries > 0 {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let Some(pause) = retry::pause(&outcome, most, left) else { break };
            tokio::time::sleep(pause).await;
            // A host that rests by now is left alone, and what it said last stands.
            match self.attempt(hop, &route, from).await {
                Err(Failure::Resting(_)) => break,
                next => outcome = next,
            }
            metrics::counter!("mindflight_outbound_retries_total").increment(1);
            (retries, most) = (retries - 1, most.saturating_mul(2));
        }
        outcome
    }
}
