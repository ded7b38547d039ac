//! Rules on the texts: links lead somewhere, and the README shows the commands that exist.

use std::path::Path;

use crate::tree::{assert_none, files, read, root};

/// The texts that people read: the README, docs, and the README of every folder that has one.
fn texts() -> Vec<String> {
    files("", ".md")
}

#[test]
fn the_readme_shows_how_to_run_and_how_to_test() {
    let readme = read("README.md");
    let offenders: Vec<_> = ["cargo xtask dev", "cargo xtask test"]
        .into_iter()
        .filter(|command| {
            !readme.lines().any(|line| line.trim_start_matches("$ ").trim() == *command)
        })
        .map(|command| format!("README.md: show `{command}` on a line of its own"))
        .collect();
    assert_none("Two commands are all that a newcomer needs.", &offenders);
}

#[test]
fn links_between_texts_lead_somewhere() {
    let mut offenders = Vec::new();
    for path in texts() {
        for (line, target) in links(&read(&path)) {
            if let Err(why) = follow(&path, &target) {
                offenders.push(format!("{path}:{line}: `{target}`: {why}"));
            }
        }
    }
    assert_none(
        "A link that leads nowhere: correct it, or write what it should lead to.",
        &offenders,
    );
}

#[test]
fn every_dependency_has_its_reason_written_down() {
    let root: toml::Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let wanted = root["workspace"]["dependencies"].as_table().expect("a table");
    let page = read("docs/ARCHITECTURE.md");
    let section = page.split("\n## Dependencies").nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let explained: Vec<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, _)| name)
        .collect();
    let missing = wanted
        .iter()
        .filter(|(name, value)| value.get("path").is_none() && !explained.contains(&name.as_str()))
        .map(|(name, _)| format!("docs/ARCHITECTURE.md: add a row for `{name}`"));
    let stale = explained
        .iter()
        .filter(|name| !wanted.contains_key(**name))
        .map(|name| format!("docs/ARCHITECTURE.md: take the row for `{name}` out"));
    let offenders: Vec<_> = missing.chain(stale).collect();
    assert_none("The table of dependencies says why each one was chosen.", &offenders);
}

/// A promise whose test was renamed or taken out is a promise that nothing holds.
#[test]
fn every_test_that_a_text_names_is_there() {
    let mut offenders = Vec::new();
    for path in texts() {
        for piece in read(&path).split("[`").skip(1) {
            let named = piece.split_once("`](").and_then(|(name, rest)| {
                let (target, _) = rest.split_once(')')?;
                Some((name, from_root(&path, target)?))
            });
            let Some((name, target)) = named.filter(|(_, target)| target.contains("/tests/"))
            else {
                continue;
            };
            if !root().join(&target).exists() {
                // The test of links says so.
                continue;
            }
            if !read(&target).contains(&format!("fn {name}()")) {
                offenders.push(format!("{path}: {target} has no test `{name}`"));
            }
        }
    }
    assert_none("Name the test that holds the promise, or take the promise back.", &offenders);
}

/// A link's target, named from the root; none if it leads out of it.
fn from_root(path: &str, target: &str) -> Option<String> {
    let (mut folder, mut target) = (Path::new(path).parent()?, target);
    while let Some(rest) = target.strip_prefix("../") {
        (folder, target) = (folder.parent()?, rest);
    }
    Some(folder.join(target).to_string_lossy().into_owned())
}

/// The targets of `[text](target)` with their lines, code left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for piece in prose.split("](").skip(1) {
            if let Some((target, _)) = piece.split_once(')') {
                found.push((
                    at + 1,
                    target.split_whitespace().next().unwrap_or_default().to_owned(),
                ));
            }
        }
    }
    found
}

/// Whether a link of this file has an end. Web addresses and names of Rust items are not ours to follow.
fn follow(from: &str, target: &str) -> Result<(), String> {
    let is_item = target.contains("::") || !target.contains(['/', '.', '#']);
    if target.contains("://") || target.starts_with("mailto:") || is_item {
        return Ok(());
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    let path = if file.is_empty() { Path::new(from).to_path_buf() } else { folder.join(file) };
    if !root().join(&path).exists() {
        return Err("there is no such file".to_owned());
    }
    if heading.is_empty() || path.extension().is_none_or(|ending| ending != "md") {
        return Ok(());
    }
    let known = headings(&read(&path.to_string_lossy()));
    if known.iter().any(|known| known == heading) {
        return Ok(());
    }
    Err(format!("no such heading; there are: {}", known.join(", ")))
}

/// The headings of a text in the form that links use.
fn headings(text: &str) -> Vec<String> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            !fenced && line.starts_with('#')
        })
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_')
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn links_are_read_from_prose_and_not_from_code() {
    let text = "see [a](docs/A.md#x) and `[b](no.md)`\n```\n[c](no.md)\n```\n[d](e.md \"title\")";
    assert_eq!(links(text), [(1, "docs/A.md#x".to_owned()), (5, "e.md".to_owned())]);
}

#[test]
fn a_target_is_named_from_the_root_wherever_the_text_is() {
    let named = |path: &str, target: &str| from_root(path, target);
    assert_eq!(
        named("docs/A.md", "../crates/x/tests/it/a.rs").as_deref(),
        Some("crates/x/tests/it/a.rs")
    );
    assert_eq!(named("docs/b/A.md", "../../crates/x.rs").as_deref(), Some("crates/x.rs"));
    assert_eq!(named("README.md", "crates/x.rs").as_deref(), Some("crates/x.rs"));
    assert_eq!(named("README.md", "../x.rs"), None);
}

#[test]
fn headings_become_what_links_name() {
    assert_eq!(headings("# One Two\n```\n# no\n```\n## `a-b`: c_d!"), ["one-two", "a-b-c_d"]);
}

#[test]
fn a_link_to_nothing_is_seen() {
    assert!(follow("README.md", "crates/xtask/README.md").is_ok());
    assert!(follow("README.md", "https://example.org/x.md").is_ok());
    assert!(follow("crates/xtask/README.md", "crate::Workspace").is_ok());
    assert!(follow("README.md", "docs/NO_SUCH.md").is_err());
    assert!(follow("crates/xtask/README.md", "../../README.md#no-such-heading").is_err());
}
