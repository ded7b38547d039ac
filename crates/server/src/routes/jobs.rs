//! Jobs: make, find, follow, stop, run again, forget.

mod chosen;
mod declared;
mod errors;
mod filter;
mod kinds;
mod manage;
mod request;
mod show;
mod snooze;

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use mindflight_api::error_group::ErrorGroup;
use mindflight_api::job::{
    BulkDone, BulkRequest, Job, JobList, LogLine, NewJob, NewJobs, SnoozeRequest,
};
use mindflight_api::kind::JobKind;
use mindflight_api::{JobId, Page, Scope, codes};
use mindflight_core::ports::NewJob as Wanted;
use mindflight_core::{Error, Result};
use mindflight_queue::{Enqueued, Request};
use mindflight_store::job_views::View;
use tokio::time::Instant;

pub(crate) use self::chosen::chosen;
use self::kinds::Mounted;
pub(crate) use self::kinds::Schemas;
pub(super) use self::show::as_made;
use self::show::{absent, all, one, refuse_absent, visible};
use crate::body::Json;
use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::{Query, Requester, id};
use crate::state::AppState;

/// The longest that a request waits for a job to end.
const LONGEST_WAIT: u64 = 60;

/// Pauses between two looks at a job that somebody waits for; they double.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

pub(super) fn operations() -> Vec<Operation> {
    let create =
        Operation::new(Method::POST, "/api/jobs", "createJobs", "Make a job, or several", create)
            .scope(Scope::JobsWrite)
            .takes::<NewJob>()
            .gives::<Job>()
            .status(201);
    let list = Operation::new(
        Method::GET,
        "/api/jobs",
        "listJobs",
        "Find jobs, newest first, and count them by state",
        list,
    )
    .scope(Scope::JobsRead)
    .query(filter::QUERY)
    .gives::<JobList>()
    .uncounted();
    let get = Operation::new(Method::GET, "/api/jobs/{id}", "getJob", "Describe a job", get)
        .query(&[("wait", "seconds to wait for its end, 1 to 60")])
        .gives::<Job>()
        .uncounted();
    // Literal paths come before the one with an id in it.
    let mut all = vec![
        create,
        list.alias("/api/jobs/status"),
        list,
        Operation::new(
            Method::POST,
            "/api/jobs/bulk",
            "changeJobs",
            "Cancel, retry or delete up to 1,000 jobs; as a job of its own, any number",
            manage::bulk,
        )
        .scope(Scope::JobsWrite)
        .takes::<BulkRequest>()
        .gives::<BulkDone>(),
    ];
    all.extend(of_all_jobs());
    all.extend([get.alias("/api/jobs/status/{id}"), get]);
    all.extend(of_one_job());
    all
}

/// Kinds of jobs, and what went wrong with them.
fn of_all_jobs() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/api/jobs/errors",
            "listJobErrors",
            "List how jobs failed, each failure that is the same once, newest first",
            errors::list,
        )
        .scope(Scope::JobsRead)
        .query(errors::QUERY)
        .gives::<Page<ErrorGroup>>()
        .uncounted(),
        Operation::new(
            Method::GET,
            "/api/jobs/kinds",
            "listJobKinds",
            "List the kinds of jobs that can be made here",
            declared::list,
        )
        .scope(Scope::JobsRead)
        .gives::<Page<JobKind>>()
        .uncounted(),
        Operation::new(
            Method::GET,
            "/api/jobs/kinds/{kind}",
            "getJobKind",
            "Describe a kind of jobs",
            declared::get,
        )
        .scope(Scope::JobsRead)
        .gives::<JobKind>()
        .uncounted(),
    ]
}

fn of_one_job() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::DELETE,
            "/api/jobs/{id}",
            "deleteJob",
            "Forget a job that has ended",
            manage::delete,
        )
        .scope(Scope::JobsWrite)
        .status(204),
        Operation::new(
            Method::POST,
            "/api/jobs/{id}/cancel",
            "cancelJob",
            "Stop a job, on whichever instance it runs",
            manage::cancel,
        )
        .gives::<Job>(),
        Operation::new(
            Method::POST,
            "/api/jobs/{id}/retry",
            "retryJob",
            "Run a job now, with fresh attempts if it has ended",
            manage::retry,
        )
        .scope(Scope::JobsWrite)
        .gives::<Job>(),
        Operation::new(
            Method::POST,
            "/api/jobs/{id}/snooze",
            "snoozeJob",
            "Put a job off that does not run",
            snooze::snooze,
        )
        .scope(Scope::JobsWrite)
        .takes::<SnoozeRequest>()
        .gives::<Job>(),
        Operation::new(
            Method::GET,
            "/api/jobs/{id}/logs",
            "getJobLogs",
            "Read what a job has logged",
            logs,
        )
        .query(&[("limit", "lines a page, 1 to 500"), ("cursor", "the `next` of the page before")])
        .gives::<Page<LogLine>>()
        .uncounted(),
    ]
}

async fn create(state: web::Data<AppState>, who: Requester, body: Json) -> Answer {
    let asked = request::read(&body.0, &Mounted(&state))?;
    let is_single = asked.is_single;
    refuse_absent(&state, asked.outside, &who.caller).await?;
    let wanted = asked.jobs.clone();
    let made = enqueue(&state, who, asked.jobs).await?;
    let mut items = as_made(&state, made, wanted).await;
    if !is_single {
        return Ok(HttpResponse::Created().json(NewJobs { items }));
    }
    let job = items.pop().ok_or_else(|| Error::internal("a job without an answer"))?;
    let mut answer = if job.existing { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(answer.insert_header((LOCATION, format!("/api/jobs/{}", job.id))).json(job))
}

/// One job, as it is shown.
pub(super) async fn find(state: &AppState, id: JobId) -> Result<Job> {
    all(state, vec![id]).await?.pop().ok_or_else(|| absent(id))
}

/// A job, once it has ended or `end` is there.
pub(super) async fn settled(state: &AppState, id: JobId, end: Instant) -> Result<Job> {
    let view = awaited(state, id, end, |_| Ok(())).await?;
    show::shown(state, vec![view]).pop().ok_or_else(|| absent(id))
}

/// Makes jobs of this caller.
pub(super) async fn enqueue(
    state: &AppState,
    who: Requester,
    jobs: Vec<Wanted>,
) -> Result<Vec<Enqueued>> {
    let queue = state.queue.clone();
    let caller = Some(who.caller);
    let requests = jobs.into_iter().map(|job| Request { job, caller: caller.clone() }).collect();
    state.tasks.run(async move { queue.enqueue(requests).await }).await
}

async fn list(state: web::Data<AppState>, query: Query) -> Answer {
    let limit = query.page_limit()?;
    let filter = filter::read(&query)?;
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    let work = async move {
        let listed = views.list(&filter, limit + 1, alive_for);
        let counts = views.counts(
            filter.kind.as_deref(),
            filter.queue.as_deref(),
            filter.provider.as_deref(),
        );
        let (listed, counts) = futures::try_join!(listed, counts)?;
        Ok((listed, counts))
    };
    let (mut listed, counts) = Box::pin(state.tasks.run(work)).await?;
    let has_more = listed.items.len() > limit as usize;
    listed.items.truncate(limit as usize);
    let next = listed.items.last().filter(|_| has_more).map(|view| view.id.to_string());
    Ok(HttpResponse::Ok().json(JobList {
        counts: counts.counts,
        counts_capped: counts.capped,
        items: show::shown(&state, listed.items),
        next,
        scanned: listed.scanned,
    }))
}

async fn get(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
    query: Query,
) -> Answer {
    let (id, wait) = (id::<JobId>(&path)?, wait(&query)?);
    let allowed = |view: &View| visible(view, &who.caller, &Scope::JobsRead);
    let view = awaited(&state, id, Instant::now() + wait, allowed).await?;
    let shown = show::shown(&state, vec![view]).pop();
    Ok(HttpResponse::Ok().json(shown.ok_or_else(|| absent(id))?))
}

/// Looks at a job until it has ended or `end` is there, each time asking whether it is `allowed`.
async fn awaited(
    state: &AppState,
    id: JobId,
    end: Instant,
    allowed: impl Fn(&View) -> Result<()>,
) -> Result<View> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let view = one(state, id).await?.ok_or_else(|| absent(id))?;
        allowed(&view)?;
        let left = end.saturating_duration_since(Instant::now());
        if view.state.is_final() || left.is_zero() || state.is_draining() {
            return Ok(view);
        }
        // Here and not on the engine: it ends with the connection.
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn wait(query: &Query) -> Result<Duration> {
    let allowed = format!("a number of seconds from 1 to {LONGEST_WAIT}");
    match query.read::<u64>("wait", &allowed)? {
        None => Ok(Duration::ZERO),
        Some(seconds @ 1..=LONGEST_WAIT) => Ok(Duration::from_secs(seconds)),
        Some(other) => {
            let detail = format!("`wait` must be {allowed}; got {other}");
            Err(Error::of(codes::INVALID_QUERY, detail))
        }
    }
}

async fn logs(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
    query: Query,
) -> Answer {
    let (id, limit, after) = (id::<JobId>(&path)?, query.page_limit()?, query.cursor::<i64>()?);
    let view = one(&state, id).await?.ok_or_else(|| absent(id))?;
    visible(&view, &who.caller, &Scope::JobsRead)?;
    let views = state.store.job_views();
    let work = async move { Ok(views.logs(id, after, limit + 1).await?) };
    let mut found = state.tasks.run(work).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| has_more).map(|(number, _)| number.to_string());
    let items = found.into_iter().map(|(_, line)| line).collect();
    Ok(HttpResponse::Ok().json(Page::<LogLine> { items, next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_its_bounds() {
        assert_eq!(wait(&Query::parse("")).unwrap(), Duration::ZERO);
        assert_eq!(wait(&Query::parse("wait=60")).unwrap(), Duration::from_secs(60));
        for text in ["wait=0", "wait=61", "wait=-1", "wait=20s", "wait="] {
            let error = wait(&Query::parse(text)).unwrap_err();
            assert_eq!(error.name(), "invalid_query", "{text}");
            assert!(error.detail().contains("from 1 to 60"), "{error:?}");
        }
    }
}
