//! Cutting long lines, and stopping in the middle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mindflight_core::api::access::CallerKind;
use mindflight_core::api::{KeyId, RequestId};
use mindflight_core::caller::{Facts, Origin};
use mindflight_core::context::CallFacts;
use mindflight_core::ports::{NotSupported, Ports, SystemClock};
use mindflight_core::progress::Unwatched;
use mindflight_core::{Provider as _, ProviderContext};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;

#[test]
fn a_long_line_is_cut_around_the_place() {
    let line = format!("{}needle{}", "a".repeat(1000), "b".repeat(1000));
    let text = excerpt(&line, 1000);
    assert!(text.contains("needle") && text.starts_with('…') && text.ends_with('…'), "{text}");
    assert_eq!(text.chars().count(), LONGEST_LINE + 2);
    assert_eq!(excerpt("short", 2), "short");
    assert!(excerpt(&line, 0).starts_with('a'));
    assert!(excerpt(&line, 2005).ends_with('b'));
}

/// A provider on a folder with one large file, and a call of it with the token that cancels the call.
async fn call() -> (tempfile::TempDir, Filesystem, Context, CancellationToken) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lines.txt"), "line\n".repeat(10_000)).expect("a file");
    let none = Arc::new(NotSupported);
    let ports = Ports {
        memory: none.clone(),
        jobs: none.clone(),
        events: none.clone(),
        resources: none.clone(),
        http: none.clone(),
        clock: Arc::new(SystemClock),
        transactions: none,
    };
    let provider = ProviderContext::new("filesystem", ports);
    let config = json!({"allowed_dirs": [folder.path()]});
    let config = serde_json::from_value(config).expect("settings");
    let built = Filesystem::build(config, provider.clone()).await.expect("a provider");
    let caller = Facts {
        kind: CallerKind::Key,
        name: "test".to_owned(),
        user: None,
        key: Some(KeyId::new()),
        scopes: Vec::new(),
        rate: None,
    };
    let cancelled = CancellationToken::new();
    let facts = CallFacts {
        caller: caller.into(),
        origin: Origin { request: RequestId::new(), ip: None },
        action: "tool.call",
        target: "filesystem_search".to_owned(),
        deadline: Instant::now() + Duration::from_secs(30),
        cancelled: cancelled.clone(),
        report: Arc::new(Unwatched),
        idempotency_key: None,
        lease: None,
        cause: None,
    };
    (folder, built, Context::new(provider, facts), cancelled)
}

#[tokio::test]
async fn a_cancelled_search_looks_at_no_more_lines_and_no_more_files() {
    let (_folder, provider, cx, cancelled) = call().await;
    let input: Search = serde_json::from_value(json!({"query": "line", "limit": 1000})).unwrap();
    let wanted = wanted(&input).unwrap();
    let place = provider.place(".").unwrap();
    let mut run = Run::new(&cx, &wanted, usize::MAX);
    run.file(&provider, &place, PathBuf::from("lines.txt"));
    assert_eq!((run.found.matches.len(), run.is_over()), (10_000, false));
    cancelled.cancel();
    run.file(&provider, &place, PathBuf::from("lines.txt"));
    assert_eq!((run.found.matches.len(), run.is_over()), (10_000, true));
    assert!(run.end().is_err());
    assert!(provider.search_now(&cx, &input).is_err());
}
