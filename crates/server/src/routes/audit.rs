//! The audit log: who did what, newest first.

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use mindflight_api::audit::Entry;
use mindflight_api::{AuditId, InvalidId, KeyId, Page, Scope, UserId, codes};
use mindflight_core::{Error, Result};
use mindflight_store::audit::Filter;
use std::str::FromStr;

use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::Query;
use crate::routes::access::page;
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    let list = Operation::new(
        Method::GET,
        "/api/audit",
        "listAudit",
        "Read the audit log, newest first",
        list,
    );
    let query = &[
        ("action", "only this action, such as `key.create`"),
        ("target", "only what was done to this: a key's id, a tool's name, …"),
        ("user", "only what this user did, also through a key"),
        ("key", "only what was done with this key"),
        ("limit", "rows a page, 1 to 500"),
        ("cursor", "the `next` of the page before"),
    ];
    vec![list.scope(Scope::Admin).query(query).gives::<Page<Entry>>()]
}

async fn list(state: web::Data<AppState>, query: Query) -> Answer {
    let limit = query.page_limit()?;
    let filter = filter(&query, limit + 1)?;
    let audit = state.store.audit();
    let found = state.tasks.run(async move { Ok(audit.list(&filter).await?) }).await?;
    Ok(HttpResponse::Ok().json(page(found, limit, |entry| entry.id.to_string())))
}

fn filter(query: &Query, limit: u32) -> Result<Filter> {
    Ok(Filter {
        action: query.get("action").map(str::to_owned),
        target: query.get("target").map(str::to_owned),
        user: id::<UserId>(query, "user")?,
        key: id::<KeyId>(query, "key")?,
        after: query.cursor::<AuditId>()?,
        limit,
    })
}

fn id<T: FromStr<Err = InvalidId>>(query: &Query, name: &str) -> Result<Option<T>> {
    let wrong = |error: InvalidId| Error::of(codes::INVALID_ID, format!("`{name}`: {error}"));
    let given = query.get(name).map(str::parse).transpose();
    given.map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_restricts_what_it_names() {
        let (user, after) = (UserId::new(), AuditId::new());
        let text = format!("action=key.create&user={user}&cursor={after}");
        let found = filter(&Query::parse(&text), 7).unwrap();
        assert_eq!((found.action.as_deref(), found.target), (Some("key.create"), None));
        assert_eq!(
            (found.user, found.key, found.after, found.limit),
            (Some(user), None, Some(after), 7)
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for (text, code) in
            [("user=ada", "invalid_id"), ("key=", "invalid_id"), ("cursor=1", "invalid_cursor")]
        {
            assert_eq!(filter(&Query::parse(text), 1).unwrap_err().name(), code, "{text}");
        }
    }
}
