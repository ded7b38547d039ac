//! Signs a request as a sender does.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue, Request};
use mindflight_core::routes::Scheme;
use mindflight_core::{Error, Result};

use crate::headers;
use crate::mac::{Key, base64, hex};
use crate::verifying::unknown;

/// Sets the headers that prove who sends the request; `id` is the delivery's, the same for each of its attempts.
///
/// # Errors
/// 503 when the secret cannot be used; 422 when `id` or the header's name cannot stand in a request.
pub fn sign(
    scheme: &Scheme,
    secret: &str,
    request: &mut Request<Bytes>,
    id: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let at = now.timestamp().to_string();
    let body = request.body().clone();
    match scheme {
        Scheme::StandardWebhooks => {
            let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", &body];
            let mac = Key::base64(secret)?.mac(&parts)?;
            set(request, headers::WEBHOOK_ID, id)?;
            set(request, headers::WEBHOOK_TIMESTAMP, &at)?;
            let signature = format!("v1,{}", base64(&mac));
            set(request, headers::WEBHOOK_SIGNATURE, &signature)
        }
        Scheme::GitHub => {
            let mac = Key::text(secret)?.mac(&[&body])?;
            let signature = format!("sha256={}", hex(&mac));
            set(request, headers::GITHUB_SIGNATURE, &signature)
        }
        Scheme::Stripe => {
            let mac = Key::text(secret)?.mac(&[at.as_bytes(), b".", &body])?;
            let signature = format!("t={at},v1={}", hex(&mac));
            set(request, headers::STRIPE_SIGNATURE, &signature)
        }
        Scheme::Slack => {
            let mac = Key::text(secret)?.mac(&[b"v0:", at.as_bytes(), b":", &body])?;
            set(request, headers::SLACK_TIMESTAMP, &at)?;
            let signature = format!("v0={}", hex(&mac));
            set(request, headers::SLACK_SIGNATURE, &signature)
        }
        Scheme::HexHmac(header) => {
            let mac = Key::text(secret)?.mac(&[&body])?;
            set(request, header, &hex(&mac))
        }
        _ => Err(unknown()),
    }
}

fn set(request: &mut Request<Bytes>, name: &str, value: &str) -> Result<()> {
    let wrong = |what: &str| Error::invalid(format!("`{what}` cannot stand in a header"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name))?;
    let value = HeaderValue::from_str(value).map_err(|_| wrong(value))?;
    request.headers_mut().insert(header, value);
    Ok(())
}
