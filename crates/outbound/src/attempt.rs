//! One attempt at one hop: through the breaker, onto the wire, and the answer read up to its limit.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::breaker::Pass;
use crate::exchange::Exchange;
use crate::failure::{Failure, NoAnswer, chain};
use crate::guard::Route;
use crate::hop::{self, Hop};
use crate::names::Inside;

type Outcome = Result<Response<Bytes>, Failure>;

impl Exchange<'_> {
    /// Sends `hop` once. Of a redirect that is going to be followed the body is left unread.
    pub(crate) async fn attempt(&self, hop: &Hop, route: &Route, from: Option<&Url>) -> Outcome {
        let pass = self.outbound.breakers.enter(&hop.origin()).map_err(Failure::Resting)?;
        let started = Instant::now();
        let work = self.sent(hop, route, from);
        let outcome = timeout_at(self.deadline, work)
            .await
            .unwrap_or_else(|_| Err(Failure::NoAnswer(NoAnswer::late(self.limit))));
        self.judge(&outcome, pass, started.elapsed());
        let (host, method) = (route.host.as_str(), hop.method.as_str());
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::debug!(
                    host,
                    method,
                    status,
                    duration_ms,
                    "outside host {host} answered {status}"
                );
            }
            Err(_) => {
                tracing::debug!(host, method, duration_ms, "outside host {host} gave no answer");
            }
        }
        outcome
    }

    async fn sent(&self, hop: &Hop, route: &Route, from: Option<&Url>) -> Outcome {
        let client = self.outbound.clients.of(route.scope).map_err(Failure::Machine)?;
        let broken = |error: reqwest::Error| {
            let inside = chain(&error).find_map(|cause| cause.downcast_ref::<Inside>());
            if let Some(Inside { why, address }) = inside {
                return Failure::Refused(route.refused(*why, *address, from));
            }
            let connect_timeout = self.outbound.settings.connect_timeout;
            Failure::NoAnswer(NoAnswer::new(error, connect_timeout))
        };
        let mut response = client.execute(hop.request()).await.map_err(&broken)?;
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        hop::unconnected(answer.headers_mut());
        if self.redirects > 0 && hop::location(&answer).is_some() {
            return Ok(answer);
        }
        let too_large = || Failure::TooLarge(self.max_body, self.limits_body);
        if response.content_length().is_some_and(|length| length > self.max_body as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(&broken)? {
            if chunk.len() > self.max_body - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        *answer.body_mut() = body.into();
        Ok(answer)
    }

    /// Tells the breaker what the attempt says about the host.
    fn judge(&self, outcome: &Outcome, pass: Pass, took: Duration) {
        // A caller in a hurry is no reason to keep others from a host.
        let patience = self.outbound.settings.connect_timeout.min(self.outbound.settings.timeout);
        match outcome {
            Ok(answer) if answer.status().is_server_error() => pass.failed(),
            Ok(_) | Err(Failure::TooLarge(..) | Failure::Redirect(_)) => pass.answered(),
            Err(Failure::NoAnswer(why)) if !why.is_late() || took >= patience => pass.failed(),
            Err(
                Failure::NoAnswer(_)
                | Failure::Refused(_)
                | Failure::Resting(_)
                | Failure::Machine(_),
            ) => drop(pass),
        }
    }
}

/// The class of an answer, as metrics name it.
pub(crate) const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
