//! What the tool answers.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde_json::Value;

use crate::content::{self, Content};
use crate::exchange::Exchanged;
use crate::headers;

/// Of the 1 MiB that a result may have; the rest is for names, the URL and what surrounds the body.
const ROOM: usize = 1000 * 1024;

/// What came back.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Fetched {
    /// Where the answer is from, after redirects.
    url: String,
    /// The status, whatever it is.
    status: u16,
    /// Its headers, with lower-case names; several of one name are joined with a comma, cookies with a line break.
    headers: BTreeMap<String, String>,
    /// The body: text, or base64 where it is not text.
    body: String,
    /// Whether `body` is text or base64.
    encoding: Encoding,
    /// The body once more, read, if the answer says that it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    /// True if a part of the answer is not here because it was too large.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    truncated: bool,
    /// Whether it was fetched for this call.
    from_cache: FromCache,
    /// When the outside last said that this is its answer.
    fetched_at: String,
}

/// How a body is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    Text,
    Base64,
}

/// Where an answer is from: `hit` was kept, `revalidated` was kept and the outside said that it still holds, `miss` was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromCache {
    Hit,
    Revalidated,
    Miss,
}

impl Fetched {
    /// The result, with at most `most` bytes of the body.
    pub(crate) fn of(exchanged: &Exchanged, most: usize) -> Self {
        let answer = &exchanged.answer;
        let url = exchanged.url.to_string();
        let (headers, all) = headers::shown(&answer.headers);
        let taken = serde_json::to_string(&headers).map_or(0, |text| text.len()) + url.len();
        let room = ROOM.saturating_sub(taken);
        let content = Content::read(&answer.body, &answer.headers, most, room);
        // The JSON is never longer than its text, but it comes on top of it.
        let fits = !content.truncated && content.escaped + answer.body.len() <= room;
        let is_json = content::is_json(&answer.headers) && content.encoding == Encoding::Text;
        let json = (fits && is_json).then(|| serde_json::from_str(&content.text).ok()).flatten();
        Self {
            url,
            status: answer.status.as_u16(),
            headers,
            body: content.text,
            encoding: content.encoding,
            json,
            truncated: content.truncated || !all,
            from_cache: exchanged.from_cache,
            fetched_at: answer.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}
