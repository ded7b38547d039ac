//! Tells callers where they stand: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use std::fmt::Display;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use mindflight_core::Result;

use super::buckets::{Level, Quota};
use super::refusal;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where a caller stands with one limit, after this request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(super) name: &'static str,
    pub(super) quota: Quota,
    pub(super) level: Level,
}

/// The limits that a request was counted for, in the request's extensions until the answer is written.
#[derive(Debug, Default)]
pub(crate) struct Standings(Vec<Standing>);

impl Standing {
    /// Refuses with 429 `rate_limited` what is beyond the quota.
    pub(crate) fn verdict(&self) -> Result<()> {
        let what = if self.name == "default" { "requests" } else { "new keys" };
        self.level.wait.map_or(Ok(()), |wait| Err(refusal(what, self.quota, wait)))
    }

    fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota.count(), self.quota.window().as_secs())
    }

    /// `t` is when all of the quota is back; for who is refused, when to come again, as `Retry-After`.
    pub(super) fn state(&self) -> String {
        let until = self.level.wait.unwrap_or(self.level.full_after);
        let seconds = (until.num_milliseconds().max(0) + 999) / 1000;
        format!("\"{}\";r={};t={seconds}", self.name, self.level.remaining)
    }
}

impl Standings {
    /// Notes a standing for the answer of this request, and refuses what is beyond the quota.
    pub(crate) fn note(request: &HttpRequest, standing: Option<Standing>) -> Result<()> {
        let Some(standing) = standing else {
            return Ok(());
        };
        let mut extensions = request.extensions_mut();
        if let Some(noted) = extensions.get_mut::<Self>() {
            noted.0.push(standing);
        } else {
            extensions.insert(Self(vec![standing]));
        }
        standing.verdict()
    }

    /// The headers of the answer; none where nothing was counted.
    pub(crate) fn headers(request: &HttpRequest) -> Vec<(HeaderName, HeaderValue)> {
        let extensions = request.extensions();
        let Some(Self(noted)) = extensions.get::<Self>() else {
            return Vec::new();
        };
        let line = |part: fn(&Standing) -> String| list(noted.iter().map(part));
        let all =
            [(RATE_LIMIT, line(Standing::state)), (RATE_LIMIT_POLICY, line(Standing::policy))];
        let written = |(name, value): (_, String)| Some((name, HeaderValue::try_from(value).ok()?));
        all.into_iter().filter_map(written).collect()
    }
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
