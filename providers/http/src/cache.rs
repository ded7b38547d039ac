//! Answers that are served again, as RFC 9111 allows: in memory, bounded, and never one that was fetched with a caller's
//! credentials.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use lru::LruCache;

use crate::config::CacheConfig;

/// What an entry takes besides its texts, roughly.
const OVERHEAD: usize = 512;

/// These describe the body, which is the stored one (RFC 9111 §3.2).
const OF_THE_BODY: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::CONTENT_RANGE,
];

/// An answer of the outside.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When the outside last said so.
    pub(crate) at: DateTime<Utc>,
}

/// What the cache knows of a request.
pub(crate) enum Found {
    /// The answer, good as it is.
    Fresh(Answer),
    /// An answer that may still be good: ask with these headers, and take it if the outside says 304.
    Stale(Answer, HeaderMap),
    /// Nothing.
    Nothing,
}

/// The answers that are kept.
pub(crate) struct Cache {
    entries: Mutex<Entries>,
    max_entries: usize,
    max_bytes: usize,
}

struct Entries {
    by_url: LruCache<String, Arc<Entry>>,
    bytes: usize,
}

struct Entry {
    policy: CachePolicy,
    answer: Answer,
    bytes: usize,
}

impl Cache {
    pub(crate) fn new(config: &CacheConfig) -> Self {
        let entries = Mutex::new(Entries { by_url: LruCache::unbounded(), bytes: 0 });
        Self { entries, max_entries: config.max_entries, max_bytes: config.max_bytes }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.max_entries > 0 && self.max_bytes > 0
    }

    pub(crate) fn find(&self, request: &Request<Bytes>, now: DateTime<Utc>) -> Found {
        let entry = self.lock().by_url.get(&request.uri().to_string()).cloned();
        let Some(entry) = entry else {
            return Found::Nothing;
        };
        let now = SystemTime::from(now);
        let mut answer = entry.answer.clone();
        match entry.policy.before_request(&plain(request), now) {
            BeforeRequest::Fresh(_) => {
                answer.headers.insert(header::AGE, entry.policy.age(now).as_secs().into());
                Found::Fresh(answer)
            }
            BeforeRequest::Stale { request, matches: true } if is_conditional(&request.headers) => {
                Found::Stale(answer, request.headers)
            }
            BeforeRequest::Stale { .. } => Found::Nothing,
        }
    }

    /// Keeps the answer, if HTTP's rules and the bounds allow it; else forgets what it replaces.
    pub(crate) fn keep(&self, request: &Request<Bytes>, answer: &Answer) {
        let url = request.uri().to_string();
        let policy = policy(request, answer);
        let bytes = size(&url, answer);
        let mut entries = self.lock();
        entries.remove(&url);
        if bytes > self.max_bytes || !is_worth_keeping(&policy, answer) {
            return;
        }
        entries.bytes += bytes;
        let entry = Entry { policy, answer: answer.clone(), bytes };
        entries.by_url.put(url, Arc::new(entry));
        while entries.by_url.len() > self.max_entries || entries.bytes > self.max_bytes {
            let Some((_, oldest)) = entries.by_url.pop_lru() else {
                break;
            };
            entries.bytes -= oldest.bytes;
        }
    }

    /// Forgets an answer that is no longer good, such as that of a URL which was written to.
    pub(crate) fn forget(&self, url: &str) {
        self.lock().remove(url);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, url: &str) {
        if let Some(entry) = self.by_url.pop(url) {
            self.bytes -= entry.bytes;
        }
    }
}

/// Whether a 304 with these headers means this stored answer (RFC 9111 §4.3.4).
pub(crate) fn confirms(headers: &HeaderMap, stored: &Answer) -> bool {
    let tag = |headers: &HeaderMap| {
        let tag = headers.get(header::ETAG)?.to_str().ok()?;
        Some(tag.strip_prefix("W/").unwrap_or(tag).to_owned())
    };
    // Without a tag it can only mean the one answer that is stored for the URL.
    tag(headers).is_none_or(|new| tag(&stored.headers) == Some(new))
}

/// The stored answer, with the headers that the 304 brought.
pub(crate) fn renewed(stored: &Answer, said: &HeaderMap, at: DateTime<Utc>) -> Answer {
    let mut answer = Answer { at, ..stored.clone() };
    answer.headers.remove(header::AGE);
    for name in said.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        answer.headers.remove(name);
        for value in said.get_all(name) {
            answer.headers.append(name.clone(), value.clone());
        }
    }
    answer
}

fn policy(request: &Request<Bytes>, answer: &Answer) -> CachePolicy {
    let options = CacheOptions {
        // It keeps nothing that was fetched with a caller's credentials, so `private` is for all of them.
        shared: false,
        // Guessing how long an answer is good would surprise whoever asks for the present.
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ..CacheOptions::default()
    };
    let mut response = Response::new(());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers.clone();
    CachePolicy::new_options(&plain(request), &response, SystemTime::from(answer.at), options)
}

fn is_worth_keeping(policy: &CachePolicy, answer: &Answer) -> bool {
    let has = |name| answer.headers.contains_key(name);
    let for_any_request = answer.headers.get(header::VARY).is_none_or(|vary| vary != "*");
    let is_fresh = !policy.is_stale(SystemTime::from(answer.at));
    policy.is_storable()
        && for_any_request
        // A cookie is for the one who asked.
        && !has(header::SET_COOKIE)
        && (is_fresh || has(header::ETAG) || has(header::LAST_MODIFIED))
}

fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_NONE_MATCH) || headers.contains_key(header::IF_MODIFIED_SINCE)
}

/// The request without its body.
fn plain(request: &Request<Bytes>) -> Request<()> {
    let mut plain = Request::new(());
    *plain.method_mut() = request.method().clone();
    *plain.uri_mut() = request.uri().clone();
    *plain.headers_mut() = request.headers().clone();
    plain
}

fn size(url: &str, answer: &Answer) -> usize {
    let headers: usize =
        answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    OVERHEAD + url.len() + headers + answer.body.len()
}
