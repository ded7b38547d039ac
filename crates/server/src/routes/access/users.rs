//! Users: made, listed and removed by an admin.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use mindflight_api::access::{NewUser, User};
use mindflight_api::{Page, Role, Scope, UserId};
use mindflight_core::Error;
use mindflight_store::users;
use secrecy::SecretString;

use crate::body::Json;
use crate::operation::Operation;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Query, Requester};
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    let page = &[("limit", "users a page, 1 to 500"), ("cursor", "the `next` of the page before")];
    let all = vec![
        Operation::new(Method::GET, "/api/users", "listUsers", "List the users", list)
            .query(page)
            .gives::<Page<User>>(),
        Operation::new(Method::POST, "/api/users", "createUser", "Make a user", create)
            .takes::<NewUser>()
            .gives::<User>()
            .status(201),
        Operation::new(Method::GET, "/api/users/{id}", "getUser", "Describe a user", get)
            .gives::<User>(),
        Operation::new(
            Method::DELETE,
            "/api/users/{id}",
            "deleteUser",
            "Remove a user and the user's keys",
            delete,
        )
        .status(204),
    ];
    all.into_iter().map(|operation| operation.scope(Scope::Admin)).collect()
}

async fn create(state: web::Data<AppState>, who: Requester, body: Json) -> Answer {
    let NewUser { username, password, role } = request::body(&body.0)?;
    if who.caller.is_anonymous() {
        let detail = "a caller without credentials cannot make users: they would outlive the rule that let it in";
        let fix =
            "Make one on the command line: mindflight user create --username NAME --role admin";
        return Err(Error::not_allowed(detail).fix(fix).into());
    }
    let username = request::name("username", &username)?;
    let password = SecretString::from(password);
    let (id, role) = (UserId::new(), role.unwrap_or(Role::Viewer));
    let record = record(&*state.clock, "user.create", &id.to_string(), &who);
    let (users, passwords) = (state.store.users(), state.gate.passwords().clone());
    let work = async move {
        let password_hash = passwords.hash(password).await?;
        let new = users::NewUser { id, username, password_hash, role };
        Ok(users.create(new, &record).await?)
    };
    let user = state.tasks.run(work).await?;
    let place = (LOCATION, format!("/api/users/{id}"));
    Ok(HttpResponse::Created().insert_header(place).json(user))
}

async fn list(state: web::Data<AppState>, query: Query) -> Answer {
    let (limit, after) = (query.page_limit()?, query.cursor::<UserId>()?);
    let users = state.store.users();
    let found = state.tasks.run(async move { Ok(users.list(after, limit + 1).await?) }).await?;
    Ok(HttpResponse::Ok().json(super::page(found, limit, |user| user.id.to_string())))
}

async fn get(state: web::Data<AppState>, id: web::Path<String>) -> Answer {
    let (id, users) = (request::id::<UserId>(&id)?, state.store.users());
    let found = state.tasks.run(async move { Ok(users.get(id).await?) }).await?;
    Ok(HttpResponse::Ok().json(found.ok_or_else(|| absent(id))?))
}

async fn delete(state: web::Data<AppState>, who: Requester, id: web::Path<String>) -> Answer {
    let (id, users) = (request::id::<UserId>(&id)?, state.store.users());
    let record = record(&*state.clock, "user.delete", &id.to_string(), &who);
    if !state.tasks.run(async move { Ok(users.delete(id, &record).await?) }).await? {
        return Err(absent(id).into());
    }
    state.gate.changed();
    Ok(HttpResponse::NoContent().finish())
}

fn absent(id: UserId) -> Error {
    Error::not_found(format!("there is no user {id}")).fix("List the users with `GET /api/users`.")
}
