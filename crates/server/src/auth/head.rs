//! What the gate reads of a request: its credentials, and what the loopback rules ask for.

use std::net::SocketAddr;

use actix_web::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN, TRANSFER_ENCODING,
};
use actix_web::{HttpMessage, HttpRequest};
use mindflight_core::caller::Origin;

use super::loopback::{self, Visit};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Stands for what is no text; no rule accepts it.
const UNREADABLE: &str = "\u{fffd}";

/// The head of a request, as the gate reads it.
pub(crate) struct Head<'a> {
    request: &'a HttpRequest,
    peer: Option<SocketAddr>,
    listener: SocketAddr,
}

/// What a request says about who sends it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    Nothing,
    Bearer(&'a str),
    /// Something that is no bearer credential; the reason is for the log.
    Unreadable(&'static str),
}

impl<'a> From<&'a HttpRequest> for Head<'a> {
    fn from(request: &'a HttpRequest) -> Self {
        Self { request, peer: request.peer_addr(), listener: request.app_config().local_addr() }
    }
}

impl<'a> Head<'a> {
    /// Which request it is, for the log.
    pub(super) fn origin(&self) -> Option<Origin> {
        self.request.extensions().get::<Origin>().copied()
    }

    pub(super) fn given(&self) -> Given<'a> {
        let mut values = self.request.headers().get_all(AUTHORIZATION);
        match (values.next(), values.next()) {
            (None, _) => Given::Nothing,
            (Some(_), Some(_)) => Given::Unreadable("there are two Authorization headers"),
            (Some(value), None) => bearer(value.to_str().unwrap_or(UNREADABLE)),
        }
    }

    pub(super) fn visit(&self, dev: bool) -> Visit<'a> {
        let headers = self.request.headers();
        let all = |name: HeaderName| {
            headers
                .get_all(name)
                .map(|value| value.to_str().unwrap_or(UNREADABLE))
                .collect::<Vec<_>>()
        };
        let length = headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        let mut hosts = all(HOST);
        hosts.extend(self.request.uri().authority().map(|authority| authority.as_str()));
        Visit {
            dev,
            peer: self.peer.map(|peer| peer.ip()),
            listener: self.listener,
            hosts,
            forwarded: headers
                .keys()
                .map(HeaderName::as_str)
                .find(|name| loopback::is_forwarding(name)),
            origins: all(ORIGIN),
            fetch_sites: all(SEC_FETCH_SITE),
            content_types: all(CONTENT_TYPE),
            has_body: length || headers.contains_key(TRANSFER_ENCODING),
        }
    }
}

/// `Bearer <credential>`, the scheme in any case (RFC 9110 §11.1).
fn bearer(value: &str) -> Given<'_> {
    let Some((scheme, credential)) = value.trim().split_once(' ') else {
        return Given::Unreadable("the Authorization header has no scheme");
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Given::Unreadable("the Authorization header has another scheme than Bearer");
    }
    match credential.trim() {
        "" => Given::Unreadable("the Authorization header has no credential"),
        credential => Given::Bearer(credential),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_one_bearer_credential_is_read() {
        for (value, given) in
            [("Bearer abc", Given::Bearer("abc")), ("bearer  abc ", Given::Bearer("abc"))]
        {
            let request =
                TestRequest::default().insert_header((AUTHORIZATION, value)).to_http_request();
            assert_eq!(Head::from(&request).given(), given, "{value}");
        }
        for value in ["", "abc", "Bearer", "Bearer ", "Basic YTpi", "Token abc"] {
            let request =
                TestRequest::default().insert_header((AUTHORIZATION, value)).to_http_request();
            assert!(matches!(Head::from(&request).given(), Given::Unreadable(_)), "{value}");
        }
        let twice = TestRequest::default()
            .append_header((AUTHORIZATION, "Bearer a"))
            .append_header((AUTHORIZATION, "Bearer a"))
            .to_http_request();
        assert!(matches!(Head::from(&twice).given(), Given::Unreadable(_)));
        let none = TestRequest::default().to_http_request();
        assert_eq!(Head::from(&none).given(), Given::Nothing);
    }

    #[test]
    fn every_header_that_the_rules_ask_for_is_read() {
        let request = TestRequest::default()
            .uri("http://evil.example/api/me")
            .peer_addr(([127, 0, 0, 1], 5).into())
            .append_header((HOST, "localhost:8080"))
            .append_header((HOST, "other:8080"))
            .append_header((ORIGIN, "null"))
            .append_header(("Sec-Fetch-Site", "cross-site"))
            .append_header(("X-Forwarded-For", "1.2.3.4"))
            .append_header((CONTENT_TYPE, "text/plain"))
            .append_header((CONTENT_LENGTH, "3"))
            .to_http_request();
        let visit = Head::from(&request).visit(true);
        assert_eq!(visit.hosts, ["localhost:8080", "other:8080", "evil.example"]);
        assert_eq!((visit.origins, visit.fetch_sites), (vec!["null"], vec!["cross-site"]));
        assert_eq!(
            (visit.content_types, visit.forwarded),
            (vec!["text/plain"], Some("x-forwarded-for"))
        );
        assert!(visit.has_body && visit.peer.is_some());
    }

    #[test]
    fn a_body_is_announced_by_a_length_or_by_chunks() {
        for (name, value, has_body) in [
            (CONTENT_LENGTH, "0", false),
            (CONTENT_LENGTH, "1", true),
            (TRANSFER_ENCODING, "chunked", true),
        ] {
            let request = TestRequest::default().insert_header((name, value)).to_http_request();
            assert_eq!(Head::from(&request).visit(true).has_body, has_body, "{value}");
        }
    }
}
