//! Queues: how long they are, their limits, and their switch.

mod asked;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::job::{Pause, Queue, QueueChange};
use mindflight_api::{Page, Scope};
use mindflight_calls::nearest;
use mindflight_core::{Error, Result};

use crate::body::Json;
use crate::operation::Operation;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::Requester;
use crate::state::AppState;

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
            Method::PATCH,
            "/api/queues/{name}",
            "changeQueue",
            "Give a queue other limits, on all instances",
            change,
        )
        .scope(Scope::JobsWrite)
        .takes::<QueueChange>()
        .gives::<Queue>(),
        Operation::new(
            Method::POST,
            "/api/queues/{name}/pause",
            "pauseQueue",
            "Start no job of a queue, on any instance, for a while or until it is resumed",
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
    let (reason, until) = asked::pause(&body.0, state.clock.now())?;
    let name = name.into_inner();
    let record = record(&*state.clock, "queue.pause", &name, &who);
    let (views, queue, wanted) = (state.store.job_views(), state.queue.clone(), name.clone());
    let work = async move {
        let number = views.pause_queue(&wanted, (reason.as_deref(), until), &record).await?;
        if until.is_some() {
            // Somebody has to end it in time.
            queue.limits_changed();
        }
        Ok(number)
    };
    match state.tasks.run(work).await? {
        Some(_) => one(&state, name).await,
        None => Err(absent(&state, &name).await.into()),
    }
}

async fn change(
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
    body: Json,
) -> Answer {
    let limits = asked::limits(&body.0)?;
    let name = name.into_inner();
    let mut record = record(&*state.clock, "queue.change", &name, &who);
    record.detail = serde_json::from_slice(&body.0).unwrap_or_default();
    let (views, queue, wanted) = (state.store.job_views(), state.queue.clone(), name.clone());
    let work = async move {
        let mut number = views.limit_queue(&wanted, &limits, &record).await?;
        if number.is_none() && queue.is_used(&wanted) {
            queue.number_of(&wanted).await?;
            number = views.limit_queue(&wanted, &limits, &record).await?;
        }
        // Whoever takes its jobs reads its limits again, and looks whether they let more of them start.
        queue.limits_changed();
        queue.wake(number.as_slice());
        Ok(number)
    };
    match state.tasks.run(work).await? {
        Some(_) => one(&state, name).await,
        None => Err(absent(&state, &name).await.into()),
    }
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
