//! The table of operations is complete and sound.

use std::collections::HashSet;

use super::*;
use crate::operation::Access;

#[test]
fn every_operation_has_its_own_id_and_place() {
    let (mut ids, mut places) = (HashSet::new(), HashSet::new());
    for operation in routes::operations() {
        assert!(
            places.insert((operation.method.clone(), operation.path)),
            "{} stands twice",
            operation.path
        );
        assert!(operation.alias || ids.insert(operation.id), "{} stands twice", operation.id);
    }
}

#[test]
fn no_literal_path_is_swallowed_by_a_parameter_before_it() {
    let paths: Vec<&str> = by_path().into_iter().map(|(path, _)| path).collect();
    for (place, literal) in paths.iter().enumerate().filter(|(_, path)| !path.contains('{')) {
        for pattern in paths[..place].iter().filter(|path| path.contains('{')) {
            let resource = actix_web::dev::ResourceDef::new(*pattern);
            assert!(!resource.is_match(literal), "`{literal}` is swallowed by `{pattern}`");
        }
    }
}

#[test]
fn what_is_public_has_been_reviewed() {
    let mut public: Vec<&str> = routes::operations()
        .iter()
        .filter(|operation| matches!(operation.rules.access, Access::Public))
        .map(|operation| operation.path)
        .collect();
    public.sort_unstable();
    assert_eq!(
        public,
        [
            "/api/login",
            "/auth/login",
            "/health",
            "/health/health",
            "/health/liveness",
            "/health/readiness",
            "/healthz",
            "/info",
            "/metrics",
            "/openapi.json",
        ]
    );
}

#[test]
fn the_page_of_the_api_says_what_the_table_says() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/API.md"));
    let mut rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for operation in routes::operations().iter().filter(|operation| !operation.alias) {
        let who = match &operation.rules.access {
            Access::Public => "everyone".to_owned(),
            Access::Caller => "any caller".to_owned(),
            Access::Scope(scope) => format!("scope `{scope}`"),
        };
        let names: Vec<String> =
            operation.rules.query.iter().map(|(name, _)| format!("`{name}`")).collect();
        let query = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
        let path = operation.path.replace(":.+", "");
        let (method, status, summary) = (&operation.method, operation.status, operation.summary);
        let row = format!("| `{method} {path}` | {who} | {status} | {query} | {summary} |");
        let place = rows.iter().position(|one| *one == row);
        rows.remove(place.unwrap_or_else(|| panic!("docs/API.md has no row\n{row}")));
    }
    assert!(rows.is_empty(), "docs/API.md has rows that the table has not: {rows:#?}");
}

#[test]
fn only_loopback_names_are_localhost() {
    for (origin, expected) in [
        ("http://localhost", true),
        ("http://localhost:5173", true),
        ("https://127.0.0.1:8443", true),
        ("http://[::1]:3000", true),
        ("http://localhost.evil.example", false),
        ("http://evil.example:80", false),
        ("http://127.0.0.1.evil.example", false),
        ("null", false),
    ] {
        assert_eq!(is_localhost(origin), expected, "{origin}");
    }
}
