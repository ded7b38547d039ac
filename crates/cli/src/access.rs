//! `key` and `user`: the commands that talk to a server, and how a password comes in.

use std::fs;
use std::io::Read;

use mindflight_api::KeyId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::connect::Session;
use crate::parser::remote::Pages;
use crate::{Column, Environment, Failure, Outcome, Output, Streams, UserCreate};

/// More than any password can have; the rest of an endless input is not read.
const MAX_PASSWORD: u64 = 64 << 10;

pub(crate) fn list_keys(session: &Session, pages: &Pages) -> Outcome {
    let page = session.wait(session.client.keys().list(&pages.paging()))?;
    let columns = vec![
        Column::new("ID", "id"),
        Column::new("NAME", "name"),
        Column::new("PREFIX", "prefix"),
        Column::new("SCOPES", "scopes"),
        Column::time("EXPIRES", "expires_at"),
        Column::time("LAST USED", "last_used_at"),
        Column::time("REVOKED", "revoked_at"),
    ];
    Ok(Output::list(columns, values(&page.items)?, page.next))
}

pub(crate) fn revoke_key(session: &Session, id: KeyId) -> Outcome {
    session.wait(session.client.keys().revoke(id))?;
    Ok(Output::text(vec![format!("revoked {id}")], json!({"id": id, "revoked": true})))
}

pub(crate) fn list_users(session: &Session, pages: &Pages) -> Outcome {
    let page = session.wait(session.client.users().list(&pages.paging()))?;
    let columns = vec![
        Column::new("ID", "id"),
        Column::new("USERNAME", "username"),
        Column::new("ROLE", "role"),
        Column::time("CREATED", "created_at"),
    ];
    Ok(Output::list(columns, values(&page.items)?, page.next))
}

/// The password of a new user: from a file, the environment or a pipe, never from the arguments that `ps` shows.
pub(crate) fn password(
    user: &UserCreate,
    env: &Environment,
    streams: &mut Streams<'_>,
) -> Result<String, Failure> {
    let text = if let Some(file) = &user.password_file {
        fs::read_to_string(file).map_err(|error| {
            Failure::usage(format!("the password file {} cannot be read", file.display()))
                .because(&error)
        })?
    } else if let Some(password) = &env.password {
        password.clone()
    } else if streams.terminals.input {
        return Err(no_password());
    } else {
        let mut text = String::new();
        streams.input.take(MAX_PASSWORD).read_to_string(&mut text).map_err(|error| {
            Failure::usage("the password on standard input cannot be read").because(&error)
        })?;
        text
    };
    // The end of the line is the file's, blanks may be the password's.
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() { Err(no_password()) } else { Ok(password.to_owned()) }
}

fn no_password() -> Failure {
    Failure::usage("no password was given").fix(
        "Give --password-file FILE, set MINDFLIGHT_PASSWORD, or pipe the password to standard input.",
    )
}

/// Typed items as what the output works on.
pub(crate) fn values<T: Serialize>(items: &[T]) -> Result<Vec<Value>, Failure> {
    items.iter().map(value).collect()
}

/// One typed item as what the output works on.
pub(crate) fn value<T: Serialize>(item: &T) -> Result<Value, Failure> {
    serde_json::to_value(item)
        .map_err(|error| Failure::local("the answer cannot be printed").because(&error))
}
