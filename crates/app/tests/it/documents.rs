//! The documents say what is true: commands parse, paths are served, data is well formed, settings exist.
//!
//! All mistakes of all pages are told at once, each with its place and what to do.

mod commands;
mod data;
mod figures;
mod pages;
mod requests;
mod settings;
mod shell;

use self::pages::{Finding, Page};
use crate::rig::Rig;

/// What is wrong on purpose: the page, a part of the finding, and why it stays.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("docs/CONFIG.md", "`MINDFLIGHT_SECTION__KEY`", "the pattern of all such names")];

#[tokio::test]
async fn what_the_documents_say_is_true() {
    let rig = rig().await;
    let pages = Page::all();
    let mut found = Vec::new();
    for page in &pages {
        found.extend(page.blocks().iter().filter_map(pages::Block::untagged));
        found.extend(commands::check(page));
        found.extend(figures::check(page));
        found.extend(data::check_json(page));
    }
    found.extend(data::check_yaml(&pages).await);
    found.extend(settings::check(&pages).await);
    found.extend(requests::check(&pages, &rig.server).await);
    let unused = EXCEPTIONS.iter().filter(|one| !found.iter().any(|finding| is_of(finding, one)));
    let unused: Vec<Finding> = unused
        .map(|(page, text, _)| {
            Finding::new(
                page,
                0,
                format!("the exception for {text} is not needed any more; take it out"),
            )
        })
        .collect();
    found.retain(|finding| !EXCEPTIONS.iter().any(|one| is_of(finding, one)));
    found.extend(unused);
    found.sort();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} mistakes\n{}", lines.len(), lines.join("\n"));
}

/// A server with all routes: `demo` takes webhooks once it has a secret.
async fn rig() -> Rig {
    Rig::with(|launch| launch.env("MINDFLIGHT_PROVIDERS__DEMO__WEBHOOK_SECRET", "for this test"))
        .await
}

fn is_of(finding: &Finding, (page, text, _): &(&str, &str, &str)) -> bool {
    finding.page == *page && finding.text.contains(text)
}
