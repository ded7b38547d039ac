//! What comes into the tree: licences, banned crates and sources, by the lists of `.deny.toml`.

use toml::{Table, Value};

use crate::licence::is_met;
use crate::tree::{assert_none, metadata, read, root};

fn rules() -> Table {
    read(".deny.toml").parse().expect(".deny.toml is TOML")
}

fn strings(rules: &Table, section: &str, key: &str) -> Vec<String> {
    rules[section][key]
        .as_array()
        .unwrap_or_else(|| panic!(".deny.toml: [{section}] {key} is a list"))
        .iter()
        .map(|value| value.as_str().expect("a list of strings").to_owned())
        .collect()
}

#[test]
fn every_licence_in_the_lock_file_is_allowed() {
    let allowed = strings(&rules(), "licenses", "allow");
    let offenders: Vec<_> = metadata()
        .packages
        .iter()
        .filter(|package| {
            !package.license.as_deref().is_some_and(|licence| is_met(licence, &allowed))
        })
        .map(|package| {
            format!(
                "{} {}: {}; used by {}",
                package.name,
                package.version,
                package.license.as_deref().unwrap_or("no licence in its manifest"),
                metadata().users(package)
            )
        })
        .collect();
    assert_none(
        "Replace the package, or argue for its licence and add it to [licenses] of .deny.toml.",
        &offenders,
    );
}

#[test]
fn no_banned_crate_is_built() {
    let rules = rules();
    let bans: Vec<_> =
        rules["bans"]["deny"].as_array().expect("a list of bans").iter().map(Ban::of).collect();
    let mut offenders = Vec::new();
    for package in metadata().built() {
        for ban in bans.iter().filter(|ban| ban.hits(&package.name, &package.version)) {
            offenders.push(format!(
                "{} {}: {}; used by {}",
                package.name,
                package.version,
                ban.reason,
                metadata().users(package)
            ));
        }
    }
    assert_none(
        "Banned by .deny.toml. Mostly a feature brings it in: find it with `cargo tree -e features -i <crate>` \
         and switch it off in [workspace.dependencies].",
        &offenders,
    );
}

#[test]
fn every_package_comes_from_the_registry() {
    let allowed = strings(&rules(), "sources", "allow-registry");
    let offenders: Vec<_> = metadata()
        .packages
        .iter()
        .filter(|package| match &package.source {
            None => !package.manifest_path.starts_with(root()),
            Some(source) => {
                !allowed.iter().any(|registry| source.strip_prefix("registry+") == Some(registry))
            }
        })
        .map(|package| {
            let source = package.source.clone().unwrap_or_else(|| package.folder());
            format!("{} {}: from {source}", package.name, package.version)
        })
        .collect();
    assert_none(
        "Packages come from crates.io; a fork or a git revision is nobody's promise.",
        &offenders,
    );
}

/// The example is built with what the workspace was tested with, and takes its crates from the same cache.
#[test]
fn the_example_locks_the_workspaces_versions() {
    let root = locked("Cargo.lock");
    let example = locked("examples/third-party-provider/Cargo.lock");
    let own = ["parcels", "parcels-server"];
    let offenders: Vec<_> = example
        .difference(&root)
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    assert_none("Refresh the example's lock file with `cargo xtask prepare`.", &offenders);
    assert!(example.len() > own.len(), "nothing is locked");
}

/// The packages of a lock file with their versions.
fn locked(path: &str) -> std::collections::BTreeSet<(String, String)> {
    let lock: Table = read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let packages = lock["package"].as_array().unwrap_or_else(|| panic!("{path} has no package"));
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

/// One entry of `[bans] deny`.
struct Ban {
    name: String,
    /// Versions below this one; all of them if there is none.
    below: Option<[u64; 3]>,
    reason: String,
}

impl Ban {
    fn of(entry: &Value) -> Self {
        let spec =
            entry.as_str().or_else(|| entry.get("crate")?.as_str()).expect("a ban names a `crate`");
        let (name, below) = match spec.split_once(':') {
            None => (spec, None),
            Some((name, requirement)) => {
                let version =
                    requirement.strip_prefix('<').filter(|version| !version.starts_with('='));
                let version = version.unwrap_or_else(|| {
                    panic!(".deny.toml: `{spec}`: this test reads `name` and `name:<1.2.3`; teach it more")
                });
                (name, Some(numbers(version)))
            }
        };
        let reason = entry.get("reason").and_then(Value::as_str).unwrap_or("banned").to_owned();
        Self { name: name.to_owned(), below, reason }
    }

    fn hits(&self, name: &str, version: &str) -> bool {
        self.name == name && self.below.is_none_or(|below| numbers(version) < below)
    }
}

/// `1.2.3-beta+x` as numbers; the parts after them do not matter for a ban.
fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[test]
fn a_ban_hits_the_versions_it_names() {
    let table: Table =
        "a = [{ crate = \"h2:<0.4.16\", reason = \"r\" }, \"ring\"]".parse().unwrap();
    let bans: Vec<_> = table["a"].as_array().unwrap().iter().map(Ban::of).collect();
    assert!(bans[0].hits("h2", "0.3.27"));
    assert!(bans[0].hits("h2", "0.4.9"));
    assert!(!bans[0].hits("h2", "0.4.16"));
    assert!(!bans[0].hits("h2", "1.0.0"));
    assert!(!bans[0].hits("ring", "0.17.14"));
    assert!(bans[1].hits("ring", "0.17.14"));
}

#[test]
fn the_bans_that_matter_most_are_on_the_list() {
    let rules = rules();
    let bans: Vec<_> = rules["bans"]["deny"].as_array().unwrap().iter().map(Ban::of).collect();
    for (name, version) in
        [("openssl-sys", "0.9.1"), ("native-tls", "0.2.1"), ("h2", "0.3.26"), ("ring", "0.17.0")]
    {
        assert!(bans.iter().any(|ban| ban.hits(name, version)), "`{name}` {version} is not banned");
    }
}
