//! One request on its way: as the caller made it, then as each redirect makes it.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use mindflight_core::{Error, Result};
use url::Url;

use crate::retry;

/// Who we are, unless the request says something else.
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("mindflight/", env!("CARGO_PKG_VERSION")));

/// About one connection, or made from the URL and the body: callers have no say in these.
const CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What is meant for one receiver, and no business of another to whom it redirects.
const CREDENTIALS: [&str; 15] = [
    "authorization",
    "cookie",
    "cookie2",
    "proxy-authorization",
    "www-authenticate",
    "x-api-key",
    "x-apikey",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-amz-security-token",
    "x-goog-api-key",
    "private-token",
];

/// What describes a body (RFC 9110 §15.4).
const OF_BODY: [HeaderName; 5] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("digest"),
];

pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Hop {
    pub(crate) fn new(request: Request<Bytes>) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let (uri, method, mut headers) = (parts.uri, parts.method, parts.headers);
        if matches!(method, Method::CONNECT | Method::TRACE) {
            return Err(Error::invalid(format!("{method} requests are not sent to the outside"))
                .fix("Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS."));
        }
        if uri.scheme().is_none() || uri.host().is_none_or(str::is_empty) {
            return Err(Error::invalid("the URL of an outside call has no scheme or no host")
                .fix("Write it in full, as https://api.example.com/path."));
        }
        let url = Url::parse(&uri.to_string())
            .map_err(|error| Error::invalid(format!("the URL cannot be read: {error}")))?;
        for name in &CONNECTION {
            headers.remove(name);
        }
        headers.entry(header::USER_AGENT).or_insert(AGENT);
        Ok(Self { url, method, headers, body })
    }

    pub(crate) fn repeatable(&self) -> bool {
        retry::repeatable(&self.method, &self.headers)
    }

    /// What a breaker knows the receiver by.
    pub(crate) fn origin(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{}://{}:{port}", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }

    pub(crate) fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        // An empty body of these methods has a length, too.
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        if has_body || !self.body.is_empty() {
            *request.body_mut() = Some(self.body.clone().into());
        }
        request
    }

    /// The request that a redirect asks for.
    pub(crate) fn redirected(&self, status: StatusCode, location: Url) -> Self {
        let (mut method, mut headers, mut body) =
            (self.method.clone(), self.headers.clone(), self.body.clone());
        let becomes_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
            StatusCode::SEE_OTHER => method != Method::GET && method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            method = Method::GET;
            body = Bytes::new();
            for name in &OF_BODY {
                headers.remove(name);
            }
        }
        if location.origin() != self.url.origin() {
            let secret = |(name, value): (&HeaderName, &HeaderValue)| {
                (value.is_sensitive() || CREDENTIALS.contains(&name.as_str())).then(|| name.clone())
            };
            let secrets: Vec<HeaderName> = headers.iter().filter_map(secret).collect();
            for name in secrets {
                headers.remove(name);
            }
        }
        Self { url: location, method, headers, body }
    }
}

/// Where an answer redirects to, if it is a redirect that says so.
pub(crate) fn location<B>(answer: &Response<B>) -> Option<&HeaderValue> {
    let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    answer.headers().get(header::LOCATION).filter(|_| redirects)
}

/// The URL that a `Location` means (RFC 9110 §10.2.2).
pub(crate) fn target(base: &Url, location: &HeaderValue) -> Option<Url> {
    base.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

/// Takes out of an answer what was about the connection.
pub(crate) fn unconnected(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::TRAILER] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: &Method) -> Hop {
        let mut token = HeaderValue::from_static("t");
        token.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri("https://a.example/x?q=1")
            .header("authorization", "Bearer t")
            .header("X-Api-Key", "k")
            .header("x-vendor-token", token)
            .header("cookie", "c=1")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("host", "internal")
            .header("transfer-encoding", "chunked");
        Hop::new(request.body(Bytes::from_static(b"{}")).unwrap()).unwrap()
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn names(hop: &Hop) -> Vec<&str> {
        let mut names: Vec<&str> = hop.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn redirects_change_methods_as_browsers_do() {
        for (status, before, after) in [
            (301, Method::POST, Method::GET),
            (302, Method::POST, Method::GET),
            (301, Method::PUT, Method::PUT),
            (303, Method::PUT, Method::GET),
            (303, Method::DELETE, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (307, Method::POST, Method::POST),
            (308, Method::POST, Method::POST),
            (302, Method::GET, Method::GET),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let next = hop(&before).redirected(status, url("https://a.example/y"));
            assert_eq!(next.method, after, "{status} {before}");
            let kept = next.method == before;
            assert_eq!(next.body.is_empty(), !kept, "{status} {before}");
            assert_eq!(next.headers.contains_key("content-type"), kept, "{status} {before}");
            assert!(next.headers.contains_key("authorization"), "the receiver is the same");
        }
    }

    #[test]
    fn another_receiver_gets_no_credentials() {
        let all = ["accept", "authorization", "content-type", "cookie", "user-agent"];
        let first = hop(&Method::GET);
        assert!(all.iter().all(|name| names(&first).contains(name)));
        assert!(!first.headers.contains_key("host"), "hosts are not pretended");
        for elsewhere in [
            "https://b.example/",
            "http://a.example/",
            "https://a.example:8443/",
            "https://x.a.example/",
        ] {
            let next = first.redirected(StatusCode::FOUND, url(elsewhere));
            assert_eq!(names(&next), ["accept", "content-type", "user-agent"], "{elsewhere}");
        }
        let same = first.redirected(StatusCode::FOUND, url("https://A.example:443/z"));
        assert_eq!(names(&same), names(&first));
    }

    #[test]
    fn a_location_is_read_as_a_browser_reads_it() {
        let base = url("https://a.example/x/y?q");
        for (text, wanted) in [
            ("z", Some("https://a.example/x/z")),
            ("/z", Some("https://a.example/z")),
            ("//b.example", Some("https://b.example/")),
            ("https:\\\\b.example\\@c", Some("https://b.example/@c")),
            ("http://0x7f.1/", Some("http://127.0.0.1/")),
            ("https://[", None),
        ] {
            let found = target(&base, &HeaderValue::from_str(text).unwrap());
            assert_eq!(found.as_ref().map(Url::as_str), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_outside_call_is_said_so() {
        for (method, uri) in [("CONNECT", "http://a.example:80/"), ("GET", "/path")] {
            let request = Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap();
            assert_eq!(Hop::new(request).err().unwrap().status(), 422, "{method} {uri}");
        }
    }
}
