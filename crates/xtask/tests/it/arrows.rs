//! The dependency graph is the architecture: who may list whom, and who alone may list what.

use std::collections::BTreeSet;

use crate::tree::{Dependency, Package, assert_none, cargo, metadata, read};

/// The arrows of docs/ARCHITECTURE.md: the crate's folder, and what of ours it may list. A provider
/// is any folder of `providers/`. Crates that do not exist yet stand here with their places kept.
const ARROWS: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("core", &["api"]),
    ("store", &["api", "core"]),
    ("queue", &["api", "core", "store"]),
    ("events", &["api", "core", "store"]),
    ("calls", &["api", "core"]),
    ("outbound", &["api", "core", "signatures"]),
    ("signatures", &["api", "core"]),
    ("flow", &["api"]),
    ("client", &["api", "flow"]),
    ("cli", &["api", "client"]),
    (
        "server",
        &["api", "calls", "core", "events", "flow", "outbound", "queue", "signatures", "store"],
    ),
    ("embedded-postgres", &[]),
    ("testkit", &["api", "calls", "core", "signatures"]),
    ("testapp", &["api", "client", "core", "embedded-postgres", "store"]),
    ("app", &["cli", "embedded-postgres", "server", "providers"]),
    ("xtask", &["embedded-postgres"]),
    ("bench", &["api", "core", "embedded-postgres", "events", "queue", "store"]),
    ("providers", &["core", "outbound"]),
];

/// What only some crates may list. Test-only crates are never in a shipped program: `testapp` sends
/// raw requests that the typed client refuses to make, so it has an HTTP client of its own;
/// `testkit` needs none, since its ports are in memory.
const OWNERS: &[(&str, &[&str], &str)] = &[
    ("sqlx", &["store"], "all SQL is in crates/store; add a method there"),
    ("tokio-postgres", &["events"], "the LISTEN connection is crates/events's"),
    (
        "actix-web",
        &["bench", "server"],
        "no web type leaves crates/server; crates/bench has the bare server of its comparison",
    ),
    ("actix-cors", &["server"], "no web type leaves crates/server"),
    (
        "reqwest",
        &["client", "outbound", "testapp"],
        "use the guarded client of the context, or crates/client",
    ),
];

/// What the tests of every crate may list: they start clusters of their own.
const TEST_TOOLS: [&str; 3] = ["embedded-postgres", "testapp", "testkit"];

/// `core` is what every provider compiles.
const CORE_CRATES: usize = 60;

#[test]
fn a_crate_lists_only_what_its_arrows_point_to() {
    let mut offenders = Vec::new();
    for package in metadata().members() {
        let user = place(package);
        let Some(allowed) = arrows_of(&user) else {
            offenders.push(format!(
                "{}/Cargo.toml: `{user}` has no row in ARROWS; draw its arrows in docs/ARCHITECTURE.md, then add it",
                package.folder()
            ));
            continue;
        };
        for (dependency, target) in ours(package) {
            let of_tests = dependency.kind.as_deref() == Some("dev");
            let fits = allowed.contains(&target.as_str())
                || (of_tests && TEST_TOOLS.contains(&target.as_str()))
                || (of_tests && allowed_below(allowed, &target));
            if !fits {
                offenders.push(format!(
                    "{}/Cargo.toml: `{user}` lists `{}`; it may list: {}",
                    package.folder(),
                    dependency.name,
                    if allowed.is_empty() {
                        "nothing of ours".to_owned()
                    } else {
                        allowed.join(", ")
                    }
                ));
            }
        }
    }
    assert_none(
        "An arrow that is not drawn: move the code to where the arrow exists, or pass what is needed \
         through a port of core. A new arrow is argued in docs/ARCHITECTURE.md first.",
        &offenders,
    );
}

#[test]
fn nothing_that_ships_lists_a_test_only_crate() {
    let offenders: Vec<_> = metadata()
        .members()
        .flat_map(|package| {
            ours(package).map(move |(dependency, target)| (package, dependency, target))
        })
        .filter(|(_, dependency, _)| dependency.kind.as_deref() != Some("dev"))
        .filter(|(_, _, target)| {
            ["testkit", "testapp", "xtask", "bench", "app"].contains(&target.as_str())
        })
        .map(|(package, dependency, _)| {
            format!("{}/Cargo.toml lists `{}`", package.folder(), dependency.name)
        })
        .collect();
    assert_none(
        "testkit and testapp are for [dev-dependencies]; nothing lists app, bench or xtask.",
        &offenders,
    );
}

/// A provider that depends (in its tests) on a crate that depends on that provider would be
/// registered twice in one program, and refused at start.
#[test]
fn only_app_depends_on_providers_not_even_in_tests() {
    let offenders: Vec<_> = metadata()
        .members()
        .filter(|package| place(package) != "app")
        .flat_map(|package| {
            ours(package).map(move |(dependency, target)| (package, dependency, target))
        })
        .filter(|(_, _, target)| target == "providers")
        .map(|(package, dependency, _)| {
            format!("{}/Cargo.toml lists `{}`", package.folder(), dependency.name)
        })
        .collect();
    assert_none("Only crates/app names providers; write a fake with testkit instead.", &offenders);
}

#[test]
fn what_has_one_owner_is_listed_by_nobody_else() {
    let mut offenders = Vec::new();
    for package in metadata().members() {
        for dependency in
            package.dependencies.iter().filter(|dep| dep.kind.as_deref() != Some("dev"))
        {
            let Some((name, owners, instead)) =
                OWNERS.iter().find(|(name, _, _)| *name == dependency.name)
            else {
                continue;
            };
            if !owners.contains(&place(package).as_str()) {
                offenders.push(format!(
                    "{}/Cargo.toml lists `{name}`, which belongs to {}: {instead}",
                    package.folder(),
                    owners.join(", ")
                ));
            }
        }
    }
    assert_none("A dependency with one owner is listed elsewhere.", &offenders);
}

#[test]
fn core_stays_light() {
    let tree =
        cargo(&["tree", "-p", "mindflight-core", "-e", "normal", "--prefix", "none", "--locked"]);
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    assert!(
        crates.len() <= CORE_CRATES,
        "mindflight-core pulls in {} crates, {CORE_CRATES} are allowed. Look at `cargo tree -p mindflight-core \
         -e normal` and take the heavy one out, or behind a port:\n{crates:#?}",
        crates.len()
    );
    let heavy: Vec<_> = crates
        .iter()
        .filter(|(name, _)| {
            ["actix", "sqlx", "tokio-postgres", "rmcp", "reqwest", "hyper", "rustls", "jsonschema"]
                .iter()
                .any(|heavy| name.starts_with(heavy))
        })
        .map(|(name, version)| {
            format!("{name} {version}; see `cargo tree -p mindflight-core -i {name}`")
        })
        .collect();
    assert_none("core knows no web server, SQL driver, MCP library or HTTP client.", &heavy);
}

#[test]
fn core_takes_only_the_light_features() {
    let manifest: toml::Table = read("crates/core/Cargo.toml").parse().expect("a manifest is TOML");
    let features = |table: &toml::Table, name: &str| -> Vec<String> {
        table
            .get("dependencies")
            .and_then(|dependencies| dependencies.get(name)?.get("features")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|feature| feature.as_str().map(str::to_owned))
            .collect()
    };
    let mut offenders: Vec<_> = features(&manifest, "tokio")
        .into_iter()
        .filter(|feature| !["rt", "sync", "time"].contains(&feature.as_str()))
        .map(|feature| {
            format!("crates/core/Cargo.toml: tokio's `{feature}`; allowed: rt, sync, time")
        })
        .collect();
    let workspace: toml::Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let workspace =
        workspace.get("workspace").and_then(toml::Value::as_table).expect("a workspace");
    if features(workspace, "schemars").iter().any(|feature| feature == "url2") {
        offenders
            .push("Cargo.toml: schemars's `url2` brings the whole of `url` into core".to_owned());
    }
    let tokio = workspace.get("dependencies").and_then(|table| table.get("tokio"));
    if tokio.and_then(|tokio| tokio.get("default-features")).and_then(toml::Value::as_bool)
        != Some(false)
        || !features(workspace, "tokio").is_empty()
    {
        offenders.push(
            "Cargo.toml: tokio has `default-features = false` and no features; each crate adds its own".to_owned(),
        );
    }
    assert_none("What core switches on, every provider compiles.", &offenders);
}

/// Where a package stands in `ARROWS`: its folder in `crates/`, or `providers`.
fn place(package: &Package) -> String {
    let folder = package.folder();
    match folder.split_once('/') {
        Some(("crates", name)) => name.to_owned(),
        Some((top, _)) => top.to_owned(),
        None => folder,
    }
}

fn arrows_of(place: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(name, _)| *name == place).map(|(_, allowed)| *allowed)
}

/// Tests may look through the layers: what can be reached along the arrows.
fn allowed_below(allowed: &[&str], target: &str) -> bool {
    target != "providers"
        && allowed.iter().any(|name| {
            *name == target || arrows_of(name).is_some_and(|below| allowed_below(below, target))
        })
}

/// The dependencies of a package that are ours, with their places.
fn ours(package: &Package) -> impl Iterator<Item = (&Dependency, String)> {
    package.dependencies.iter().filter_map(|dependency| {
        let target = metadata().members().find(|member| member.name == dependency.name)?;
        Some((dependency, place(target)))
    })
}

#[test]
fn the_arrows_have_no_circle_and_every_end_has_a_row() {
    fn visit(place: &str, path: &mut Vec<String>) {
        assert!(
            !path.iter().any(|seen| seen == place),
            "a circle: {} -> {place}",
            path.join(" -> ")
        );
        path.push(place.to_owned());
        for next in arrows_of(place).unwrap_or_else(|| panic!("`{place}` has no row in ARROWS")) {
            visit(next, path);
        }
        path.pop();
    }
    for (place, _) in ARROWS {
        visit(place, &mut Vec::new());
    }
}
