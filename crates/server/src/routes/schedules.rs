//! Schedules: what makes jobs by the clock, and their switch.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use mindflight_api::job::{Job, Schedule};
use mindflight_api::{Page, ScheduleId, Scope};
use mindflight_core::ports::Audit as _;
use mindflight_core::{Error, Result};
use mindflight_queue::Queue;

use super::jobs;
use crate::operation::Operation;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{Requester, id};
use crate::state::AppState;

/// So many of the next times are shown.
const NEXT: usize = 5;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/schedules", "listSchedules", "List the schedules", list)
            .scope(Scope::JobsRead)
            .gives::<Page<Schedule>>()
            .uncounted(),
        Operation::new(
            Method::GET,
            "/api/schedules/{id}",
            "getSchedule",
            "Describe a schedule",
            get,
        )
        .scope(Scope::JobsRead)
        .gives::<Schedule>()
        .uncounted(),
        Operation::new(
            Method::POST,
            "/api/schedules/{id}/run",
            "runSchedule",
            "Make the job of a schedule now",
            run,
        )
        .scope(Scope::JobsWrite)
        .gives::<Job>()
        .status(201),
        Operation::new(
            Method::POST,
            "/api/schedules/{id}/pause",
            "pauseSchedule",
            "Make no jobs by a schedule, on any instance",
            pause,
        )
        .scope(Scope::JobsWrite)
        .gives::<Schedule>(),
        Operation::new(
            Method::POST,
            "/api/schedules/{id}/resume",
            "resumeSchedule",
            "Make jobs by a schedule again",
            resume,
        )
        .scope(Scope::JobsWrite)
        .gives::<Schedule>(),
    ]
}

async fn list(state: web::Data<AppState>) -> Answer {
    let views = state.store.job_views();
    let found = state.tasks.run(async move { Ok(views.schedules().await?) }).await?;
    let items = found.into_iter().map(|schedule| with_next(&state, schedule)).collect();
    Ok(HttpResponse::Ok().json(Page::whole(items)))
}

/// The store knows what was, not what comes.
fn with_next(state: &AppState, mut schedule: Schedule) -> Schedule {
    if schedule.paused_at.is_none() && state.queue.kind(&schedule.kind).is_some() {
        let (cron, zone) = (&schedule.cron, &schedule.zone);
        schedule.next = Queue::next_slots(cron, zone, state.clock.now(), NEXT);
    }
    schedule
}

async fn find(state: &AppState, id: ScheduleId) -> Result<Schedule> {
    let views = state.store.job_views();
    let found = state.tasks.run(async move { Ok(views.schedule(id).await?) }).await?;
    found.ok_or_else(|| absent(id))
}

async fn one(state: &AppState, id: ScheduleId) -> Answer {
    let schedule = find(state, id).await?;
    Ok(HttpResponse::Ok().json(with_next(state, schedule)))
}

async fn get(state: web::Data<AppState>, path: web::Path<String>) -> Answer {
    one(&state, id(&path)?).await
}

async fn run(state: web::Data<AppState>, who: Requester, path: web::Path<String>) -> Answer {
    let id = id::<ScheduleId>(&path)?;
    let schedule = find(&state, id).await?;
    let record = record(&*state.clock, "schedule.run", &id.to_string(), &who);
    let (queue, audit) = (state.queue.clone(), state.store.audit());
    let work = async move {
        let job = queue.fire_now(&schedule.kind, Some(who.caller)).await?;
        audit.write(record).await?;
        Ok(job)
    };
    let job = state.tasks.run(work).await?;
    let place = (LOCATION, format!("/api/jobs/{job}"));
    let shown = jobs::find(&state, job).await?;
    Ok(HttpResponse::Created().insert_header(place).json(shown))
}

async fn pause(state: web::Data<AppState>, who: Requester, path: web::Path<String>) -> Answer {
    let id = id::<ScheduleId>(&path)?;
    let record = record(&*state.clock, "schedule.pause", &id.to_string(), &who);
    let views = state.store.job_views();
    if !state.tasks.run(async move { Ok(views.pause_schedule(id, &record).await?) }).await? {
        return Err(absent(id).into());
    }
    one(&state, id).await
}

async fn resume(state: web::Data<AppState>, who: Requester, path: web::Path<String>) -> Answer {
    let id = id::<ScheduleId>(&path)?;
    let record = record(&*state.clock, "schedule.resume", &id.to_string(), &who);
    let views = state.store.job_views();
    if !state.tasks.run(async move { Ok(views.resume_schedule(id, &record).await?) }).await? {
        return Err(absent(id).into());
    }
    one(&state, id).await
}

fn absent(id: ScheduleId) -> Error {
    Error::not_found(format!("there is no schedule {id}"))
        .fix("List the schedules with `GET /api/schedules`.")
}
