//! Headers: which ones callers may send, which ones are credentials, and how those of an answer are shown.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use mindflight_core::{Error, Result};

/// They describe the connection or the message itself, which the server makes.
const RESERVED: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method-override",
];

/// A request with no other headers of its caller's can hold no credentials, so its answer may be for everybody.
const PLAIN: [&str; 6] =
    ["accept", "accept-language", "cache-control", "content-language", "pragma", "user-agent"];

/// Shown of an answer's headers, in bytes; what comes after is left out.
const SHOWN: usize = 64 * 1024;

/// Whether the server sets it and callers may not.
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str();
    RESERVED.contains(&name) || name.starts_with("proxy-")
}

/// Whether it can hold a credential: everything that is not known to be none.
pub(crate) fn may_be_secret(name: &HeaderName) -> bool {
    !PLAIN.contains(&name.as_str())
}

/// Reads the headers of a caller. A mistake names the header, never its value.
pub(crate) fn read(given: &BTreeMap<String, String>) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in given {
        let wrong = |what: &str| {
            let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
            let detail = format!("`headers.{name}` {what}");
            Error::invalid(detail.clone()).field(pointer, detail, Vec::new())
        };
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is no name of a header"))?;
        if is_reserved(&parsed) {
            return Err(wrong("is set by the server").fix(format!("Leave `{name}` out.")));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| wrong("has a value that cannot stand in a header; use visible ASCII"))?;
        if map.insert(parsed, value).is_some() {
            return Err(wrong("is there twice, in different spellings"));
        }
    }
    Ok(map)
}

/// Headers of an answer with lower-case names; values of the same name are joined as a list. Says whether that is all.
pub(crate) fn shown(headers: &HeaderMap) -> (BTreeMap<String, String>, bool) {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    let mut left = SHOWN;
    for (name, value) in headers {
        // Bytes beyond ASCII are ISO-8859-1 (RFC 9110 §5.5).
        let value: String = value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        let Some(rest) = left.checked_sub(name.as_str().len() + value.len()) else {
            return (map, false);
        };
        left = rest;
        // A comma can be part of a cookie.
        let separator = if *name == header::SET_COOKIE { "\n" } else { ", " };
        map.entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(separator);
                all.push_str(&value);
            })
            .or_insert(value);
    }
    (map, true)
}
