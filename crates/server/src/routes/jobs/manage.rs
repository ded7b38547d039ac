//! What is done to jobs by hand.

use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::job::BulkRequest;
use mindflight_api::{JobId, JobState, Scope};
use mindflight_core::Error;
use mindflight_core::ports::{EnqueueOptions, NewJob};
use mindflight_store::job_views::{Cancel, Delete, Retry, View};

use super::chosen::{MOST, chosen};
use super::show::{self, absent, one, visible};
use crate::body::Json;
use crate::own;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Requester};
use crate::routes::tools::preferred::{self, Preference};
use crate::state::AppState;

pub(super) async fn cancel(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
) -> Answer {
    let id = request::id::<JobId>(&path)?;
    let before = one(&state, id).await?.ok_or_else(|| absent(id))?;
    visible(&before, &who.caller, &Scope::JobsWrite)?;
    let record = record(&*state.clock, "job.cancel", &id.to_string(), &who);
    let (views, queue) = (state.store.job_views(), state.queue.clone());
    let work = async move {
        let done = views.cancel(id, None, &record).await?;
        match &done {
            Some(Cancel::Cancelled { queues }) => queue.ended(queues),
            Some(Cancel::Asked) => queue.cancel(id),
            Some(Cancel::Final(_)) | None => {}
        }
        Ok(done)
    };
    match state.tasks.run(work).await? {
        Some(Cancel::Final(ended)) => Err(impossible(id, ended, "cancelled").into()),
        Some(Cancel::Cancelled { .. } | Cancel::Asked) => {
            // A queue may keep nothing of what has ended.
            let gone = View { state: JobState::Cancelled, ..before };
            answer(&state, id, gone).await
        }
        None => Err(absent(id).into()),
    }
}

pub(super) async fn retry(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
) -> Answer {
    let id = request::id::<JobId>(&path)?;
    let before = one(&state, id).await?.ok_or_else(|| absent(id))?;
    let record = record(&*state.clock, "job.retry", &id.to_string(), &who);
    let (views, queue) = (state.store.job_views(), state.queue.clone());
    let work = async move {
        let done = views.retry(id, &record).await?;
        if let Some(Retry::Queued { queues }) = &done {
            queue.wake(queues);
        }
        Ok(done)
    };
    match state.tasks.run(work).await? {
        Some(Retry::Refused(now)) => Err(impossible(id, now, "retried").into()),
        Some(Retry::Queued { .. }) => answer(&state, id, before).await,
        None => Err(absent(id).into()),
    }
}

/// The job as it is now, or as `otherwise` if it is gone.
pub(super) async fn answer(state: &AppState, id: JobId, otherwise: View) -> Answer {
    let view = one(state, id).await?.unwrap_or(otherwise);
    let job = show::shown(state, vec![view]).pop();
    Ok(HttpResponse::Ok().json(job.ok_or_else(|| absent(id))?))
}

pub(super) async fn delete(
    state: web::Data<AppState>,
    who: Requester,
    path: web::Path<String>,
) -> Answer {
    let id = request::id::<JobId>(&path)?;
    let record = record(&*state.clock, "job.delete", &id.to_string(), &who);
    let views = state.store.job_views();
    match state.tasks.run(async move { Ok(views.delete(id, &record).await?) }).await? {
        Some(Delete::Deleted) => Ok(HttpResponse::NoContent().finish()),
        Some(Delete::Refused(now)) => Err(impossible(id, now, "deleted").into()),
        None => Err(absent(id).into()),
    }
}

pub(super) fn impossible(id: JobId, state: JobState, done: &str) -> Error {
    let state = state.name();
    let fix = match done {
        "cancelled" => "Do nothing: it does not run any more.",
        "deleted" => "Cancel it first.",
        "put off" if state == "running" => "Cancel it, or let it end.",
        "put off" if state == "blocked" => "It waits for other jobs; put those off, or cancel it.",
        "put off" => "Retry it, then put it off.",
        _ => "Retry it once it has failed or was cancelled.",
    };
    Error::conflict(format!("the job {id} is {state}: it cannot be {done}")).fix(fix)
}

pub(super) async fn bulk(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    body: Json,
) -> Answer {
    let asked = request::body::<BulkRequest>(&body.0)?;
    let BulkRequest { action, filter } = asked.clone();
    let filter = chosen(action, filter)?;
    if let Some(preference) = Preference::read(request.headers())? {
        let args = serde_json::to_value(asked).map_err(Error::internal)?;
        let options = EnqueueOptions::default();
        let job = NewJob { kind: own::BULK.to_owned(), args, options };
        return preferred::respond(&state, who, job, preference).await;
    }
    let record = record(&*state.clock, own::act(action), "bulk", &who);
    let (views, queue) = (state.store.job_views(), state.queue.clone());
    let work = async move {
        let bulk = views.bulk(action, &filter, MOST, &record).await?;
        queue.ended(&bulk.queues);
        bulk.asked.iter().for_each(|id| queue.cancel(*id));
        Ok(bulk.done)
    };
    Ok(HttpResponse::Ok().json(state.tasks.run(work).await?))
}
