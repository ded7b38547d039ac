//! What an outside service's refusal means to the caller of a tool: mapped once, for every provider.

use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::{Response, StatusCode, header};
use mindflight_api::codes;

use crate::{Error, Result};

/// How much of an outside service's own words goes into an error, in bytes.
const QUOTED: usize = 300;

/// The longest wait that an outside service can ask for; what asks for more is taken for a mistake.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The answer, if its status is below 400. Of the others: 401 and 403 are the operator's to correct (502
/// `upstream_refused`), 404 and 410 are 404, 409 is 409, 400 and 422 are the caller's, 429 and 503 carry the wait they
/// name, and the rest is 502 `upstream_error`.
///
/// # Errors
/// As above; the detail quotes the beginning of a body that is text.
pub fn success(answer: Response<Bytes>) -> Result<Response<Bytes>> {
    let status = answer.status();
    if status.as_u16() < 400 {
        return Ok(answer);
    }
    let said = said(&answer);
    let detail = format!("the outside service answered {status}{said}");
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Error::of(codes::UPSTREAM_REFUSED, detail)
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Error::not_found(detail),
        StatusCode::CONFLICT => Error::conflict(detail),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Error::invalid(detail),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let error = Error::upstream(detail);
            match retry_after(&answer) {
                Some(wait) => error.wait(wait),
                None => error,
            }
        }
        _ => Error::upstream(detail),
    })
}

/// What `Retry-After` asks for (RFC 9110 §10.2.3): seconds, or a time against the answer's own `Date`.
#[must_use]
pub fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let text = |name| answer.headers().get(name)?.to_str().ok();
    let wanted = text(header::RETRY_AFTER)?.trim();
    let wait = match wanted.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(wanted).ok()?;
            let now = DateTime::parse_from_rfc2822(text(header::DATE)?).ok()?;
            (until - now).to_std().unwrap_or_default()
        }
    };
    (wait <= LONGEST_WAIT).then_some(wait)
}

/// The beginning of a textual body on one line, as `: "…"`.
fn said(answer: &Response<Bytes>) -> String {
    let Ok(text) = std::str::from_utf8(answer.body()) else {
        return String::new();
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A page for people says nothing to a model.
    if line.is_empty() || line.starts_with('<') {
        return String::new();
    }
    match line.len() > QUOTED {
        true => format!(": \"{}…\"", &line[..line.floor_char_boundary(QUOTED)]),
        false => format!(": \"{line}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn every_status_has_one_meaning() {
        assert!(success(answer(204, &[], "")).is_ok());
        assert!(success(answer(304, &[], "")).is_ok());
        for (status, code) in [
            (400, "invalid_arguments"),
            (401, "upstream_refused"),
            (403, "upstream_refused"),
            (404, "not_found"),
            (409, "conflict"),
            (410, "not_found"),
            (418, "upstream_error"),
            (422, "invalid_arguments"),
            (429, "upstream_error"),
            (500, "upstream_error"),
            (503, "upstream_error"),
        ] {
            let error = success(answer(status, &[], "why")).unwrap_err();
            assert_eq!(error.name(), code, "{status}");
            assert!(error.detail().contains(&status.to_string()), "{error}");
            assert!(error.detail().ends_with(": \"why\""), "{error}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_time() {
        let wait = |headers: &[(&str, &str)]| {
            let error = success(answer(429, headers, "")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Upstream);
            error.retry_after()
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let until = ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert_eq!(wait(&[date, until]), Some(Duration::from_secs(60)));
        assert_eq!(wait(&[until]), None);
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "99999999999")]), None);
    }

    #[test]
    fn pages_and_bytes_are_not_quoted_and_texts_are_cut() {
        let detail = |body| success(answer(500, &[], body)).unwrap_err().detail().to_owned();
        assert!(detail("<html>oops</html>").ends_with("Error"));
        let long = detail("0123456789".repeat(100).leak());
        assert!(long.len() < 400 && long.ends_with("…\""), "{long}");
    }
}
