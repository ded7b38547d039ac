//! Data in documents is well formed, and a configuration is a good one.

use serde_json::Value;

use super::pages::{Block, Finding, Page};
use crate::rig::command;

/// YAML of others, by a key that only theirs has at the top.
const FOREIGN: [&str; 6] =
    ["services", "scrape_configs", "groups", "apiVersion", "rule_files", "jobs"];

pub(super) fn check_json(page: &Page) -> Vec<Finding> {
    let blocks = page.blocks().into_iter().filter(|block| ["json", "jsonl"].contains(&block.tag));
    blocks.filter_map(|block| json(&block)).collect()
}

fn json(block: &Block<'_>) -> Option<Finding> {
    let text = block.lines.join("\n");
    let text = if block.marks == "abridged" { completed(&text) } else { text };
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let error = documents.filter_map(Result::err).next()?;
    let line = error.line().saturating_sub(1);
    let what = format!(
        "this is no JSON: {error}; write it out, or tag the block `json,abridged` and put `…` for what is left out"
    );
    Some(block.finding(line, what))
}

/// Without the `…` that stand between members.
fn completed(text: &str) -> String {
    let (mut whole, mut in_string, mut is_escaped) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '…' if !in_string => {
                let kept = whole.trim_end();
                let kept = kept.strip_suffix(',').unwrap_or(kept).len();
                // A member whose value is left out has one all the same.
                let needs_value = whole[..kept].ends_with(':');
                whole.truncate(kept);
                whole.push_str(if needs_value { "null" } else { "" });
                continue;
            }
            '"' if !is_escaped => in_string = !in_string,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
        whole.push(c);
    }
    whole.replace("{,", "{").replace("[,", "[")
}

pub(super) async fn check_yaml(pages: &[Page]) -> Vec<Finding> {
    let sections = sections().await;
    let mut found = Vec::new();
    for page in pages {
        for block in page.blocks().into_iter().filter(|block| block.tag == "yaml") {
            found.extend(yaml(&block, &sections).await);
        }
    }
    found
}

async fn yaml(block: &Block<'_>, sections: &[String]) -> Option<Finding> {
    let text = block.lines.join("\n");
    let document: Value = match serde_saphyr::from_str(&text) {
        Ok(document) => document,
        Err(error) => return Some(block.finding(0, format!("this is no YAML: {error}"))),
    };
    let keys: Vec<&String> =
        document.as_object().map(|map| map.keys().collect()).unwrap_or_default();
    if keys.iter().any(|key| sections.contains(key)) {
        let said = mistakes(&text).await?;
        return Some(block.finding(0, format!("this is no good configuration: {said}")));
    }
    let is_foreign = keys.iter().any(|key| FOREIGN.contains(&key.as_str()));
    (!is_foreign).then(|| {
        let what = "this YAML is neither a configuration from its top (`providers:` and so on) nor any other kind that is known; write it from its top";
        block.finding(0, what)
    })
}

/// What `config check` says of a file.
async fn mistakes(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mindflight.yaml");
    std::fs::write(&file, text).unwrap();
    let check = command(&["config", "check", "--config", &file.display().to_string()])
        .env("DATABASE_URL", "postgres://user:password@127.0.0.1/mindflight")
        .env("SLOP_JWT_SECRET", "only-for-this-test-0123456789abcdefghij");
    let output = check.output().await.unwrap();
    (!output.status.success()).then(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        said.lines().map(str::trim).collect::<Vec<_>>().join(" / ")
    })
}

/// The sections of the configuration, and what stands beside them.
async fn sections() -> Vec<String> {
    let schema = super::settings::schema().await;
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn what_is_left_out_is_passed_over() {
    for text in ["{\"a\":…,\"b\":[1,…],…}", "{…}", "{\"a\":\"…\",\n …}", "[…,2]"] {
        let whole = completed(text);
        assert!(serde_json::from_str::<Value>(&whole).is_ok(), "{text} → {whole}");
    }
}
