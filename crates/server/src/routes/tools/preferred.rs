//! Tool calls whose callers would rather not wait (`Prefer`, RFC 7240): they become jobs.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderMap, HeaderName, LOCATION};
use mindflight_api::job::{Job, JobError};
use mindflight_api::{Code, Fault, JobState, codes};
use mindflight_core::ports::{EnqueueOptions, NewJob};
use mindflight_core::{Error, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::refusal::Answer;
use crate::request::Requester;
use crate::routes::jobs;
use crate::state::AppState;

/// The longest that a caller is kept waiting, whatever it prefers.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The largest arguments of a job, in bytes.
const MAX_ARGUMENTS: usize = 256 * 1024;

/// What a caller prefers to waiting for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::routes) struct Preference {
    /// How long it wants to wait first.
    wait: Duration,
}

impl Preference {
    /// Reads `Prefer: respond-async` and `Prefer: wait=SECONDS`. Other preferences are ignored, as the RFC has it.
    pub(in crate::routes) fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let texts = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
        let mut found = None;
        for preference in texts.flat_map(|text| text.split(',')) {
            let preference = preference.split(';').next().unwrap_or_default().trim();
            if preference.eq_ignore_ascii_case("respond-async") {
                found.get_or_insert(Self { wait: Duration::ZERO });
            }
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            if name.trim().eq_ignore_ascii_case("wait") {
                let value = value.trim().trim_matches('"');
                let seconds: u64 = value.parse().map_err(|_| {
                    let detail = format!("`Prefer: wait` takes a whole number of seconds, such as wait=10; got \"{value}\"");
                    Error::of(codes::INVALID_REQUEST, detail)
                })?;
                found = Some(Self { wait: Duration::from_secs(seconds).min(LONGEST_WAIT) });
            }
        }
        Ok(found)
    }
}

/// Makes the call a job, waits as long as the caller prefers, and answers with the result or the job.
pub(super) async fn call(
    state: &AppState,
    who: Requester,
    (tool, arguments): (String, Value),
    preference: Preference,
) -> Answer {
    let tool = state.calls.check(&tool, &who.caller, &arguments)?;
    let size = arguments.to_string().len();
    if size > MAX_ARGUMENTS {
        let detail = format!(
            "the arguments have {size} bytes; {MAX_ARGUMENTS} are allowed where a call becomes a job"
        );
        return Err(Error::too_large(detail).into());
    }
    let job = NewJob { kind: tool, args: arguments, options: EnqueueOptions::default() };
    respond(state, who, job, preference).await
}

/// Makes the job, waits as long as the caller prefers, and answers with its result or with the job.
pub(in crate::routes) async fn respond(
    state: &AppState,
    who: Requester,
    job: NewJob,
    preference: Preference,
) -> Answer {
    let end = Instant::now() + preference.wait;
    let made = jobs::enqueue(state, who, vec![job.clone()]).await?;
    let job = jobs::as_made(state, made, vec![job]).await.pop();
    let job = job.ok_or_else(|| Error::internal("a job without an answer"))?;
    if preference.wait.is_zero() {
        return Ok(accepted(&job));
    }
    // If it cannot be read any more, it goes on all the same.
    answer(jobs::settled(state, job.id, end).await.unwrap_or(job))
}

/// 202, with the job that goes on.
fn accepted(job: &Job) -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/api/jobs/{}", job.id)))
        .insert_header((HeaderName::from_static("preference-applied"), "respond-async"))
        .json(json!({"job": job}))
}

/// What the caller gets: the result, the error, or the job that goes on.
fn answer(job: Job) -> Answer {
    if !job.state.is_final() {
        return Ok(accepted(&job));
    }
    match (job.state, job.error) {
        (JobState::Succeeded, _) => Ok(HttpResponse::Ok().json(job.result)),
        (_, Some(error)) => Err(as_error(error).into()),
        (_, None) => Err(Error::of(codes::JOB_CANCELLED, "the call was cancelled").into()),
    }
}

/// The error of a job, as the call itself would have answered it.
fn as_error(error: JobError) -> Error {
    let code = Code::find(&error.code).copied().unwrap_or(match error.fault {
        Fault::Caller => codes::INVALID_ARGUMENTS,
        Fault::Upstream => codes::UPSTREAM,
        Fault::Operator => codes::PROVIDER_UNAVAILABLE,
        Fault::Provider | Fault::Server => codes::PROVIDER_ERROR,
    });
    let own = Code::find(&error.code).is_none().then_some(error.code);
    let mut answer = Error::of(code, error.detail);
    if let Some(own) = own {
        answer = answer.code(own);
    }
    match error.fix {
        Some(fix) => answer.fix(fix),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(texts: &[&'static str]) -> Result<Option<Preference>> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(HeaderName::from_static("prefer"), HeaderValue::from_static(text));
        }
        Preference::read(&headers)
    }

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        let seconds = |seconds| Some(Preference { wait: Duration::from_secs(seconds) });
        for (texts, expected) in [
            (vec![], None),
            (vec!["handling=lenient"], None),
            (vec!["respond-async"], seconds(0)),
            (vec!["Respond-Async, wait=10"], seconds(10)),
            (vec!["wait=\"7\"; x=y, respond-async"], seconds(7)),
            (vec!["respond-async", "wait=5"], seconds(5)),
            (vec!["wait=100000"], seconds(60)),
        ] {
            assert_eq!(read(&texts).unwrap(), expected, "{texts:?}");
        }
        assert_eq!(read(&["wait=soon"]).unwrap_err().name(), "invalid_request");
    }

    #[test]
    fn an_error_keeps_its_code_and_its_class() {
        let error = Error::not_found("no city").code("weather.city_not_found").fix("Check it.");
        let again = as_error(as_kept(&error));
        assert_eq!((again.name(), again.detail()), ("weather.city_not_found", "no city"));
        assert_eq!(again.fault(), error.fault());
        let timeout = JobError { code: "timeout".to_owned(), ..as_kept(&Error::upstream("x")) };
        assert_eq!(as_error(timeout).status(), 504);
    }

    fn as_kept(error: &Error) -> JobError {
        let problem = error.problem(mindflight_api::RequestId::new());
        let (code, detail, fix) = (problem.code, problem.detail, problem.fix);
        JobError { code, detail, fix, fault: problem.fault, retry: problem.retry }
    }
}
