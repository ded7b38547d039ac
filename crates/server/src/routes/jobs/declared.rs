//! The kinds of jobs that can be made here, and how they are treated.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use mindflight_api::Page;
use mindflight_api::job::KeyRelease;
use mindflight_api::kind::{
    JobKind, KindBackoff, KindConcurrency, KindRate, KindSchedule, KindUnique,
};
use mindflight_calls::nearest;
use mindflight_core::jobs::Schedule;
use mindflight_core::policy::{Backoff, Missed, Release, Unique};
use mindflight_core::{Error, Result};
use mindflight_queue::MountedKind;

use crate::refusal::Answer;
use crate::state::AppState;

pub(super) async fn list(state: web::Data<AppState>) -> Answer {
    let workers = workers(&state).await?;
    let kinds = state.queue.kinds();
    let items = kinds.iter().map(|kind| shown(kind, &workers)).collect();
    Ok(HttpResponse::Ok().json(Page::whole(items)))
}

pub(super) async fn get(state: web::Data<AppState>, path: web::Path<String>) -> Answer {
    let kind = state.queue.kind(&path).ok_or_else(|| absent(&state, &path))?;
    Ok(HttpResponse::Ok().json(shown(&kind, &workers(&state).await?)))
}

async fn workers(state: &AppState) -> Result<HashMap<String, u64>> {
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    state.tasks.run(async move { Ok(views.kind_workers(alive_for).await?) }).await
}

fn absent(state: &AppState, name: &str) -> Error {
    let shown: String = name.chars().take(100).collect();
    let kinds = state.queue.kinds();
    let near = nearest(name, kinds.iter().map(|kind| kind.name.as_str()));
    let near = near.first().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Error::not_found(format!("there is no kind `{shown}`{near}"))
        .fix("List the kinds with `GET /api/jobs/kinds`.")
}

fn shown(mounted: &MountedKind, workers: &HashMap<String, u64>) -> JobKind {
    let options = &mounted.kind.options;
    let provider = mounted.provider.name();
    JobKind {
        kind: mounted.name.clone(),
        provider: provider.to_owned(),
        queue: options.queue.clone().unwrap_or_else(|| provider.to_owned()),
        priority: options.priority,
        max_attempts: options.max_attempts,
        backoff: backoff(&options.backoff),
        deadline_ms: millis(options.deadline),
        unique: options.unique.as_ref().map(unique),
        concurrency: options.concurrency,
        concurrency_by: options
            .concurrency_by
            .as_ref()
            .map(|(argument, slots)| KindConcurrency { argument: argument.clone(), slots: *slots }),
        rate: options.rate.map(|rate| rate.to_string()),
        rate_by: options.rate_by.as_ref().map(|(argument, rate)| KindRate {
            argument: argument.clone(),
            rate: rate.to_string(),
        }),
        schedules: options.schedules.iter().map(schedule).collect(),
        tags: options.tags.clone(),
        transactional: options.transactional,
        workers: workers.get(&mounted.name).copied().unwrap_or_default(),
        overrides: mounted.overrides.iter().map(|name| (*name).to_owned()).collect(),
        args: mounted.kind.args.clone(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn backoff(backoff: &Backoff) -> KindBackoff {
    KindBackoff {
        initial_ms: millis(backoff.initial),
        factor: backoff.factor,
        max_ms: millis(backoff.max),
        jitter: backoff.jitter,
        steps_ms: backoff.steps.iter().map(|step| millis(*step)).collect(),
    }
}

fn unique(unique: &Unique) -> KindUnique {
    KindUnique {
        args: unique.args.clone(),
        period_ms: unique.period.map(millis),
        release: match unique.release {
            Release::Start => KeyRelease::Start,
            Release::End => KeyRelease::End,
            Release::Period => KeyRelease::Period,
        },
    }
}

fn schedule(schedule: &Schedule) -> KindSchedule {
    let missed = match schedule.missed {
        Missed::Skip => "skip",
        Missed::Latest => "latest",
        Missed::All => "all",
    };
    let (cron, zone) = (schedule.cron.clone(), schedule.zone.clone());
    KindSchedule { cron, zone, missed: missed.to_owned() }
}
