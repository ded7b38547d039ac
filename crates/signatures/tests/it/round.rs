//! What every scheme does alike: it accepts what it signed, and nothing that was changed afterwards.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;
use mindflight_core::routes::Scheme;
use mindflight_signatures::{sign, verify};

pub(crate) const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";

pub(crate) fn schemes() -> [Scheme; 5] {
    [
        Scheme::StandardWebhooks,
        Scheme::GitHub,
        Scheme::Stripe,
        Scheme::Slack,
        Scheme::HexHmac("X-Signature".to_owned()),
    ]
}

/// Those whose signature holds for a time only.
pub(crate) fn is_timed(scheme: &Scheme) -> bool {
    !matches!(scheme, Scheme::GitHub | Scheme::HexHmac(_))
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
}

pub(crate) fn signed(scheme: &Scheme) -> Request<Bytes> {
    let body = Bytes::from_static(b"{\"paid\":true}");
    let mut request = Request::post("/hook").body(body).expect("a request");
    sign(scheme, SECRET, &mut request, "delivery-1", now()).expect("it can be signed");
    request
}

#[test]
fn what_was_signed_is_accepted() {
    for scheme in schemes() {
        verify(&scheme, SECRET, &signed(&scheme), now()).unwrap();
    }
}

#[test]
fn a_changed_body_is_refused() {
    for scheme in schemes() {
        let mut request = signed(&scheme);
        *request.body_mut() = Bytes::from_static(b"{\"paid\":false}");
        let error = verify(&scheme, SECRET, &request, now()).unwrap_err();
        assert!(error.detail().contains("does not fit"), "{error}");
    }
}

#[test]
fn another_secret_is_refused_and_no_text_tells_one() {
    for scheme in schemes() {
        let other = "whsec_YW5vdGhlciBzZWNyZXQ=";
        let error = verify(&scheme, other, &signed(&scheme), now()).unwrap_err();
        assert_eq!((error.status(), error.name()), (401, "unauthenticated"));
        let request = mindflight_api::RequestId::new();
        let text = format!("{error:?} {:?}", error.problem(request));
        assert!(!text.contains(other) && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn an_old_signature_is_refused_with_the_number_of_seconds() {
    for scheme in schemes() {
        let request = signed(&scheme);
        for (off, refused) in [(300, false), (307, true)] {
            let later = verify(&scheme, SECRET, &request, now() + Duration::from_secs(off));
            let earlier = verify(&scheme, SECRET, &request, now() - Duration::from_secs(off));
            if !refused || !is_timed(&scheme) {
                assert!(later.is_ok() && earlier.is_ok(), "{scheme:?} {off}");
                continue;
            }
            let (later, earlier) = (later.unwrap_err(), earlier.unwrap_err());
            assert!(later.detail().contains("too old by 7 s"), "{later}");
            assert!(earlier.detail().contains("future by 7 s"), "{earlier}");
        }
    }
}

#[test]
fn every_header_is_needed_and_none_may_stand_twice() {
    for scheme in schemes() {
        let request = signed(&scheme);
        for name in request.headers().keys() {
            let mut without = request.clone();
            without.headers_mut().remove(name);
            let error = verify(&scheme, SECRET, &without, now()).unwrap_err();
            let expected = format!("the header `{name}` is missing");
            assert!(error.detail().eq_ignore_ascii_case(&expected), "{error}");

            let mut twice = request.clone();
            let value = request.headers()[name].clone();
            twice.headers_mut().append(name, value);
            let error = verify(&scheme, SECRET, &twice, now()).unwrap_err();
            assert!(error.detail().contains("more than once"), "{error}");
        }
    }
}

#[test]
fn an_empty_secret_verifies_nothing() {
    for scheme in schemes() {
        for secret in ["", "whsec_"] {
            if secret.is_empty() || scheme == Scheme::StandardWebhooks {
                let error = verify(&scheme, secret, &signed(&scheme), now()).unwrap_err();
                assert_eq!(error.status(), 503, "{error}");
                assert!(error.detail().contains("no secret"), "{error}");
            }
        }
    }
}
