//! What only some schemes have: several signatures, forms, and checks of a provider's own.

use std::sync::Arc;

use http::HeaderValue;
use mindflight_core::Error;
use mindflight_core::routes::{Scheme, Verification};
use mindflight_signatures::{verification, verify};

use crate::round::{SECRET, now, schemes, signed};

/// `request`'s detail after its header was rewritten, or nothing if it is accepted.
fn rewritten(scheme: &Scheme, header: &str, value: impl Fn(&str) -> String) -> Option<String> {
    let mut request = signed(scheme);
    let old = request.headers()[header].to_str().expect("text").to_owned();
    let new = HeaderValue::from_str(&value(&old)).expect("text");
    request
        .headers_mut()
        .insert(http::HeaderName::from_bytes(header.as_bytes()).expect("a name"), new);
    let result = verify(scheme, SECRET, &request, now());
    result.err().map(|error| error.detail().to_owned())
}

#[test]
fn while_secrets_rotate_one_good_signature_of_several_is_enough() {
    let standard = |value: fn(&str) -> String| {
        rewritten(&Scheme::StandardWebhooks, "webhook-signature", value)
    };
    assert_eq!(standard(|old| format!("v1,bm9wZQ== v1a,xyz {old}")), None);
    assert_eq!(standard(|old| format!("{old} v1,bm9wZQ==")), None);
    let stripe = |value: fn(&str) -> String| rewritten(&Scheme::Stripe, "stripe-signature", value);
    assert_eq!(stripe(|old| format!("{old},v1=00,v0=11")), None);
    assert_eq!(stripe(|old| old.replace(",v1", ", v1=00, v1")), None);
}

/// A scheme, one of its headers, how that is rewritten, and the form that the refusal must name.
type Case = (Scheme, &'static str, fn(&str) -> String, &'static str);

#[test]
fn another_form_is_named_with_the_one_that_is_wanted() {
    use Scheme::{GitHub, Slack, StandardWebhooks, Stripe};
    let (sent, signature) = ("webhook-timestamp", "webhook-signature");
    let (seconds, stripe) = ("seconds since 1970", "t=<seconds>,v1=<hex>");
    let cases: [Case; 9] = [
        (StandardWebhooks, signature, |old| old.replace("v1,", "v1a,"), "v1,<base64>"),
        (StandardWebhooks, sent, |_| "yesterday".to_owned(), seconds),
        (StandardWebhooks, sent, |_| "-5".to_owned(), seconds),
        (GitHub, "x-hub-signature-256", |old| old.replace("256=", "1="), "sha256=<hex>"),
        (Stripe, "stripe-signature", |old| old.replace("v1=", "v0="), stripe),
        (Stripe, "stripe-signature", |old| format!("t=1,{old}"), stripe),
        (Stripe, "stripe-signature", |_| "v1=00".to_owned(), stripe),
        (Slack, "x-slack-signature", |old| old.replace("v0=", ""), "v0=<hex>"),
        (Slack, "x-slack-request-timestamp", |_| "9".repeat(20), seconds),
    ];
    for (scheme, header, value, wanted) in cases {
        let detail = rewritten(&scheme, header, value).expect("it is refused");
        assert!(detail.contains(header) && detail.contains(wanted), "{scheme:?}: {detail}");
    }
}

#[test]
fn a_changed_time_or_id_does_not_fit_the_signature() {
    let cases = [
        (Scheme::StandardWebhooks, "webhook-timestamp", "1700000001"),
        (Scheme::StandardWebhooks, "webhook-id", "delivery-2"),
        (Scheme::Slack, "x-slack-request-timestamp", "1700000001"),
    ];
    for (scheme, header, new) in cases {
        let detail = rewritten(&scheme, header, |_| new.to_owned()).expect("it is refused");
        assert!(detail.contains("does not fit"), "{scheme:?}: {detail}");
    }
    let detail = rewritten(&Scheme::Stripe, "stripe-signature", |old| {
        old.replace("t=1700000000", "t=1700000001")
    });
    assert!(detail.unwrap().contains("does not fit"));
}

#[test]
fn a_standard_webhooks_secret_that_is_no_base64_is_the_operators_matter() {
    let scheme = Scheme::StandardWebhooks;
    let error = verify(&scheme, "whsec_%%%", &signed(&scheme), now()).unwrap_err();
    assert_eq!(error.status(), 503);
    assert!(!error.detail().contains("%%%"), "{error}");
}

#[test]
fn a_route_is_verified_by_its_scheme_or_by_its_own_check() {
    for scheme in schemes() {
        let declared =
            Verification::Scheme { scheme: scheme.clone(), secret: Arc::new(|| SECRET.to_owned()) };
        verification(&declared, &signed(&scheme), now()).unwrap();
    }
    let own = Verification::Own(Arc::new(|request, _| match request.body().len() {
        0 => Ok(()),
        _ => Err(Error::not_allowed("a body")),
    }));
    let error = verification(&own, &signed(&Scheme::GitHub), now()).unwrap_err();
    assert_eq!((error.status(), error.detail()), (403, "a body"));
    let empty = http::Request::post("/").body(bytes::Bytes::new()).unwrap();
    verification(&own, &empty, now()).unwrap();
}
