//! A fetch from its first request to the answer that is given: redirects, the cache, the time that is left.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, StatusCode};
use mindflight_core::{Context, Error, Result, api};
use url::Url;

use crate::Http;
use crate::answer::FromCache;
use crate::cache::{self, Answer, Found};
use crate::outgoing::{self, Outgoing};

/// What came of a fetch.
pub(crate) struct Exchanged {
    /// Where the answer is from, after redirects.
    pub(crate) url: Url,
    pub(crate) answer: Answer,
    pub(crate) from_cache: FromCache,
}

/// One fetch that is under way.
pub(crate) struct Exchange<'a> {
    http: &'a Http,
    cx: &'a Context,
    until: DateTime<Utc>,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(http: &'a Http, cx: &'a Context, timeout: Duration) -> Self {
        Self { http, cx, until: cx.now() + timeout }
    }

    pub(crate) async fn run(&self, first: Outgoing) -> Result<Exchanged> {
        let settings = &self.http.settings;
        let (mut request, mut redirects) = (first, 0);
        loop {
            settings.hosts.check(&request.url)?;
            let (answer, from_cache) = self.ask(&request).await?;
            let next = request.redirected(&answer).filter(|next| self.may(next));
            match next {
                Some(next) if redirects < settings.max_redirects => request = next,
                Some(_) | None => return Ok(Exchanged { url: request.url, answer, from_cache }),
            }
            redirects += 1;
        }
    }

    /// Whether the operator lets callers use the method, which a redirect may have changed.
    fn may(&self, request: &Outgoing) -> bool {
        self.http.settings.methods.iter().any(|method| method.name() == request.method)
    }

    async fn ask(&self, outgoing: &Outgoing) -> Result<(Answer, FromCache)> {
        let http = self.http;
        let request = outgoing.request(&http.settings.default_headers)?;
        if !http.cache.is_on() || !outgoing.is_for_everybody() {
            let answer = self.send(request).await?;
            if !outgoing.method.is_safe() && answer.status.as_u16() < 400 {
                // What was kept may be no longer true (RFC 9111 §4.4).
                http.cache.forget(outgoing.url.as_str());
            }
            return Ok((answer, FromCache::Miss));
        }
        match http.cache.find(&request, self.cx.now()) {
            Found::Fresh(answer) => return Ok((answer, FromCache::Hit)),
            Found::Stale(stored, headers) => {
                let mut conditional = request.clone();
                *conditional.headers_mut() = headers;
                let answer = self.send(conditional).await?;
                if answer.status != StatusCode::NOT_MODIFIED {
                    http.cache.keep(&request, &answer);
                    return Ok((answer, FromCache::Miss));
                }
                if cache::confirms(&answer.headers, &stored) {
                    let renewed = cache::renewed(&stored, &answer.headers, answer.at);
                    http.cache.keep(&request, &renewed);
                    return Ok((renewed, FromCache::Revalidated));
                }
                // It confirms something else: nothing that is known here.
                http.cache.forget(outgoing.url.as_str());
            }
            Found::Nothing => {}
        }
        let answer = self.send(request.clone()).await?;
        http.cache.keep(&request, &answer);
        Ok((answer, FromCache::Miss))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Answer> {
        let left = (self.until - self.cx.now()).to_std().unwrap_or_default();
        if left.is_zero() {
            let detail = "the fetch took longer than its time-out, with its redirects";
            return Err(Error::of(api::codes::TIMEOUT, detail));
        }
        let client = self.cx.http().timeout(left).max_body(self.http.settings.max_download);
        // Each redirect is looked at here: `hosts` and the caller's credentials depend on where it goes.
        let response = client.max_redirects(0).send(request).await?;
        Ok(outgoing::answer(response, self.cx.now()))
    }
}
