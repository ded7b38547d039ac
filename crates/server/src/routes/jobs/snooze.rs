//! Puts a job off by hand.

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, Utc};
use mindflight_api::job::{Delay, SnoozeRequest};
use mindflight_api::{JobId, codes};
use mindflight_core::{Error, Result};
use mindflight_store::job_views::{Snooze, Until};
use serde_json::json;

use super::manage::{answer, impossible};
use super::request::span;
use super::show::{absent, one};
use crate::body::Json;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Requester};
use crate::state::AppState;

/// Nobody puts off a job for longer.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

pub(super) async fn snooze(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
    body: Json,
) -> Answer {
    let id = request::id::<JobId>(&path)?;
    let until = until(&request::body::<SnoozeRequest>(&body.0)?, state.clock.now())?;
    let before = one(&state, id).await?.ok_or_else(|| absent(id))?;
    let mut record = record(&*state.clock, "job.snooze", &id.to_string(), &who);
    record.detail = match until {
        Until::At(time) => json!({"until": time}),
        Until::After(wait) => json!({"for_s": wait.as_secs_f64()}),
    };
    let (views, queue) = (state.store.job_views(), state.queue.clone());
    let work = async move {
        let done = views.snooze(id, until, &record).await?;
        if let Some(Snooze::PutOff { queues }) = &done {
            queue.wake(queues);
            queue.put_off();
        }
        Ok(done)
    };
    match state.tasks.run(work).await? {
        Some(Snooze::PutOff { .. }) => answer(&state, id, before).await,
        Some(Snooze::Refused(now)) => Err(impossible(id, now, "put off").into()),
        None => Err(absent(id).into()),
    }
}

fn until(asked: &SnoozeRequest, now: DateTime<Utc>) -> Result<Until> {
    let wrong = |pointer: &str, detail: String| {
        Err(Error::of(codes::INVALID_BODY, detail.clone()).field(pointer, detail, Vec::new()))
    };
    match (&asked.span, asked.until) {
        (None, None) => wrong("", "one of `for` and `until` is needed".to_owned()),
        (Some(_), Some(_)) => wrong("/until", "`until` cannot stand beside `for`".to_owned()),
        (None, Some(time)) if time - now > chrono::Duration::seconds(10 * 365 * 86_400) => {
            wrong("/until", "`until` must be at most 10 years ahead".to_owned())
        }
        (None, Some(time)) => Ok(Until::At(time)),
        (Some(delay), None) => {
            let value = match delay {
                Delay::Seconds(seconds) => json!(seconds),
                Delay::Text(text) => json!(text),
            };
            match span(&value).filter(|wait| *wait <= LONGEST) {
                Some(wait) => Ok(Until::After(wait)),
                None => wrong(
                    "/for",
                    format!(
                        "`for` must be seconds from 0 on, or a text such as \"10m\" (ms, s, m, h, d), at most 10 years; got {value}"
                    ),
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_put_off_for_a_time_or_until_one() {
        let now: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
        let read = |text: &str| until(&serde_json::from_str(text).unwrap(), now);
        assert_eq!(read(r#"{"for":"10m"}"#).unwrap(), Until::After(Duration::from_secs(600)));
        assert_eq!(read(r#"{"for":0.5}"#).unwrap(), Until::After(Duration::from_millis(500)));
        let time = "2026-11-22T09:00:00Z";
        assert_eq!(
            read(&format!(r#"{{"until":"{time}"}}"#)).unwrap(),
            Until::At(time.parse().unwrap())
        );
        for (text, pointer) in [
            ("{}", ""),
            (r#"{"for":"10m","until":"2026-11-22T09:00:00Z"}"#, "/until"),
            (r#"{"until":"2046-11-22T09:00:00Z"}"#, "/until"),
            (r#"{"for":"soon"}"#, "/for"),
            (r#"{"for":-1}"#, "/for"),
            (r#"{"for":"9999d"}"#, "/for"),
        ] {
            assert_eq!(read(text).unwrap_err().fields()[0].pointer, pointer, "{text}");
        }
    }
}
