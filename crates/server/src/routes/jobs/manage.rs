//! What is done to jobs by hand.

use actix_web::{HttpResponse, web};
use mindflight_api::job::{BulkRequest, JobAction, JobFilter};
use mindflight_api::{JobId, JobState, Scope, codes};
use mindflight_core::{Error, Result};
use mindflight_store::job_views::{Cancel, Delete, Filter, Retry, View};

use super::show::{self, absent, one, visible};
use crate::body::Json;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Requester};
use crate::state::AppState;

/// The most jobs of one bulk action.
const MOST: u32 = 1000;

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
async fn answer(state: &AppState, id: JobId, otherwise: View) -> Answer {
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

fn impossible(id: JobId, state: JobState, done: &str) -> Error {
    let state = state.name();
    let fix = match done {
        "cancelled" => "Do nothing: it does not run any more.",
        "deleted" => "Cancel it first.",
        _ => "Retry it once it has failed or was cancelled.",
    };
    Error::conflict(format!("the job {id} is {state}: it cannot be {done}")).fix(fix)
}

pub(super) async fn bulk(state: web::Data<AppState>, who: Requester, body: Json) -> Answer {
    let BulkRequest { action, filter } = request::body::<BulkRequest>(&body.0)?;
    let filter = chosen(filter)?;
    // Each job has a row of its own, as if it had been done by itself.
    let act = match action {
        JobAction::Cancel => "job.cancel",
        JobAction::Retry => "job.retry",
        JobAction::Delete => "job.delete",
    };
    let record = record(&*state.clock, act, "", &who);
    let (views, queue) = (state.store.job_views(), state.queue.clone());
    let work = async move {
        let bulk = views.bulk(action, &filter, MOST, &record).await?;
        queue.ended(&bulk.queues);
        bulk.asked.iter().for_each(|id| queue.cancel(*id));
        Ok(bulk.done)
    };
    Ok(HttpResponse::Ok().json(state.tasks.run(work).await?))
}

/// An empty filter would be about every job, which nobody means who leaves it out.
fn chosen(filter: JobFilter) -> Result<Filter> {
    let wrong = |pointer: &str, detail: String| {
        Err(Error::of(codes::INVALID_BODY, detail.clone()).field(pointer, detail, Vec::new()))
    };
    if filter == JobFilter::default() {
        let detail = "`filter` needs at least one member; to mean every job, name its states";
        return wrong("/filter", detail.to_owned());
    }
    if filter.ids.len() > MOST as usize {
        let got = filter.ids.len();
        return wrong("/filter/ids", format!("`ids` must have at most {MOST} items; got {got}"));
    }
    Ok(Filter {
        states: filter.state,
        kind: filter.kind,
        queue: filter.queue,
        provider: filter.provider,
        tag: filter.tag,
        since: filter.since,
        until: filter.until,
        ids: (!filter.ids.is_empty()).then_some(filter.ids),
        ..Filter::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_action_needs_a_filter() {
        assert_eq!(chosen(JobFilter::default()).unwrap_err().name(), "invalid_body");
        let ids = vec![JobId::new(); 1001];
        let error = chosen(JobFilter { ids, ..JobFilter::default() }).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/filter/ids");
        let kind = Some("demo.sleep".to_owned());
        let filter = chosen(JobFilter { kind: kind.clone(), ..JobFilter::default() }).unwrap();
        assert_eq!((filter.kind, filter.ids), (kind, None));
    }
}
