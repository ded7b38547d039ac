//! API keys: made, listed, revoked; each caller's own, for an admin everybody's.

use actix_web::http::Method;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::access::{CreatedKey, Key, NewKey};
use mindflight_api::{KeyId, Page, Scope, codes};
use mindflight_core::{Caller, Error, Result};
use mindflight_store::Keys;

use crate::auth;
use crate::body::Json;
use crate::limit::Standings;
use crate::operation::Operation;
use crate::records::record;
use crate::refusal::Answer;
use crate::request::{self, Query, Requester};
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    let page = &[("limit", "keys a page, 1 to 500"), ("cursor", "the `next` of the page before")];
    let all = vec![
        Operation::new(Method::GET, "/api/keys", "listKeys", "List the API keys", list)
            .query(page)
            .gives::<Page<Key>>(),
        Operation::new(
            Method::POST,
            "/api/keys",
            "createKey",
            "Make an API key; its text is shown once",
            create,
        )
        .takes::<NewKey>()
        .gives::<CreatedKey>()
        .status(201),
        Operation::new(Method::GET, "/api/keys/{id}", "getKey", "Describe an API key", get)
            .gives::<Key>(),
        Operation::new(
            Method::DELETE,
            "/api/keys/{id}",
            "revokeKey",
            "Revoke an API key, on all instances",
            revoke,
        )
        .status(204),
    ];
    all.into_iter().map(|operation| operation.scope(Scope::Keys)).collect()
}

async fn create(
    state: web::Data<AppState>,
    who: Requester,
    request: HttpRequest,
    body: Json,
) -> Answer {
    let new = request::body::<NewKey>(&body.0)?;
    let caller = &who.caller;
    if caller.is_anonymous() {
        let detail = "a caller without credentials cannot make keys: they would outlive the rule that let it in";
        let fix =
            "Make one on the command line: mindflight key create --name NAME --scopes tools:call";
        return Err(Error::not_allowed(detail).fix(fix).into());
    }
    may_give(caller, &new.scopes)?;
    let (text, draft) = auth::draft_key(new, caller.facts().user, state.clock.now())?;
    Standings::note(&request, state.limits.key_creation(caller, who.origin.ip))?;
    let record = record(&*state.clock, "key.create", &draft.id.to_string(), &who);
    let keys = state.store.keys();
    let info = state.tasks.run(async move { Ok(keys.create(draft, &record).await?) }).await?;
    let place = (LOCATION, format!("/api/keys/{}", info.id));
    Ok(HttpResponse::Created().insert_header(place).json(CreatedKey { key: text, info }))
}

/// A key may do at most what its maker may.
fn may_give(caller: &Caller, scopes: &[Scope]) -> Result<()> {
    let Some(lacking) = scopes.iter().find(|scope| !caller.may(scope)) else {
        return Ok(());
    };
    let detail = format!(
        "a key may do at most what its maker may, and this caller lacks the scope `{lacking}`"
    );
    Err(Error::of(codes::FORBIDDEN, detail)
        .fix(format!("Leave out `{lacking}`, or use a caller that has it.")))
}

async fn list(state: web::Data<AppState>, who: Requester, query: Query) -> Answer {
    let (limit, after) = (query.page_limit()?, query.cursor::<KeyId>()?);
    let (keys, whose) = (state.store.keys(), Whose::of(&who.caller));
    let found = state.tasks.run(async move { some(&keys, whose, after, limit + 1).await }).await?;
    Ok(HttpResponse::Ok().json(super::page(found, limit, |key| key.id.to_string())))
}

async fn get(state: web::Data<AppState>, who: Requester, id: web::Path<String>) -> Answer {
    let (id, keys, whose) =
        (request::id::<KeyId>(&id)?, state.store.keys(), Whose::of(&who.caller));
    let found = state.tasks.run(async move { Ok(keys.find(id).await?) }).await?;
    let key = found.map(|stored| stored.info).filter(|key| whose.has(key));
    Ok(HttpResponse::Ok().json(key.ok_or_else(|| absent(id))?))
}

async fn revoke(state: web::Data<AppState>, who: Requester, id: web::Path<String>) -> Answer {
    let (id, keys, whose) =
        (request::id::<KeyId>(&id)?, state.store.keys(), Whose::of(&who.caller));
    let record = record(&*state.clock, "key.revoke", &id.to_string(), &who);
    let work = async move {
        // A key never changes hands: what is true now holds when it is revoked.
        let is_there = keys.find(id).await?.is_some_and(|stored| whose.has(&stored.info));
        Ok(is_there && keys.revoke(id, None, &record).await?)
    };
    if !state.tasks.run(work).await? {
        return Err(absent(id).into());
    }
    state.gate.changed();
    Ok(HttpResponse::NoContent().finish())
}

fn absent(id: KeyId) -> Error {
    Error::not_found(format!("there is no key {id} that works, or it is another user's"))
        .fix("List the keys with `GET /api/keys`.")
}

/// Whose keys a caller sees.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Everybodys,
    /// Those of one user; without a user, those that were made without one.
    Own(Option<mindflight_api::UserId>),
}

impl Whose {
    fn of(caller: &Caller) -> Self {
        if caller.may(&Scope::Admin) { Self::Everybodys } else { Self::Own(caller.facts().user) }
    }

    fn has(self, key: &Key) -> bool {
        match self {
            Self::Everybodys => true,
            Self::Own(user) => key.user_id == user,
        }
    }
}

/// Up to `most` keys after `after`. Those without a user have no index: they are few, and so are who asks.
async fn some(keys: &Keys, whose: Whose, mut after: Option<KeyId>, most: u32) -> Result<Vec<Key>> {
    let (owner, most_kept) =
        (if let Whose::Own(user) = whose { user } else { None }, most as usize);
    let mut kept: Vec<Key> = Vec::new();
    loop {
        let found = keys.list(owner, after, most).await?;
        let is_last = found.len() < most_kept;
        after = found.last().map(|key| key.id);
        kept.extend(found.into_iter().filter(|key| whose.has(key)));
        if is_last || kept.len() >= most_kept {
            kept.truncate(most_kept);
            return Ok(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use mindflight_api::UserId;
    use mindflight_api::access::CallerKind;
    use mindflight_core::caller::Facts;

    use super::*;

    fn caller(user: Option<UserId>, scopes: Vec<Scope>) -> Caller {
        Facts { kind: CallerKind::Key, name: "k".into(), user, key: None, scopes, rate: None }
            .into()
    }

    #[test]
    fn the_first_scope_that_the_maker_lacks_is_named() {
        let maker = caller(None, vec![Scope::Keys, Scope::ToolsCall]);
        may_give(&maker, &[Scope::ToolsCallOne("echo_say".into()), Scope::Keys]).unwrap();
        let error = may_give(&maker, &[Scope::ToolsCall, Scope::Memory, Scope::Admin]).unwrap_err();
        assert_eq!((error.name(), error.status()), ("forbidden", 403));
        assert!(error.detail().ends_with("lacks the scope `memory`"), "{}", error.detail());
        may_give(&caller(None, vec![Scope::Admin]), &[Scope::Admin, Scope::Memory]).unwrap();
    }

    #[test]
    fn only_an_admin_sees_the_keys_of_others() {
        let (ada, bob) = (UserId::new(), UserId::new());
        let key = |user_id| Key {
            id: KeyId::new(),
            name: String::new(),
            prefix: String::new(),
            scopes: vec![],
            rate: None,
            user_id,
            created_at: chrono::DateTime::UNIX_EPOCH,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let sees = |caller: &Caller, user| Whose::of(caller).has(&key(user));
        let of_ada = caller(Some(ada), vec![Scope::Keys]);
        let of_nobody = caller(None, vec![Scope::Keys]);
        let admin = caller(Some(bob), vec![Scope::Admin]);
        let seen = [Some(ada), Some(bob), None];
        assert_eq!(seen.map(|user| sees(&of_ada, user)), [true, false, false]);
        assert_eq!(seen.map(|user| sees(&of_nobody, user)), [false, false, true]);
        assert_eq!(seen.map(|user| sees(&admin, user)), [true, true, true]);
    }
}
