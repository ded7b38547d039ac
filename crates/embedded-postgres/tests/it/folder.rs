//! Who may use a folder, and which folders cannot be used.

use crate::ground::{Ground, is_root};
use crate::wire::query;
use mindflight_embedded_postgres::{Cluster, Error, Lock};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_second_server_on_a_folder_names_the_first() {
    let ground = Ground::new();
    let holder = ground.hold();
    holder.ready();
    let error = Cluster::open(&ground.options()).unwrap_err();
    assert!(
        matches!(&error, Error::Busy { pid: Some(pid), .. } if *pid == holder.pid()),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains(&format!("pid {}", holder.pid())), "{text}");
    assert!(text.contains(&ground.dir().display().to_string()), "{text}");
    assert!(text.contains("--data-dir"), "{text}");
}

#[test]
fn the_lock_ends_with_its_holder_and_can_be_had_without_a_server() {
    let ground = Ground::new();
    let lock = Lock::take(&ground.dir()).unwrap();
    let error = Lock::take(&ground.dir()).unwrap_err();
    assert!(matches!(error, Error::Busy { pid: Some(pid), .. } if pid == std::process::id()));
    assert!(matches!(Cluster::open(&ground.options()), Err(Error::Busy { .. })));
    drop(lock);
    drop(Lock::take(&ground.dir()).unwrap());
    let holder = ground.hold();
    holder.ready();
    holder.kill();
    drop(Lock::take(&ground.dir()).unwrap());
}

#[test]
fn a_lock_file_that_is_a_link_is_not_followed() {
    let ground = Ground::new();
    let precious = ground.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    fs::create_dir(ground.dir()).unwrap();
    std::os::unix::fs::symlink(&precious, ground.dir().join("server.lock")).unwrap();
    assert!(matches!(Lock::take(&ground.dir()), Err(Error::File { step: "open", .. })));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "keep");
}

#[test]
fn a_data_folder_without_a_cluster_is_refused_and_kept() {
    let ground = Ground::new();
    fs::create_dir_all(ground.data()).unwrap();
    fs::write(ground.data().join("holiday.jpg"), "x").unwrap();
    if is_root() {
        // The owner decides who the server is, and root cannot be that.
        let error = Cluster::open(&ground.options()).unwrap_err();
        assert!(matches!(error, Error::AccountIsRoot { .. }), "{error:?}");
        std::os::unix::fs::chown(ground.data(), Some(65534), Some(65534)).unwrap();
    }
    let error = Cluster::open(&ground.options()).unwrap_err();
    assert!(matches!(error, Error::NotACluster { .. }), "{error:?}");
    assert!(error.to_string().contains(&ground.data().display().to_string()), "{error}");
    assert!(ground.data().join("holiday.jpg").exists());
}

#[test]
fn a_folder_that_is_used_for_something_else_keeps_its_mode() {
    let ground = Ground::new();
    fs::create_dir(ground.dir()).unwrap();
    fs::set_permissions(ground.dir(), Permissions::from_mode(0o755)).unwrap();
    fs::write(ground.dir().join("letter.txt"), "x").unwrap();
    let error = Cluster::open(&ground.options()).unwrap_err();
    assert!(matches!(error, Error::NotOurFolder { .. }), "{error:?}");
    assert!(error.to_string().contains("letter.txt"), "{error}");
    assert_eq!(fs::metadata(ground.dir()).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_folder_that_everybody_shares_is_refused() {
    let ground = Ground::new();
    fs::create_dir_all(ground.data()).unwrap();
    fs::set_permissions(ground.dir(), Permissions::from_mode(0o1777)).unwrap();
    assert!(matches!(Lock::take(&ground.dir()), Err(Error::NotOurFolder { .. })));
}

#[test]
fn a_folder_that_the_account_cannot_reach_is_named() {
    let ground = Ground::new();
    let closed = ground.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(if is_root() { 0o700 } else { 0o600 }))
        .unwrap();
    let mut options = ground.options();
    options.data_dir = closed.join("cluster");
    let error = Cluster::open(&options).unwrap_err();
    if is_root() {
        assert!(
            matches!(&error, Error::CannotEnter { folder, .. } if *folder == closed),
            "{error:?}"
        );
        assert!(error.to_string().contains(&format!("chmod o+x {}", closed.display())), "{error}");
    } else {
        assert!(
            matches!(&error, Error::File { path, .. } if path.starts_with(&closed)),
            "{error:?}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_unknown_account_is_named_where_we_are_root() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.account = Some("nobody-has-this-name".to_owned());
    if is_root() {
        let error = Cluster::open(&options).unwrap_err();
        assert!(matches!(error, Error::UnknownAccount { .. }), "{error:?}");
        assert!(error.to_string().contains("nobody-has-this-name"), "{error}");
    } else {
        // Nobody but root can change accounts, so the wish means nothing.
        assert_eq!(Cluster::open(&options).unwrap().user(), "mindflight");
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_works() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.data_dir = ground.path().join("x".repeat(120)).join("cluster");
    let cluster = Cluster::open(&options).unwrap();
    assert!(!cluster.socket_dir().starts_with(ground.path()));
    assert_eq!(query(cluster.socket_dir(), "select 'alive'").unwrap(), ["alive"]);
    let socket_dir = cluster.socket_dir().to_owned();
    cluster.stop().unwrap();

    fs::remove_dir(&socket_dir).unwrap();
    fs::write(&socket_dir, "in the way").unwrap();
    let error = Cluster::open(&options).unwrap_err();
    assert!(matches!(&error, Error::SocketFolder { path, .. } if *path == socket_dir), "{error:?}");
    fs::remove_file(&socket_dir).unwrap();
}

#[test]
fn a_path_with_blanks_and_quotes_works() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.data_dir = ground.path().join("my data, \"new\"");
    let cluster = Cluster::open(&options).unwrap();
    assert_eq!(query(cluster.socket_dir(), "select 'alive'").unwrap(), ["alive"]);
}

#[test]
fn data_may_be_a_link_to_another_place() {
    let ground = Ground::new();
    ground.open().stop().unwrap();
    let elsewhere = ground.path().join("elsewhere");
    fs::rename(ground.data(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, ground.data()).unwrap();
    let cluster = ground.open();
    assert!(cluster.is_running());
    assert_eq!(query(cluster.socket_dir(), "select 'alive'").unwrap(), ["alive"]);
}
