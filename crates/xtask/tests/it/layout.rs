//! Rules on the shape of the checkout: what stands at the top, and what every crate and provider has.

use std::os::unix::fs::PermissionsExt as _;

use toml::{Table, Value};

use crate::code::{code_of, lines_with};
use crate::tree::{assert_none, metadata, names, read, root};

/// All that may be seen at the top; tools keep their settings in hidden files.
const TOP: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "crates",
    "docker-compose.yml",
    "docs",
    "examples",
    "migrations",
    "providers",
];
/// What need not be there yet, and what a build leaves.
const MAY_BE_MISSING: [&str; 1] = ["docker-compose.yml"];
const BUILT: [&str; 1] = ["target"];

#[test]
fn the_top_level_shows_these_names_and_no_other() {
    let seen = names("");
    let unknown = seen
        .iter()
        .filter(|name| !TOP.contains(&name.as_str()) && !BUILT.contains(&name.as_str()))
        .map(|name| format!("{name}: move it below one of the folders, or make it a hidden file"));
    let missing = TOP
        .iter()
        .filter(|name| !seen.iter().any(|seen| seen == *name) && !MAY_BE_MISSING.contains(name))
        .map(|name| format!("{name} is missing"));
    let offenders: Vec<_> = unknown.chain(missing).collect();
    assert_none("The top level is the first page that a reader sees; it is fixed.", &offenders);
}

#[test]
fn every_crate_and_provider_has_a_readme() {
    let offenders: Vec<_> = metadata()
        .members()
        .map(|package| format!("{}/README.md", package.folder()))
        .filter(|path| {
            std::fs::read_to_string(root().join(path)).map_or(true, |text| text.trim().is_empty())
        })
        .map(|path| format!("{path} is missing or empty"))
        .collect();
    assert_none("A README says in a few lines what the crate is and what holds in it.", &offenders);
}

#[test]
fn the_readme_is_the_crates_documentation() {
    let offenders: Vec<_> = metadata()
        .members()
        .map(|package| format!("{}/src/lib.rs", package.folder()))
        .filter(|path| root().join(path).is_file())
        .filter(|path| !read(path).contains(r#"#![doc = include_str!("../README.md")]"#))
        .map(|path| format!("{path}: add `#![doc = include_str!(\"../README.md\")]`"))
        .collect();
    assert_none(
        "One text, not two: the README is the crate's doc, and its examples are doctests.",
        &offenders,
    );
}

/// A provider that is only listed in a manifest is not linked, and its registration vanishes silently.
#[test]
fn app_names_every_provider() {
    let list = code_of(&read("crates/app/src/providers.rs"));
    let offenders: Vec<_> = metadata()
        .members()
        .filter(|package| package.folder().starts_with("providers/"))
        .map(|package| package.name.replace('-', "_"))
        .filter(|name| lines_with(&list, name).is_empty())
        .map(|name| format!("crates/app/src/providers.rs: add `use {name} as _;`"))
        .collect();
    assert_none("Every folder of providers/ is named in crates/app/src/providers.rs.", &offenders);
    let folders = names("providers").len();
    let packages =
        metadata().members().filter(|package| package.folder().starts_with("providers/")).count();
    assert_eq!(
        folders, packages,
        "every folder of providers/ holds one package, and nothing else lies there"
    );
}

#[test]
fn builds_need_no_database() {
    let config: Table = read(".cargo/config.toml").parse().expect("the config is TOML");
    let offline = config.get("env").and_then(|env| env.get("SQLX_OFFLINE")).and_then(Value::as_str);
    assert_eq!(
        offline,
        Some("true"),
        ".cargo/config.toml: `[env]` sets SQLX_OFFLINE = \"true\", so that a DATABASE_URL in somebody's \
         shell does not decide how the queries are checked"
    );
}

#[test]
fn continuous_integration_runs_what_people_run() {
    let script = read(".ci/run");
    assert!(script.starts_with("#!"), ".ci/run: begin with `#!/usr/bin/env bash`");
    assert!(
        script.trim_end().ends_with("exec cargo xtask ci"),
        ".ci/run: end with `exec cargo xtask ci`; checks are added to crates/xtask/src/ci.rs"
    );
    let mode =
        std::fs::metadata(root().join(".ci/run")).expect(".ci/run is there").permissions().mode();
    assert_eq!(mode & 0o111, 0o111, ".ci/run: make it executable with `chmod +x .ci/run`");
}
