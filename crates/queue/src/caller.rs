//! A caller, as a job keeps it: a tool call that became a job runs as whoever made it.

use mindflight_api::access::CallerKind;
use mindflight_api::{KeyId, Scope, UserId};
use mindflight_core::Caller;
use mindflight_core::caller::Facts;
use serde_json::{Value, json};

/// As JSON.
pub(crate) fn write(caller: &Caller) -> Value {
    let facts = caller.facts();
    let scopes: Vec<String> = facts.scopes.iter().map(ToString::to_string).collect();
    json!({
        "kind": facts.kind, "name": facts.name, "user": facts.user, "key": facts.key, "scopes": scopes,
    })
}

/// From JSON; nobody in particular if it says nothing.
pub(crate) fn read(value: &Value) -> Caller {
    let member = |name: &str| value.get(name).cloned().unwrap_or_default();
    let scopes = member("scopes");
    let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
    let scopes: Vec<Scope> = scopes.filter_map(|scope| scope.parse().ok()).collect();
    let Ok(kind) = serde_json::from_value::<CallerKind>(member("kind")) else {
        return Caller::public();
    };
    Facts {
        kind,
        name: member("name").as_str().unwrap_or_default().to_owned(),
        user: serde_json::from_value::<Option<UserId>>(member("user")).ok().flatten(),
        key: serde_json::from_value::<Option<KeyId>>(member("key")).ok().flatten(),
        scopes,
        rate: None,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_comes_back_as_it_was() {
        let facts = Facts {
            kind: CallerKind::Key,
            name: "ci".to_owned(),
            user: Some(UserId::new()),
            key: Some(KeyId::new()),
            scopes: vec![Scope::ToolsCallOne("demo_add".to_owned()), Scope::JobsRead],
            rate: Some(5),
        };
        let again = read(&write(&facts.clone().into()));
        let again = again.facts();
        assert_eq!((&again.name, again.user, again.key), (&facts.name, facts.user, facts.key));
        assert_eq!(again.scopes, facts.scopes);
        assert!(read(&Value::Null).facts().scopes.is_empty());
    }
}
