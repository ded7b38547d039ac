//! The processes that run jobs.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::job::Worker;
use mindflight_api::{Page, Scope};

use crate::operation::Operation;
use crate::refusal::Answer;
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    let list = Operation::new(
        Method::GET,
        "/api/workers",
        "listWorkers",
        "List the processes that run jobs",
        list,
    );
    vec![list.scope(Scope::JobsRead).gives::<Page<Worker>>().uncounted()]
}

async fn list(state: web::Data<AppState>) -> Answer {
    let views = state.store.job_views();
    let workers = state.tasks.run(async move { Ok(views.workers().await?) }).await?;
    Ok(HttpResponse::Ok().json(Page::whole(workers)))
}
