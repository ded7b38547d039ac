//! Sign-in, users and API keys.

mod keys;
mod users;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::Page;
use mindflight_api::access::{Login, Me, Token};
use mindflight_core::Error;

use crate::auth::Head;
use crate::body::Json;
use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::{self, Requester};
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    let login =
        Operation::new(Method::POST, "/api/login", "login", "Sign in with a password", login)
            .public()
            .takes::<Login>()
            .gives::<Token>();
    let mut all = vec![
        login.alias("/auth/login"),
        login,
        Operation::new(
            Method::POST,
            "/api/logout",
            "logout",
            "End the token of this request, on all instances",
            logout,
        )
        .status(204),
        Operation::new(Method::GET, "/api/me", "me", "Tell who is calling", me).gives::<Me>(),
    ];
    all.extend(users::operations());
    all.extend(keys::operations());
    all
}

async fn login(state: web::Data<AppState>, who: Requester, body: Json) -> Answer {
    let login = request::body::<Login>(&body.0)?;
    let gate = state.gate.clone();
    let token = state.tasks.run(async move { gate.sign_in(login, who.origin).await }).await?;
    Ok(HttpResponse::Ok().json(token))
}

async fn logout(state: web::Data<AppState>, who: Requester, request: HttpRequest) -> Answer {
    let Some(token) = state.gate.token(&Head::from(&request)) else {
        let detail = "this request came without a token of `POST /api/login`: there is nothing to sign out of";
        return Err(Error::conflict(detail)
            .fix("To end an API key, send `DELETE /api/keys/{id}`.")
            .into());
    };
    let gate = state.gate.clone();
    state.tasks.run(async move { gate.sign_out(token, who.caller, who.origin).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn me(who: Requester) -> Answer {
    let facts = who.caller.facts().clone();
    Ok(HttpResponse::Ok().json(Me {
        kind: facts.kind,
        name: facts.name,
        user_id: facts.user,
        key_id: facts.key,
        scopes: facts.scopes,
    }))
}

/// A page of at most `limit` items, of which one more was asked for to tell whether there is a next.
pub(super) fn page<T>(mut found: Vec<T>, limit: u32, cursor: fn(&T) -> String) -> Page<T> {
    let limit = limit as usize;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(cursor);
    Page { items: found, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_cursor_only_while_there_is_more() {
        let page = |found: &[u32], limit| page(found.to_vec(), limit, u32::to_string);
        assert_eq!(page(&[1, 2, 3], 2), Page { items: vec![1, 2], next: Some("2".into()) });
        assert_eq!(page(&[1, 2], 2), Page { items: vec![1, 2], next: None });
        assert_eq!(page(&[], 2), Page { items: vec![], next: None });
    }
}
