//! The quiet life of a cluster: made, opened again, stopped.

use crate::ground::{Ground, runs, wait_until};
use crate::wire::query;
use mindflight_embedded_postgres::USER;
use rustix::process::{Pid, getpgid};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

#[test]
fn a_new_cluster_answers_and_is_still_there_the_next_time() {
    let ground = Ground::new();
    let cluster = ground.open();
    assert!(!cluster.adopted());
    assert!(cluster.version().major >= 15);
    query(cluster.socket_dir(), "create table t as select 'kept' as v").unwrap();
    let pid = cluster.postmaster_pid();
    cluster.stop().unwrap();
    assert!(!runs(pid));
    assert!(!ground.data().join("postmaster.pid").exists());

    let cluster = ground.open();
    assert_eq!(query(cluster.socket_dir(), "select v from t").unwrap(), ["kept"]);
}

#[test]
fn a_durable_cluster_keeps_the_safe_settings_and_the_callers_win() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.durable = true;
    options.settings = vec![("max_connections".to_owned(), "17".to_owned())];
    let cluster = mindflight_embedded_postgres::Cluster::open(&options).unwrap();
    let setting =
        |name: &str| query(cluster.socket_dir(), &format!("show {name}")).unwrap().remove(0);
    for (name, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("max_connections", "17"),
        ("server_encoding", "UTF8"),
    ] {
        assert_eq!(setting(name), value, "{name}");
    }
}

#[test]
fn the_server_does_not_get_our_secrets() {
    let ground = Ground::new();
    let mut options = ground.options();
    options.environment.push(("SLOP_JWT_SECRET".into(), "hush".into()));
    let cluster = mindflight_embedded_postgres::Cluster::open(&options).unwrap();
    let sql = "create table e (v text); copy e from program 'env'; select v from e order by v";
    let environment = query(cluster.socket_dir(), sql).unwrap();
    assert!(environment.iter().any(|line| line.starts_with("PATH=")), "{environment:?}");
    assert!(!environment.iter().any(|line| line.contains("hush")), "{environment:?}");
}

#[test]
fn words_of_all_languages_are_lowered_and_sorted_bytewise() {
    let ground = Ground::new();
    let cluster = ground.open();
    let ask = |sql| query(cluster.socket_dir(), sql).unwrap();
    assert_eq!(ask("select lower('Ü')"), ["ü"]);
    assert_eq!(ask("select 'Ärger' ilike 'ärg%'"), ["t"]);
    assert_eq!(
        ask("select v from (values ('b'), ('B'), ('a'), ('A')) as t(v) order by v"),
        ["A", "B", "a", "b"]
    );
}

#[test]
fn dropping_stops_the_server_too() {
    let ground = Ground::new();
    let cluster = ground.open();
    let pid = cluster.postmaster_pid();
    assert!(cluster.is_running());
    drop(cluster);
    assert!(!runs(pid));
    assert_eq!(ground.watchers(), Vec::<u32>::new());
}

#[test]
fn only_the_account_itself_can_enter_the_folders() {
    let ground = Ground::new();
    let cluster = ground.open();
    for folder in [ground.dir(), ground.data(), cluster.socket_dir().to_owned()] {
        let meta = std::fs::metadata(&folder).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, 0o700, "{}", folder.display());
        let owner = std::fs::metadata(ground.data()).unwrap().uid();
        assert_eq!(meta.uid(), owner, "{}", folder.display());
        assert_ne!(owner, 0);
    }
}

#[test]
fn the_url_names_user_socket_port_and_database() {
    let ground = Ground::new();
    let cluster = ground.open();
    let folder = cluster.socket_dir().display().to_string().replace('/', "%2F");
    assert_eq!(cluster.url("my app"), format!("postgres://{USER}@{folder}:5432/my%20app"));
    assert_eq!(cluster.user(), USER);
    assert_eq!(cluster.port(), 5432);
}

#[test]
fn the_server_is_not_in_our_process_group_so_that_ctrl_c_does_not_reach_it() {
    let ground = Ground::new();
    let cluster = ground.open();
    let server = Pid::from_raw(i32::try_from(cluster.postmaster_pid()).unwrap());
    assert_ne!(getpgid(server).unwrap(), getpgid(None).unwrap());
}

#[test]
fn the_end_of_the_input_of_a_holder_is_a_clean_stop() {
    let ground = Ground::new();
    let mut holder = ground.hold();
    let ready = holder.ready();
    holder.close();
    wait_until("the holder has ended", || !runs(ready.postmaster));
    assert!(holder.succeeded());
    assert!(!ground.data().join("postmaster.pid").exists());
}
