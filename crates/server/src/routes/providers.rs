//! Providers: what is linked, what serves, and the switch.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::provider::Provider;
use mindflight_api::{Page, Scope};

use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::Requester;
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/api/providers",
            "listProviders",
            "List all providers, also those that are off",
            list,
        )
        .gives::<Page<Provider>>()
        .uncounted(),
        Operation::new(
            Method::GET,
            "/api/providers/{name}",
            "getProvider",
            "Describe a provider",
            get,
        )
        .gives::<Provider>()
        .uncounted(),
        Operation::new(
            Method::POST,
            "/api/providers/{name}/enable",
            "enableProvider",
            "Mount a provider, on all instances",
            enable,
        )
        .scope(Scope::Admin)
        .gives::<Provider>(),
        Operation::new(
            Method::POST,
            "/api/providers/{name}/disable",
            "disableProvider",
            "Unmount a provider, on all instances",
            disable,
        )
        .scope(Scope::Admin)
        .gives::<Provider>(),
    ]
}

async fn list(state: web::Data<AppState>) -> Answer {
    Ok(HttpResponse::Ok().json(Page::whole(state.mounts.list())))
}

async fn get(state: web::Data<AppState>, name: web::Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(state.mounts.get(&name)?))
}

async fn enable(state: web::Data<AppState>, who: Requester, name: web::Path<String>) -> Answer {
    switch(&state, who, name.into_inner(), true).await
}

async fn disable(state: web::Data<AppState>, who: Requester, name: web::Path<String>) -> Answer {
    switch(&state, who, name.into_inner(), false).await
}

async fn switch(state: &AppState, who: Requester, name: String, on: bool) -> Answer {
    let mounts = state.mounts.clone();
    let provider = state.tasks.run(async move { mounts.switch(&name, on, who).await }).await?;
    Ok(HttpResponse::Ok().json(provider))
}
