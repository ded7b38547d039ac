//! `write`: whole or not at all, and only what the caller knows.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::world::{World, status};

#[tokio::test]
async fn a_file_is_made_replaced_and_added_to() {
    let world = World::new();
    let kit = world.kit().await;
    let made = kit.call("write", json!({"path": "new.txt", "content": "one"})).await;
    assert_eq!((&made.output()["created"], &made.output()["size"]), (&json!(true), &json!(3)));
    let replaced = kit.call("write", json!({"path": "new.txt", "content": "zwei"})).await;
    assert_eq!(replaced.output()["created"], false);
    assert_eq!(world.read("new.txt"), "zwei");
    let added =
        json!({"path": "new.txt", "content": "IQ==", "encoding": "base64", "mode": "append"});
    assert_eq!(kit.call("write", added).await.output()["size"], 5);
    assert_eq!(world.read("new.txt"), "zwei!");
    let begun = json!({"path": "log.txt", "content": "a", "mode": "append"});
    assert_eq!(kit.call("write", begun).await.output()["created"], true);
    let path = json!({"path": world.absolute("root/sub/abs.txt"), "content": "a"});
    assert_eq!(kit.call("write", path).await.output()["path"], "sub/abs.txt");
    assert_eq!(world.read("sub/abs.txt"), "a");
}

#[tokio::test]
async fn create_never_replaces() {
    let world = World::new();
    let kit = world.kit().await;
    let arguments = json!({"path": "new.txt", "content": "one", "mode": "create"});
    assert_eq!(kit.call("write", arguments.clone()).await.output()["created"], true);
    let again = kit.call("write", arguments).await;
    again.assert_error().code("conflict").has_fix();
    assert_eq!(world.read("new.txt"), "one");
}

#[tokio::test]
async fn folders_are_made_only_when_asked() {
    let world = World::new();
    let kit = world.kit().await;
    let without = kit.call("write", json!({"path": "x/y/z.txt", "content": ""})).await;
    without.assert_error().status(404).detail_contains("the folder of `x/y/z.txt`").has_fix();
    assert!(!world.at("root/x").exists());
    let with = json!({"path": "x/y/z.txt", "content": "z", "create_dirs": true});
    assert_eq!(status(&kit.call("write", with).await), 200);
    assert_eq!(world.read("x/y/z.txt"), "z");
}

#[tokio::test]
async fn a_file_that_changed_is_not_replaced() {
    let world = World::new();
    let kit = world.kit().await;
    let read = kit.call("read", json!({"path": "notes.txt"})).await;
    let etag = &read.output()["etag"];
    let change = |etag| json!({"path": "notes.txt", "content": "mine", "if_unmodified": etag});
    let first = kit.call("write", change(etag)).await;
    assert_eq!(world.read("notes.txt"), "mine");
    kit.call("write", change(etag)).await.assert_error().code("conflict").has_fix();
    assert_eq!(status(&kit.call("write", change(&first.output()["etag"])).await), 200);
    let gone = json!({"path": "gone.txt", "content": "", "if_unmodified": etag});
    kit.call("write", gone).await.assert_error().code("conflict");
}

#[tokio::test]
async fn a_replaced_file_keeps_its_permissions_and_nothing_else_is_left() {
    let world = World::new();
    let kit = world.kit().await;
    let path = world.at("root/notes.txt");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(world.at("root"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = names();
    for mode in ["overwrite", "append", "create"] {
        kit.call("write", json!({"path": "notes.txt", "content": "x", "mode": mode})).await;
    }
    kit.call("write", json!({"path": "sub", "content": "x"})).await.assert_error().status(422);
    assert_eq!(names(), before);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn what_is_too_large_or_no_base64_is_refused() {
    let world = World::new();
    let kit = world.kit_with(json!({"max_write_bytes": 8})).await;
    let large = kit.call("write", json!({"path": "a", "content": "123456789"})).await;
    large.assert_error().status(413).detail_contains("at most 8").has_fix();
    let wrong = json!({"path": "a", "content": "not base64", "encoding": "base64"});
    kit.call("write", wrong).await.assert_error().status(422).names_field("/content");
    assert!(!world.at("root/a").exists());
}

/// The names that files have while they are written belong to the server.
#[tokio::test]
async fn unfinished_files_are_not_listed_and_cannot_be_written() {
    let world = World::new();
    let name = ".mindflight-write-1-1";
    world.write(name, "left by a server that died");
    let kit = world.kit().await;
    let list = kit.call("list", json!({})).await;
    assert!(!list.output().to_string().contains(name));
    let write = kit.call("write", json!({"path": name, "content": ""})).await;
    write.assert_error().status(403);
}
