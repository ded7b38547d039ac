//! Which programs are taken, which are refused, and what is said about it.

use crate::ground::{Ground, is_root, script};
use mindflight_embedded_postgres::find::installations;
use mindflight_embedded_postgres::{Cluster, Error, Options};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Options of a machine without any PostgreSQL.
fn bare(ground: &Ground) -> Options {
    let mut options = ground.options();
    options.path = Some(ground.path().join("path").into());
    options.usual_places = vec![ground.path().join("usual/*/bin").display().to_string()];
    options
}

/// Programs that say this about their version.
fn fake(bin: &Path, version: &str) {
    script(&bin.join("postgres"), &format!("echo 'postgres (PostgreSQL) {version}'"));
    script(&bin.join("initdb"), "echo 'not a real initdb' >&2; exit 1");
}

fn bins(found: &[mindflight_embedded_postgres::find::Installation]) -> Vec<PathBuf> {
    found.iter().map(|installation| installation.bin_dir.clone()).collect()
}

#[test]
fn a_machine_without_postgres_is_told_what_to_do() {
    let ground = Ground::new();
    let options = bare(&ground);
    let error = Cluster::open(&options).unwrap_err();
    assert!(matches!(error, Error::NothingFound { .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        "DATABASE_URL",
        "$PATH",
        &options.usual_places[0],
        "Found: none",
        "mindflight postgres install",
        "MINDFLIGHT_PG_BIN",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn programs_that_cannot_be_used_are_listed_with_the_reason() {
    let ground = Ground::new();
    let usual = ground.path().join("usual");
    fake(&usual.join("14/bin"), "14.9 (Debian 14.9-1)");
    script(
        &usual.join("16/bin/postgres"),
        "echo 'libxml2.so.2: cannot open shared object file' >&2; exit 127",
    );
    script(&usual.join("16/bin/initdb"), "exit 0");
    script(&usual.join("17/bin/postgres"), "echo 'postgres (PostgreSQL) 17.2'");
    fake(&usual.join("18/bin"), "unknown");
    let error = Cluster::open(&bare(&ground)).unwrap_err();
    let text = error.to_string();
    for part in [
        "14/bin is 14.9, too old (15 or newer is needed)",
        "16/bin does not start (exit status: 127): libxml2.so.2",
        "17/bin has no `initdb` beside `postgres`",
        "18/bin tells no version",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Found: none"), "{text}");
}

#[test]
fn the_newest_is_first_and_among_equals_the_one_in_path() {
    let ground = Ground::new();
    let options = bare(&ground);
    let (path, usual) = (ground.path().join("path"), ground.path().join("usual"));
    let download = options.download_dir.join("pg-18/bin");
    fake(&path, "16.4");
    fake(&usual.join("16/bin"), "16.4");
    fake(&usual.join("17/bin"), "17.10");
    fake(&usual.join("9/bin"), "17.9");
    fake(&download, "18.1");
    let search = installations(&options);
    let expected =
        [download, usual.join("17/bin"), usual.join("9/bin"), path, usual.join("16/bin")];
    assert_eq!(bins(&search.found), expected);
    assert_eq!(search.of_major(16).unwrap().bin_dir, ground.path().join("path"));
    assert_eq!(search.best().unwrap().version.to_string(), "18.1");
}

#[test]
fn links_are_followed_and_a_folder_counts_once() {
    let ground = Ground::new();
    let bin = ground.path().join("usual/15/bin");
    fake(&bin, "15.1");
    fs::create_dir(ground.path().join("path")).unwrap();
    std::os::unix::fs::symlink(bin.join("postgres"), ground.path().join("path/postgres")).unwrap();
    let search = installations(&bare(&ground));
    assert_eq!(bins(&search.found), [bin]);
    assert!(search.rejected.is_empty(), "{:?}", search.rejected);
}

#[test]
fn a_named_folder_is_the_only_one() {
    let ground = Ground::new();
    fake(&ground.path().join("usual/18/bin"), "18.1");
    let mut options = bare(&ground);
    let named = ground.path().join("mine");
    options.bin_dir = Some(named.clone());
    let search = installations(&options);
    assert!(search.found.is_empty());
    assert_eq!(search.looked_in, [format!("MINDFLIGHT_PG_BIN={}", named.display())]);
    assert_eq!(search.rejected.len(), 1, "{:?}", search.rejected);
    fake(&named, "15.1");
    assert_eq!(bins(&installations(&options).found), [named]);
}

#[test]
fn programs_that_the_account_cannot_reach_do_not_count_for_root() {
    let ground = Ground::new();
    let bin = ground.path().join("usual/17/bin");
    fake(&bin, "17.1");
    fs::set_permissions(bin.parent().unwrap(), Permissions::from_mode(0o700)).unwrap();
    let search = installations(&bare(&ground));
    if is_root() {
        assert!(search.found.is_empty());
        assert!(search.rejected[0].1.contains("cannot enter"), "{:?}", search.rejected);
    } else {
        assert_eq!(bins(&search.found), [bin]);
    }
}

#[test]
fn data_of_another_major_version_is_left_alone() {
    let ground = Ground::new();
    let cluster = ground.open();
    let version = *cluster.version();
    cluster.stop().unwrap();
    let file = ground.data().join("PG_VERSION");
    fs::write(&file, "99\n").unwrap();
    let error = Cluster::open(&ground.options()).unwrap_err();
    assert!(matches!(error, Error::WrongMajor { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["written by PostgreSQL 99", &version.to_string(), "MINDFLIGHT_PG_BIN"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains(&ground.data().display().to_string()), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "99\n");
}

#[test]
fn existing_data_keeps_its_major_version_when_a_newer_one_is_installed() {
    let ground = Ground::new();
    let cluster = ground.open();
    let version = *cluster.version();
    cluster.stop().unwrap();
    let mut options = ground.options();
    fake(&options.download_dir.join("pg-99/bin"), "99.1");
    assert_eq!(installations(&options).best().unwrap().version.major, 99);
    assert_eq!(*Cluster::open(&options).unwrap().version(), version);

    options.data_dir = ground.path().join("new");
    let error = Cluster::open(&options).unwrap_err();
    assert!(matches!(error, Error::Initdb { .. }), "a new cluster takes the newest: {error:?}");
    assert!(error.to_string().contains("not a real initdb"), "{error}");
}

#[test]
fn a_server_that_ends_while_starting_shows_its_log() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.settings = vec![("shared_buffers".to_owned(), "one spoon".to_owned())];
    let error = Cluster::open(&options).unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("one spoon") && text.contains("/log"), "{text}");
}
