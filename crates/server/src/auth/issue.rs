//! Makes keys and users: the rules that hold over HTTP and on the command line alike.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::access::{self, CreatedKey, User};
use mindflight_api::{Role, Scope, UserId, codes};
use mindflight_core::ports::{Clock, SystemClock};
use mindflight_core::{Error, Result};
use mindflight_store::{Store, command_line, keys, users};

use super::{key, password};
use crate::request;

/// Scopes of one key; nobody reads longer lists.
const MOST_SCOPES: usize = 100;
/// The year 10000: what RFC 3339 cannot write.
const LAST: i64 = 253_402_300_800;
const FAR: &str = "is too far away; leave it out for a key that does not end";

/// An API key to be made on the command line.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// 1–100 characters.
    pub name: String,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// Requests a minute, instead of the server's default.
    pub rate: Option<u32>,
    /// When it stops working, from now; never unless given.
    pub expires: Option<Duration>,
}

/// Makes an API key past the server, for whoever holds the database. The answer has the only copy of its text.
///
/// # Errors
/// `invalid_body` for a name, a scope list, a rate or an end that cannot be; what the database says.
pub(crate) async fn create_key(store: &Store, new: NewKey) -> Result<CreatedKey> {
    let now = SystemClock.now();
    let NewKey { name, scopes, rate, expires } = new;
    let expires_at = expires.map(|after| later(now, after)).transpose()?;
    let (text, draft) = draft_key(access::NewKey { name, scopes, expires_at, rate }, None, now)?;
    let record = command_line("key.create", draft.id.to_string(), now);
    let info = store.keys().create(draft, &record).await?;
    Ok(CreatedKey { key: text, info })
}

/// Makes a user past the server, for whoever holds the database.
///
/// # Errors
/// `invalid_body` for a name or a password that cannot be, `conflict` when the name is taken.
pub(crate) async fn create_user(
    store: &Store,
    username: &str,
    password: &str,
    role: Role,
) -> Result<User> {
    password::check(password)?;
    let username = request::name("username", username)?;
    let draft = users::NewUser {
        id: UserId::new(),
        username,
        password_hash: password::hash(password)?,
        role,
    };
    let record = command_line("user.create", draft.id.to_string(), SystemClock.now());
    Ok(store.users().create(draft, &record).await?)
}

/// The text of a new key, and what is stored of it.
pub(crate) fn draft_key(
    new: access::NewKey,
    owner: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<(String, keys::NewKey)> {
    let name = request::name("name", &new.name)?;
    let scopes = match new.scopes.len() {
        0 => return wrong("scopes", "must name at least one scope"),
        1..=MOST_SCOPES => without_repeats(new.scopes),
        n => {
            return wrong("scopes", &format!("must name at most {MOST_SCOPES} scopes; got {n}"));
        }
    };
    if new.rate == Some(0) {
        return wrong("rate", "must be at least 1 request a minute; got 0");
    }
    if new.expires_at.is_some_and(|end| end.timestamp() >= LAST) {
        return wrong("expires_at", FAR);
    }
    if let Some(end) = new.expires_at.filter(|end| *end <= now) {
        let end = end.to_rfc3339();
        return wrong("expires_at", &format!("must be in the future; got {end}"));
    }
    let minted = key::mint()?;
    let draft = keys::NewKey {
        id: minted.id,
        name,
        prefix: minted.prefix,
        hash: minted.hash,
        scopes,
        rate: new.rate,
        user_id: owner,
        expires_at: new.expires_at,
    };
    Ok((minted.text, draft))
}

fn later(now: DateTime<Utc>, after: Duration) -> Result<DateTime<Utc>> {
    let after = chrono::Duration::from_std(after).ok();
    let end =
        after.and_then(|after| now.checked_add_signed(after)).filter(|end| end.timestamp() < LAST);
    end.map_or_else(|| wrong("expires_at", FAR), Ok)
}

fn without_repeats<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

fn wrong<T>(field: &str, what: &str) -> Result<T> {
    let detail = format!("`{field}` {what}");
    Err(Error::of(codes::INVALID_BODY, detail.clone()).field(
        format!("/{field}"),
        detail,
        Vec::new(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn key() -> access::NewKey {
        access::NewKey {
            name: " ci ".into(),
            scopes: vec![Scope::ToolsCall],
            expires_at: None,
            rate: None,
        }
    }

    #[test]
    fn a_key_is_stored_without_its_text() {
        let owner = UserId::new();
        let scopes = vec![Scope::Memory, Scope::ToolsCall, Scope::Memory];
        let (text, draft) =
            draft_key(access::NewKey { scopes, ..key() }, Some(owner), now()).unwrap();
        assert_eq!((draft.name.as_str(), draft.user_id), ("ci", Some(owner)));
        assert_eq!(draft.scopes, [Scope::Memory, Scope::ToolsCall]);
        assert_eq!(draft.hash, key::fingerprint(&text));
        assert!(text.starts_with(&draft.prefix));
    }

    #[test]
    fn a_wrong_member_of_a_key_is_named() {
        let ended = now() - Duration::from_secs(1);
        for (new, pointer) in [
            (access::NewKey { name: " ".into(), ..key() }, "/name"),
            (access::NewKey { name: "x".repeat(101), ..key() }, "/name"),
            (access::NewKey { scopes: vec![], ..key() }, "/scopes"),
            (access::NewKey { scopes: vec![Scope::Memory; 101], ..key() }, "/scopes"),
            (access::NewKey { rate: Some(0), ..key() }, "/rate"),
            (access::NewKey { expires_at: Some(now()), ..key() }, "/expires_at"),
            (access::NewKey { expires_at: Some(ended), ..key() }, "/expires_at"),
        ] {
            let Err(error) = draft_key(new, None, now()) else { panic!("{pointer}") };
            assert_eq!(
                (error.name(), error.fields()[0].pointer.as_str()),
                ("invalid_body", pointer)
            );
        }
    }

    #[test]
    fn a_key_ends_when_time_can_still_be_written() {
        assert_eq!(later(now(), Duration::from_secs(60)).unwrap(), now() + Duration::from_secs(60));
        for far in
            [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(300_000_000_000)]
        {
            assert_eq!(later(now(), far).unwrap_err().fields()[0].pointer, "/expires_at");
        }
    }
}
