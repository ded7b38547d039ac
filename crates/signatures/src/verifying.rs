//! Whether a request was signed by whoever has the secret.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;
use mindflight_core::routes::{Scheme, Verification};
use mindflight_core::{Error, Result};

use crate::headers::{self, one};
use crate::mac::{Key, any_equals, base64, hex};
use crate::{refusal, timestamp};

/// Verifies a request as its route declares it, also by a check of the provider's own.
///
/// # Errors
/// As [`verify`]; or whatever the provider's own check answers.
pub fn verification(
    verification: &Verification,
    request: &Request<Bytes>,
    now: DateTime<Utc>,
) -> Result<()> {
    match verification {
        Verification::Scheme { scheme, secret } => verify(scheme, &secret(), request, now),
        Verification::Own(check) => check(request, now),
        _ => Err(unknown()),
    }
}

/// Verifies the signature of a request.
///
/// # Errors
/// 401 `unauthenticated` that says what is wrong; 503 when the secret itself cannot be used.
pub fn verify(
    scheme: &Scheme,
    secret: &str,
    request: &Request<Bytes>,
    now: DateTime<Utc>,
) -> Result<()> {
    match scheme {
        Scheme::StandardWebhooks => standard(secret, request, now),
        Scheme::GitHub => {
            let header = headers::GITHUB_SIGNATURE;
            over_body(secret, request, header, "sha256=")
        }
        Scheme::Stripe => stripe(secret, request, now),
        Scheme::Slack => slack(secret, request, now),
        Scheme::HexHmac(header) => over_body(secret, request, header, ""),
        _ => Err(unknown()),
    }
}

/// For a scheme that core has learned and this crate has not.
pub(crate) fn unknown() -> Error {
    Error::not_supported("this server does not know the signature scheme of the webhook")
}

fn standard(secret: &str, request: &Request<Bytes>, now: DateTime<Utc>) -> Result<()> {
    let key = Key::base64(secret)?;
    let id = one(request, headers::WEBHOOK_ID)?;
    let at = one(request, headers::WEBHOOK_TIMESTAMP)?;
    let signatures = one(request, headers::WEBHOOK_SIGNATURE)?;
    timestamp::check(at, headers::WEBHOOK_TIMESTAMP, now)?;
    // Other versions, such as `v1a`, may stand beside the one that we share a secret for.
    let mut given = signatures
        .split_ascii_whitespace()
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .peekable();
    if given.peek().is_none() {
        return Err(refusal::malformed(headers::WEBHOOK_SIGNATURE, "v1,<base64>"));
    }
    let mac = key.mac(&[id.as_bytes(), b".", at.as_bytes(), b".", request.body()])?;
    accept(any_equals(given, &base64(&mac)), headers::WEBHOOK_SIGNATURE)
}

fn stripe(secret: &str, request: &Request<Bytes>, now: DateTime<Utc>) -> Result<()> {
    let header = headers::STRIPE_SIGNATURE;
    let malformed = || refusal::malformed(header, "t=<seconds>,v1=<hex>");
    let key = Key::text(secret)?;
    let members = || one(request, header).map(|text| text.split(',').map(str::trim));
    let mut times = members()?.filter_map(|member| member.strip_prefix("t="));
    let at = times.next().ok_or_else(malformed)?;
    if times.next().is_some() {
        return Err(malformed());
    }
    let mut given = members()?.filter_map(|member| member.strip_prefix("v1=")).peekable();
    if given.peek().is_none() {
        return Err(malformed());
    }
    timestamp::check(at, header, now)?;
    let mac = key.mac(&[at.as_bytes(), b".", request.body()])?;
    accept(any_equals(given, &hex(&mac)), header)
}

fn slack(secret: &str, request: &Request<Bytes>, now: DateTime<Utc>) -> Result<()> {
    let key = Key::text(secret)?;
    let at = one(request, headers::SLACK_TIMESTAMP)?;
    let given = one(request, headers::SLACK_SIGNATURE)?
        .strip_prefix("v0=")
        .ok_or_else(|| refusal::malformed(headers::SLACK_SIGNATURE, "v0=<hex>"))?;
    timestamp::check(at, headers::SLACK_TIMESTAMP, now)?;
    let mac = key.mac(&[b"v0:", at.as_bytes(), b":", request.body()])?;
    accept(any_equals([given].into_iter(), &hex(&mac)), headers::SLACK_SIGNATURE)
}

/// The schemes that sign the body alone.
fn over_body(secret: &str, request: &Request<Bytes>, header: &str, prefix: &str) -> Result<()> {
    let key = Key::text(secret)?;
    let given = one(request, header)?
        .strip_prefix(prefix)
        .ok_or_else(|| refusal::malformed(header, &format!("{prefix}<hex>")))?;
    let mac = key.mac(&[request.body()])?;
    accept(any_equals([given].into_iter(), &hex(&mac)), header)
}

fn accept(valid: bool, header: &str) -> Result<()> {
    match valid {
        true => Ok(()),
        false => Err(refusal::wrong(header)),
    }
}
