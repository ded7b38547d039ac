//! Every way in which a process may be taken away, and what the next start makes of it.

use crate::ground::{Ground, Ready, is_root, kill, processes, runs, wait_until};
use crate::wire::query;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn leave_a_mark(socket_dir: &Path) {
    query(socket_dir, "create table mark as select 'kept' as v").unwrap();
}

#[track_caller]
fn assert_mark(socket_dir: &Path) {
    assert_eq!(query(socket_dir, "select v from mark").unwrap(), ["kept"]);
}

/// A server that nobody looks after: its process and its watcher were both killed.
fn orphan(ground: &Ground) -> Ready {
    let holder = ground.hold();
    let ready = holder.ready();
    leave_a_mark(&ready.socket_dir);
    let watchers = ground.watchers();
    assert!(!watchers.is_empty());
    watchers.into_iter().for_each(kill);
    holder.kill();
    assert!(runs(ready.postmaster), "nothing was left that could have stopped it");
    ready
}

#[test]
fn killing_our_process_stops_the_server_and_keeps_the_data() {
    let ground = Ground::new();
    let holder = ground.hold();
    let ready = holder.ready();
    leave_a_mark(&ready.socket_dir);
    holder.kill();
    wait_until("the server is gone", || !runs(ready.postmaster));
    wait_until("its watcher is gone", || ground.watchers().is_empty());
    let cluster = ground.open();
    assert!(!cluster.adopted());
    assert_mark(cluster.socket_dir());
}

#[test]
fn a_start_right_after_a_kill_does_not_take_over_the_dying_server() {
    let ground = Ground::new();
    for _ in 0..5 {
        let holder = ground.hold();
        let ready = holder.ready();
        holder.kill();
        let cluster = ground.open();
        assert_ne!(cluster.postmaster_pid(), ready.postmaster);
        assert_eq!(query(cluster.socket_dir(), "select 'alive'").unwrap(), ["alive"]);
    }
}

#[test]
fn an_orphan_is_adopted_and_stopped_by_its_new_owner() {
    let ground = Ground::new();
    let ready = orphan(&ground);
    let cluster = ground.open();
    assert!(cluster.adopted());
    assert_eq!(cluster.postmaster_pid(), ready.postmaster);
    assert_mark(cluster.socket_dir());
    cluster.stop().unwrap();
    assert!(!runs(ready.postmaster));
    wait_until("the new watcher is gone", || ground.watchers().is_empty());
    assert_mark(ground.open().socket_dir());
}

#[test]
fn an_adopted_server_dies_with_its_new_owner() {
    let ground = Ground::new();
    let ready = orphan(&ground);
    let holder = ground.hold();
    let adopted = holder.ready();
    assert!(adopted.adopted);
    assert_eq!(adopted.postmaster, ready.postmaster);
    holder.kill();
    wait_until("the server is gone", || !runs(ready.postmaster));
    assert_mark(ground.open().socket_dir());
}

#[test]
fn a_killed_postmaster_is_followed_by_one_that_recovers() {
    let ground = Ground::new();
    let cluster = ground.open();
    leave_a_mark(cluster.socket_dir());
    kill(cluster.postmaster_pid());
    wait_until("it is seen", || !cluster.is_running());
    cluster.stop().unwrap();
    let cluster = ground.open();
    assert!(!cluster.adopted());
    assert_mark(cluster.socket_dir());
}

#[test]
fn everything_may_be_killed_at_once() {
    let ground = Ground::new();
    let holder = ground.hold();
    let ready = holder.ready();
    leave_a_mark(&ready.socket_dir);
    ground.watchers().into_iter().for_each(kill);
    kill(ready.postmaster);
    holder.kill();
    assert_mark(ground.open().socket_dir());
}

#[test]
fn killing_our_process_while_it_makes_the_cluster_leaves_nothing_half_made() {
    let ground = Ground::new();
    let holder = ground.hold();
    wait_until("the making has begun", || !ground.unfinished().is_empty());
    holder.kill();
    assert!(!ground.data().exists());
    let cluster = ground.open();
    leave_a_mark(cluster.socket_dir());
    cluster.stop().unwrap();
    let rest = format!("{}/data.init-", ground.dir().display());
    wait_until("the orphaned initdb has ended", || {
        processes(|line| line.contains(&rest)).is_empty()
    });
    let cluster = ground.open();
    assert_mark(cluster.socket_dir());
}

#[test]
fn rests_of_an_unfinished_cluster_are_removed_by_the_next_making() {
    let ground = Ground::new();
    let rest = ground.dir().join("data.init-1-1");
    fs::create_dir_all(rest.join("base/1")).unwrap();
    fs::write(ground.dir().join("server.lock"), "").unwrap();
    fs::write(rest.join("PG_VERSION"), "15\n").unwrap();
    let cluster = ground.open();
    assert_eq!(query(cluster.socket_dir(), "select 'alive'").unwrap(), ["alive"]);
    assert_eq!(ground.unfinished(), Vec::<String>::new());
}

#[test]
fn a_pid_file_that_names_a_stranger_does_not_stop_the_start() {
    let ground = Ground::new();
    let cluster = ground.open();
    leave_a_mark(cluster.socket_dir());
    cluster.stop().unwrap();
    let mut stranger = stranger(&ground);
    let socket = ground.dir().join("s");
    let (data, pid) = (ground.data(), stranger.id());
    let (data_text, socket_text) = (data.display(), socket.display());
    let common = format!("{pid}\n{data_text}\n1760000000\n5432\n{socket_text}\n");
    let pid_file = format!("{common}\n  5432001  123\nready   \n");
    fs::write(data.join("postmaster.pid"), pid_file).unwrap();
    fs::write(socket.join(".s.PGSQL.5432.lock"), common).unwrap();

    let cluster = ground.open();
    assert!(!cluster.adopted());
    assert_ne!(cluster.postmaster_pid(), pid);
    assert_mark(cluster.socket_dir());
    cluster.stop().unwrap();
    assert!(runs(pid), "it has nothing to do with us");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// A process of the account that the server runs as, so that the server may see it.
fn stranger(ground: &Ground) -> Child {
    let mut command = Command::new("cat");
    if is_root() {
        let owner = fs::metadata(ground.data()).unwrap();
        command.uid(owner.uid()).gid(owner.gid());
    }
    command.stdin(Stdio::piped()).current_dir("/").spawn().unwrap()
}
