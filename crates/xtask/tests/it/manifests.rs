//! Rules on the manifests: one place for versions, lints and facts about us.

use toml::{Table, Value};

use crate::tree::{assert_none, metadata, read};

/// What a member's `[package]` takes from the workspace.
const INHERITED: [&str; 6] =
    ["version", "edition", "rust-version", "license", "repository", "publish"];

/// What a member's dependency may say for itself.
const OWN_KEYS: [&str; 4] = ["workspace", "features", "optional", "default-features"];

fn members() -> Vec<(String, Table)> {
    metadata()
        .members()
        .map(|package| {
            let path = format!("{}/Cargo.toml", package.folder());
            let manifest = read(&path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            (path, manifest)
        })
        .collect()
}

fn inherits(table: Option<&Value>) -> bool {
    table.and_then(|table| table.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[test]
fn every_crate_inherits_the_lints() {
    let offenders: Vec<_> = members()
        .into_iter()
        .filter(|(_, manifest)| !inherits(manifest.get("lints")))
        .map(|(path, _)| format!("{path}: add `[lints]` with `workspace = true`"))
        .collect();
    assert_none("Lints are set once, in the root Cargo.toml.", &offenders);
}

#[test]
fn every_crate_takes_its_facts_from_the_workspace() {
    let mut offenders = Vec::new();
    for (path, manifest) in members() {
        let package = manifest.get("package").and_then(Value::as_table).expect("a package");
        for key in INHERITED {
            if !inherits(package.get(key)) {
                offenders.push(format!("{path}: write `{key}.workspace = true`"));
            }
        }
        if package.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            offenders.push(format!("{path}: add a `description` of one sentence"));
        }
    }
    assert_none(
        "Version, edition, licence and the like are said once, in the root Cargo.toml.",
        &offenders,
    );
}

#[test]
fn every_version_is_chosen_in_the_workspace() {
    let mut offenders = Vec::new();
    for (path, manifest) in members() {
        for (section, name, value) in dependencies(&manifest) {
            let Some(table) = value.as_table().filter(|_| inherits(Some(value))) else {
                offenders
                    .push(format!("{path}: [{section}] {name}: write `{name}.workspace = true`"));
                continue;
            };
            let own = table.keys().filter(|key| !OWN_KEYS.contains(&key.as_str()));
            offenders
                .extend(own.map(|key| format!("{path}: [{section}] {name}: take `{key}` out")));
        }
    }
    assert_none(
        "Versions and sources stand in [workspace.dependencies] of the root Cargo.toml and nowhere else.",
        &offenders,
    );
}

/// Every dependency of a manifest with its section.
fn dependencies(manifest: &Table) -> Vec<(String, &String, &Value)> {
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let places = std::iter::once((String::new(), manifest)).chain(
        targets.filter_map(|(name, value)| Some((format!("target.{name}."), value.as_table()?))),
    );
    places
        .flat_map(|(prefix, table)| {
            sections.map(|section| (format!("{prefix}{section}"), section, table))
        })
        .filter_map(|(shown, section, table)| Some((shown, table.get(section)?.as_table()?)))
        .flat_map(|(shown, table)| {
            table.iter().map(move |(name, value)| (shown.clone(), name, value))
        })
        .collect()
}

#[test]
fn the_workspaces_dependencies_are_sorted_ours_first() {
    let text = read("Cargo.toml");
    let section = text.split("[workspace.dependencies]").nth(1).expect("the section is there");
    let lines = section.lines().skip(1).take_while(|line| !line.starts_with('['));
    let entries: Vec<_> = lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (!value.contains("path = "), name))
        .collect();
    let offenders: Vec<_> = entries
        .windows(2)
        .filter(|pair| pair[0] > pair[1])
        .map(|pair| format!("Cargo.toml: `{}` stands before `{}`", pair[0].1, pair[1].1))
        .collect();
    assert_none("[workspace.dependencies]: ours first, then the others, each by name.", &offenders);
}

#[test]
fn the_workspace_chooses_no_version_that_nobody_uses() {
    let root: Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let wanted = root["workspace"]["dependencies"].as_table().expect("a table");
    let members = members();
    let offenders: Vec<_> = wanted
        .iter()
        .filter(|(_, value)| value.get("path").is_none())
        .filter(|(name, _)| {
            !members
                .iter()
                .any(|(_, manifest)| dependencies(manifest).iter().any(|used| used.1 == *name))
        })
        .map(|(name, _)| format!("Cargo.toml: `{name}`"))
        .collect();
    assert_none("Nobody uses these; take them out of [workspace.dependencies].", &offenders);
}
