//! What requests about queues say: reasons and ends of pauses, and limits.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mindflight_api::codes;
use mindflight_api::job::{Delay, Pause, QueueChange};
use mindflight_core::policy::Rate;
use mindflight_core::{Error, Result};
use mindflight_store::job_views::{QueueLimits, Until};

use crate::config::Span;
use crate::request;

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

/// The most jobs of a queue that run at once, if there is a limit.
const MOST_SLOTS: u32 = 1_000_000;

/// The longest pause with an end, and the longest time for which jobs are kept.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Why a queue is paused, and until when; the body may be left out.
pub(super) fn pause(body: &Bytes, now: DateTime<Utc>) -> Result<(Option<String>, Option<Until>)> {
    if body.is_empty() {
        return Ok((None, None));
    }
    let Pause { reason, span, until } = request::body(body)?;
    Ok((line(reason)?, end(span, until, now)?))
}

fn line(reason: Option<String>) -> Result<Option<String>> {
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let length = reason.as_ref().map_or(0, |text| text.chars().count());
    let is_plain = reason.as_ref().is_none_or(|text| !text.chars().any(char::is_control));
    if length <= LONGEST_REASON && is_plain {
        return Ok(reason);
    }
    Err(wrong(
        "reason",
        format!(
            "must have at most {LONGEST_REASON} characters and no control characters; got {length}"
        ),
    ))
}

fn end(
    span: Option<Delay>,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<Until>> {
    match (span, until) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(wrong("until", "and `for` cannot be given together; leave one out"))
        }
        (Some(span), None) => Ok(Some(Until::After(length("for", &span)?))),
        (None, Some(until)) if until > now => Ok(Some(Until::At(until))),
        (None, Some(until)) => Err(wrong("until", format!("must be later than now; got {until}"))),
    }
}

/// A length of time above 0.
fn length(member: &str, span: &Delay) -> Result<Duration> {
    let (length, got) = match span {
        Delay::Seconds(seconds) => {
            (Duration::try_from_secs_f64(*seconds).ok(), seconds.to_string())
        }
        Delay::Text(text) => {
            let got = text.chars().take(40).collect();
            (text.parse::<Span>().ok().map(|span| span.0), got)
        }
    };
    length.filter(|length| !length.is_zero() && *length <= LONGEST).ok_or_else(|| {
        let what = format!(
            "must be more than 0: seconds, or a text such as \"30m\" (ms, s, m, h, d), at most 10 years; got {got}"
        );
        wrong(member, what)
    })
}

/// The limits that a queue is to have from now on.
pub(super) fn limits(body: &Bytes) -> Result<QueueLimits> {
    let QueueChange { concurrency, rate, retention } = request::body(body)?;
    if concurrency.is_none() && rate.is_none() && retention.is_none() {
        let detail = "the body must have `concurrency`, `rate` or `retention`; null takes one away";
        return Err(Error::of(codes::INVALID_BODY, detail).field("", detail, Vec::new()));
    }
    if let Some(Some(slots)) = concurrency.filter(|slots| !is_right(*slots)) {
        let what = format!("must be 1 to {MOST_SLOTS}, or null for no limit; got {slots}");
        return Err(wrong("concurrency", what));
    }
    let read = |text: String| text.parse::<Rate>().map_err(|error| wrong("rate", error));
    let kept = |text: String| length("retention", &Delay::Text(text));
    Ok(QueueLimits {
        slots: concurrency,
        rate: rate.map(|rate| rate.map(read).transpose()).transpose()?,
        retention: retention.map(|span| span.map(kept).transpose()).transpose()?,
    })
}

fn is_right(slots: Option<u32>) -> bool {
    slots.is_none_or(|slots| (1..=MOST_SLOTS).contains(&slots))
}

fn wrong(member: &str, what: impl Display) -> Error {
    let detail = format!("`{member}`: {what}");
    Error::of(codes::INVALID_BODY, detail.clone()).field(format!("/{member}"), detail, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T09:00:00Z".parse().unwrap()
    }

    fn paused(body: &'static str) -> Result<(Option<String>, Option<Until>)> {
        pause(&Bytes::from(body), now())
    }

    fn limited(body: &'static str) -> Result<QueueLimits> {
        limits(&Bytes::from(body))
    }

    fn place<T: std::fmt::Debug>(answer: Result<T>) -> String {
        let error = answer.unwrap_err();
        assert_eq!(error.status(), 422, "{error}");
        error.fields()[0].pointer.clone()
    }

    #[test]
    fn a_reason_is_a_line_of_text_or_nothing() {
        for nothing in ["", "{}", r#"{"reason":"  "}"#] {
            assert_eq!(paused(nothing).unwrap(), (None, None));
        }
        let (reason, until) = paused(r#"{"reason":" vendor incident "}"#).unwrap();
        assert_eq!((reason.as_deref(), until), (Some("vendor incident"), None));
        assert_eq!(place(paused(r#"{"reason":"a\nb"}"#)), "/reason");
        assert_eq!(paused(r#"{"why":"x"}"#).unwrap_err().status(), 400);
    }

    #[test]
    fn a_pause_ends_after_a_while_or_at_a_time() {
        let ends = |body| paused(body).unwrap().1;
        let minutes = |minutes: u64| Some(Until::After(Duration::from_secs(minutes * 60)));
        assert_eq!(ends(r#"{"for":"30m"}"#), minutes(30));
        assert_eq!(ends(r#"{"for":90}"#), Some(Until::After(Duration::from_secs(90))));
        let later = now() + Duration::from_secs(1);
        assert_eq!(ends(r#"{"until":"2026-11-21T09:00:01Z"}"#), Some(Until::At(later)));
        for body in [
            r#"{"for":0}"#,
            r#"{"for":-1}"#,
            r#"{"for":"soon"}"#,
            r#"{"for":"9999d"}"#,
            r#"{"for":1e300}"#,
        ] {
            assert_eq!(place(paused(body)), "/for", "{body}");
        }
        assert_eq!(place(paused(r#"{"until":"2026-11-21T09:00:00Z"}"#)), "/until");
        assert_eq!(place(paused(r#"{"for":"1m","until":"2027-01-01T00:00:00Z"}"#)), "/until");
    }

    #[test]
    fn limits_are_set_taken_away_or_left_as_they_are() {
        let some = limited(r#"{"concurrency":2,"rate":"100/1m"}"#).unwrap();
        assert_eq!((some.slots, some.retention), (Some(Some(2)), None));
        assert_eq!(some.rate, Some(Some("100/1m".parse().unwrap())));
        let none = limited(r#"{"concurrency":null,"rate":null,"retention":null}"#).unwrap();
        let away = QueueLimits { slots: Some(None), rate: Some(None), retention: Some(None) };
        assert_eq!(none, away);
        let kept = limited(r#"{"retention":"7d"}"#).unwrap();
        assert_eq!(kept.retention, Some(Some(Duration::from_secs(7 * 86_400))));
        assert_eq!(kept.slots, None);
        for (body, at) in [
            ("{}", ""),
            (r#"{"concurrency":0}"#, "/concurrency"),
            (r#"{"concurrency":1000001}"#, "/concurrency"),
            (r#"{"concurrency":-1}"#, "/concurrency"),
            (r#"{"rate":"100"}"#, "/rate"),
            (r#"{"retention":"0s"}"#, "/retention"),
        ] {
            assert_eq!(place(limited(body)), at, "{body}");
        }
    }
}
