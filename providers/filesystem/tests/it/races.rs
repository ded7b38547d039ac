//! Somebody else exchanges a folder or a file for a link while calls run.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

use crate::world::{SECRET, World, status};

const CALLS: usize = 500;

/// Exchanges two names over and over, until it is dropped.
struct Exchange {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    fn of(one: PathBuf, other: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE)
                    .expect("the test's own world");
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))), "the exchanging thread failed");
    }
}

/// Calls `tool` while `root/{name}` and `root/link` are exchanged; nothing may come from outside, or get there.
async fn calls_while_exchanged(world: &World, name: &str, tool: &str, arguments: Value) {
    let kit = world.kit().await;
    let before = world.outside();
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    {
        let _exchange = Exchange::of(world.at("root").join(name), world.at("root/link"));
        for _ in 0..CALLS {
            let reply = kit.call(tool, arguments.clone()).await;
            assert!(!format!("{reply:?}").contains(SECRET), "{reply:?}");
            assert!(status(&reply) < 500, "{reply:?}");
            *statuses.entry(status(&reply)).or_default() += 1;
        }
    }
    assert_eq!(world.outside(), before);
    let refused = statuses.iter().filter(|(status, _)| **status != 200).map(|(_, n)| n);
    // The race was on, or this test shows nothing.
    assert!(refused.sum::<usize>() > 0 || tool == "search" || tool == "list", "{statuses:?}");
}

fn world() -> World {
    let world = World::new();
    world.write("swap/secret.txt", "harmless");
    world.link("link", "../outside");
    world
}

#[tokio::test]
async fn a_folder_that_becomes_a_link_is_not_read_through() {
    calls_while_exchanged(&world(), "swap", "read", json!({"path": "swap/secret.txt"})).await;
}

#[tokio::test]
async fn a_folder_that_becomes_a_link_is_not_listed_or_searched_through() {
    let world = world();
    std::fs::write(world.at("outside/only-outside-SECRET-7f3a"), "").expect("the test's own world");
    calls_while_exchanged(&world, "swap", "list", json!({"recursive": true})).await;
    calls_while_exchanged(&world, "swap", "search", json!({"query": "7f3a"})).await;
}

#[tokio::test]
async fn a_folder_that_becomes_a_link_is_not_written_through() {
    let arguments = json!({"path": "swap/new/file.txt", "content": "x", "create_dirs": true});
    calls_while_exchanged(&world(), "swap", "write", arguments).await;
    let arguments = json!({"path": "swap/secret.txt", "content": "x", "mode": "append"});
    calls_while_exchanged(&world(), "swap", "write", arguments).await;
}

#[tokio::test]
async fn a_file_that_becomes_a_link_is_neither_read_nor_written_through() {
    let world = World::new();
    world.write("swap", "harmless");
    world.link("link", "../outside/secret.txt");
    calls_while_exchanged(&world, "swap", "read", json!({"path": "swap"})).await;
    let arguments = json!({"path": "swap", "content": "x", "mode": "append"});
    calls_while_exchanged(&world, "swap", "write", arguments).await;
}
