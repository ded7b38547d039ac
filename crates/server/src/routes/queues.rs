//! Queues: how long they are, and their switch.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::job::{Pause, Queue};
use mindflight_api::{Page, Scope, codes};
use mindflight_calls::nearest;
use mindflight_core::{Error, Result};

use crate::body::Json;
use crate::operation::Operation;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Requester};
use crate::state::AppState;

/// The most characters of a reason.
const LONGEST_REASON: usize = 500;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/queues", "listQueues", "List the queues", list)
            .scope(Scope::JobsRead)
            .gives::<Page<Queue>>()
            .uncounted(),
        Operation::new(Method::GET, "/api/queues/{name}", "getQueue", "Describe a queue", get)
            .scope(Scope::JobsRead)
            .gives::<Queue>()
            .uncounted(),
        Operation::new(
            Method::POST,
            "/api/queues/{name}/pause",
            "pauseQueue",
            "Start no job of a queue, on any instance",
            pause,
        )
        .scope(Scope::JobsWrite)
        .takes::<Pause>()
        .gives::<Queue>(),
        Operation::new(
            Method::POST,
            "/api/queues/{name}/resume",
            "resumeQueue",
            "Start jobs of a queue again",
            resume,
        )
        .scope(Scope::JobsWrite)
        .gives::<Queue>(),
    ]
}

async fn list(state: web::Data<AppState>) -> Answer {
    Ok(HttpResponse::Ok().json(Page::whole(all(&state).await?)))
}

async fn all(state: &AppState) -> Result<Vec<Queue>> {
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    state.tasks.run(async move { Ok(views.queues(alive_for).await?) }).await
}

async fn get(state: web::Data<AppState>, name: web::Path<String>) -> Answer {
    one(&state, name.into_inner()).await
}

async fn one(state: &AppState, name: String) -> Answer {
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    let wanted = name.clone();
    let found = state.tasks.run(async move { Ok(views.queue(&wanted, alive_for).await?) }).await?;
    match found {
        Some(queue) => Ok(HttpResponse::Ok().json(queue)),
        None => Err(absent(state, &name).await.into()),
    }
}

async fn pause(
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
    body: Json,
) -> Answer {
    let reason = reason(&body)?;
    let name = name.into_inner();
    let record = record(&*state.clock, "queue.pause", &name, &who);
    let (views, wanted) = (state.store.job_views(), name.clone());
    let work = async move { Ok(views.pause_queue(&wanted, reason.as_deref(), &record).await?) };
    match state.tasks.run(work).await? {
        Some(_) => one(&state, name).await,
        None => Err(absent(&state, &name).await.into()),
    }
}

/// Why; the body may be left out.
fn reason(body: &Json) -> Result<Option<String>> {
    if body.0.is_empty() {
        return Ok(None);
    }
    let reason = request::body::<Pause>(&body.0)?.reason;
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let length = reason.as_ref().map_or(0, |text| text.chars().count());
    let is_plain = reason.as_ref().is_none_or(|text| !text.chars().any(char::is_control));
    if length <= LONGEST_REASON && is_plain {
        return Ok(reason);
    }
    let detail = format!(
        "`reason` must have at most {LONGEST_REASON} characters and no control characters; got {length}"
    );
    Err(Error::of(codes::INVALID_BODY, detail.clone()).field("/reason", detail, Vec::new()))
}

async fn resume(state: web::Data<AppState>, who: Requester, name: web::Path<String>) -> Answer {
    let name = name.into_inner();
    let record = record(&*state.clock, "queue.resume", &name, &who);
    let (views, queue, wanted) = (state.store.job_views(), state.queue.clone(), name.clone());
    let work = async move {
        let number = views.resume_queue(&wanted, &record).await?;
        queue.wake(number.as_slice());
        Ok(number)
    };
    match state.tasks.run(work).await? {
        Some(_) => one(&state, name).await,
        None => Err(absent(&state, &name).await.into()),
    }
}

/// Says which queues are near; a queue is there once a job was put into it.
async fn absent(state: &AppState, name: &str) -> Error {
    let known = match all(state).await {
        Ok(known) => known,
        Err(error) => return error,
    };
    let near = nearest(name, known.iter().map(|queue| queue.name.as_str()));
    let hint = near.first().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let shown: String = name.chars().take(100).collect();
    Error::not_found(format!("no job was ever put into a queue `{shown}`{hint}"))
        .fix("List the queues with `GET /api/queues`.")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(body: &'static str) -> Result<Option<String>> {
        reason(&Json(Bytes::from(body)))
    }

    #[test]
    fn a_reason_is_a_line_of_text_or_nothing() {
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"reason":"  "}"#).unwrap(), None);
        assert_eq!(
            read(r#"{"reason":" vendor incident "}"#).unwrap().as_deref(),
            Some("vendor incident")
        );
        assert_eq!(read(r#"{"reason":"a\nb"}"#).unwrap_err().fields()[0].pointer, "/reason");
        assert_eq!(read(r#"{"why":"x"}"#).unwrap_err().status(), 400);
    }
}
