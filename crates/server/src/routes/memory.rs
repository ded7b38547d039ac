//! Memory: the caller's own keys and values, in SLOP's and in MFO's shapes.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::memory::{Entry, KeyInfo, Keys, Status, Store, Update, Written};
use mindflight_api::{Scope, codes};
use mindflight_core::ports::{Memory, Set};
use mindflight_core::{Error, Result};

use crate::body::Json;
use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::{self, Query, Requester};
use crate::state::AppState;

/// Query parameters of the list.
const LIST: &[(&str, &str)] = &[
    ("prefix", "only keys that start with this"),
    ("limit", "keys a page, 1 to 500"),
    ("cursor", "the `next` of the page before"),
];

pub(super) fn operations() -> Vec<Operation> {
    let store = Operation::new(
        Method::POST,
        "/api/memory",
        "storeMemory",
        "Store a value under a key",
        store,
    )
    .takes::<Store>()
    .gives::<Written>();
    let list = Operation::new(Method::GET, "/api/memory", "listMemory", "List the keys", list)
        .query(LIST)
        .gives::<Keys>();
    // Its literal path comes before the one with a key in it.
    let by_query = Operation::new(
        Method::GET,
        "/api/memory/get",
        "getMemoryByQuery",
        "Read a key (MFO's form)",
        get_by_query,
    )
    .query(&[("key", "the key")])
    .gives::<Entry>();
    let all = [vec![store.alias("/api/memory/set"), store, list, by_query], by_key()].concat();
    all.into_iter().map(|operation| operation.scope(Scope::Memory)).collect()
}

fn by_key() -> Vec<Operation> {
    const PATH: &str = "/api/memory/{key:.+}";
    vec![
        Operation::new(Method::GET, PATH, "getMemory", "Read a key", get).gives::<Entry>(),
        Operation::new(Method::PUT, PATH, "updateMemory", "Write a key", update)
            .takes::<Update>()
            .gives::<Written>(),
        Operation::new(Method::DELETE, PATH, "deleteMemory", "Forget a key", delete)
            .gives::<Written>(),
    ]
}

async fn store(state: web::Data<AppState>, who: Requester, body: Json) -> Answer {
    let Store { key, value, ttl_seconds, if_version } = request::body(&body.0)?;
    let how = Set { ttl: ttl_seconds.map(Duration::from_secs), if_version };
    let space = who.caller.space();
    let work =
        memory(&state, move |memory| async move { memory.set(&space, &key, value, how).await });
    let version = Some(work.await?.version);
    Ok(HttpResponse::Ok().json(Written { status: Status::Stored, version, previous_value: None }))
}

async fn update(
    state: web::Data<AppState>,
    who: Requester,
    key: web::Path<String>,
    body: Json,
) -> Answer {
    let Update { value, ttl_seconds, if_version } = request::body(&body.0)?;
    let how = Set { ttl: ttl_seconds.map(Duration::from_secs), if_version };
    let space = who.caller.space();
    let work =
        memory(&state, move |memory| async move { memory.set(&space, &key, value, how).await });
    let written = work.await?;
    let (version, previous_value) = (Some(written.version), written.previous);
    Ok(HttpResponse::Ok().json(Written { status: Status::Updated, version, previous_value }))
}

async fn get(state: web::Data<AppState>, who: Requester, key: web::Path<String>) -> Answer {
    read(&state, who, key.into_inner()).await
}

async fn get_by_query(state: web::Data<AppState>, who: Requester, query: Query) -> Answer {
    let missing = || Error::of(codes::INVALID_QUERY, "`key` is missing; send `?key=NAME`");
    let key = query.get("key").ok_or_else(missing)?.to_owned();
    read(&state, who, key).await
}

async fn read(state: &AppState, who: Requester, key: String) -> Answer {
    let (space, wanted) = (who.caller.space(), key.clone());
    let work = memory(state, move |memory| async move { memory.get(&space, &wanted).await });
    let stored = work.await?.ok_or_else(|| absent(&key))?;
    Ok(HttpResponse::Ok().json(stored))
}

async fn delete(state: web::Data<AppState>, who: Requester, key: web::Path<String>) -> Answer {
    let (space, key) = (who.caller.space(), key.into_inner());
    let wanted = key.clone();
    let work = memory(&state, move |memory| async move { memory.delete(&space, &wanted).await });
    if !work.await? {
        return Err(absent(&key).into());
    }
    let written = Written { status: Status::Deleted, version: None, previous_value: None };
    Ok(HttpResponse::Ok().json(written))
}

async fn list(state: web::Data<AppState>, who: Requester, query: Query) -> Answer {
    let limit = query.page_limit()?;
    let prefix = query.get("prefix").unwrap_or_default().to_owned();
    let after = query.get("cursor").map(str::to_owned);
    let space = who.caller.space();
    let work = memory(&state, move |memory| async move {
        // One more than asked for tells whether there is a next page.
        Ok(memory.keys(&space, &prefix, after.as_deref(), limit + 1).await?)
    });
    let mut found = work.await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let keys = found.into_iter().map(|(key, created_at)| KeyInfo { key, created_at });
    let keys: Vec<KeyInfo> = keys.collect();
    let next = keys.last().filter(|_| more).map(|last| last.key.clone());
    Ok(HttpResponse::Ok().json(Keys { keys, next }))
}

/// Does `work` on the engine, where the database is.
async fn memory<T, W, F>(state: &AppState, work: F) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
    F: FnOnce(mindflight_store::Memory) -> W + Send + 'static,
{
    let memory = state.store.memory();
    state.tasks.run(async move { work(memory).await }).await
}

fn absent(key: &str) -> Error {
    let shown: String = key.chars().take(100).collect();
    Error::not_found(format!("nothing is stored under the key `{shown}`"))
        .fix("List the keys with `GET /api/memory`.")
}
