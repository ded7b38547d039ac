//! `read`, `list` and `stat` on files that want nothing bad.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Value, json};

use crate::world::World;

fn paths(page: &Value) -> Vec<&str> {
    let entries = page["entries"].as_array().expect("as it is listed");
    entries.iter().map(|entry| entry["path"].as_str().expect("as it is listed")).collect()
}

#[tokio::test]
async fn a_file_is_read_whole_with_its_size_and_version() {
    let world = World::new();
    let kit = world.kit().await;
    let reply = kit.call("read", json!({"path": "sub/deep.txt"})).await;
    let part = reply.output();
    assert_eq!(part["path"], "sub/deep.txt");
    assert_eq!((&part["content"], &part["encoding"]), (&json!("deep"), &json!("utf-8")));
    assert_eq!((&part["size"], &part["truncated"]), (&json!(4), &json!(false)));
    assert_eq!(part.get("next_offset"), None);
    let stat = kit.call("stat", json!({"path": "sub/deep.txt"})).await;
    assert_eq!(stat.output()["etag"], part["etag"]);
    assert_eq!(stat.output()["modified"], part["modified"]);
}

#[tokio::test]
async fn a_large_file_comes_in_parts_that_cut_no_character() {
    let world = World::new();
    let text = "\u{fc}\u{20ac}\u{1f600}x".repeat(500);
    world.write("large.txt", &text);
    let kit = world.kit_with(json!({"max_read_bytes": 1001})).await;
    let (mut offset, mut whole) = (0, String::new());
    loop {
        let reply = kit.call("read", json!({"path": "large.txt", "offset": offset})).await;
        let part = reply.output();
        assert_eq!(part["encoding"], "utf-8");
        whole.push_str(part["content"].as_str().unwrap());
        match part["next_offset"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!(whole, text);
}

#[tokio::test]
async fn lines_are_read_by_number() {
    let world = World::new();
    world.write("lines.txt", "one\ntwo\r\nthree\n\nfive");
    let kit = world.kit().await;
    let cases = [
        (json!({"from_line": 2, "lines": 2}), "two\r\nthree\n", 4, json!(4)),
        (json!({"lines": 1}), "one\n", 0, json!(2)),
        (json!({"from_line": 4}), "\nfive", 15, json!(null)),
        (json!({"from_line": 5, "lines": 9}), "five", 16, json!(null)),
        (json!({"from_line": 6}), "", 20, json!(null)),
    ];
    for (mut arguments, content, offset, next) in cases {
        arguments["path"] = json!("lines.txt");
        let reply = kit.call("read", arguments.clone()).await;
        let part = reply.output();
        assert_eq!(part["content"], content, "{arguments}");
        assert_eq!(part["offset"], offset, "{arguments}");
        assert_eq!(part["next_line"], next, "{arguments}");
        assert_eq!(part["truncated"], json!(!next.is_null()), "{arguments}");
    }
    let both = json!({"path": "lines.txt", "from_line": 1, "offset": 0});
    kit.call("read", both).await.assert_error().status(422).names_field("/offset");
}

#[tokio::test]
async fn bytes_that_are_no_text_come_in_base64() {
    let world = World::new();
    world.write("image.png", b"\x89PNG\r\n\x1a\n\0\0");
    let kit = world.kit().await;
    let reply = kit.call("read", json!({"path": "image.png"})).await;
    assert_eq!(reply.output()["encoding"], "base64");
    assert_eq!(reply.output()["content"], "iVBORw0KGgoAAA==");
    let text = kit.call("read", json!({"path": "image.png", "encoding": "utf-8"})).await;
    assert_eq!(text.output()["lossy"], true);
    assert!(text.output()["content"].as_str().unwrap().contains("PNG"));
}

#[tokio::test]
async fn no_content_makes_a_result_that_the_server_refuses() {
    let world = World::new();
    world.write("control", "\u{1}".repeat(1 << 20));
    world.write("binary", vec![0xff; 1 << 20]);
    world.write("lines", "\n".repeat(1 << 20));
    let kit = world.kit_with(json!({"max_read_bytes": 786_432})).await;
    for path in ["control", "binary", "lines"] {
        for arguments in [json!({"path": path}), json!({"path": path, "encoding": "utf-8"})] {
            let reply = kit.call("read", arguments).await;
            let length = reply.output().to_string().len();
            assert!(length < 1_000_000, "{path}: {length}");
            assert!(reply.output()["bytes"].as_u64().unwrap() > 100_000, "{path}");
            assert_eq!(reply.output()["next_offset"], reply.output()["bytes"], "{path}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_answered_with_names_like_it() {
    let world = World::new();
    let kit = world.kit().await;
    let reply = kit.call("read", json!({"path": "sub/deeep.txt"})).await;
    let error = reply.assert_error().code("not_found");
    assert_eq!(error.problem().fix.as_deref(), Some("Near it: `sub/deep.txt`."));
}

#[tokio::test]
async fn a_folder_is_listed_sorted_and_below_only_when_asked() {
    let world = World::new();
    let kit = world.kit().await;
    let list = kit.call("list_files", json!({})).await;
    let expected =
        ["...", "..hidden", "a b.txt", "notes.txt", "sub", "\u{fc}n\u{ef}.txt"].as_slice();
    assert_eq!(paths(list.output()), expected);
    let entries = list.output()["entries"].as_array().unwrap().clone();
    assert_eq!((&entries[3]["type"], &entries[3]["size"]), (&json!("file"), &json!(6)));
    assert_eq!((&entries[4]["type"], entries[4].get("size")), (&json!("folder"), None));
    let below = kit.call("list", json!({"path": "sub", "recursive": true})).await;
    assert_eq!(paths(below.output()), ["sub/deep.txt", "sub/inner"]);
    let file = kit.call("list", json!({"path": "notes.txt"})).await;
    file.assert_error().status(422).has_fix();
}

#[tokio::test]
async fn a_list_comes_in_pages_that_meet_everything_once() {
    let world = World::new();
    for n in 0..25 {
        world.write(&format!("many/{}/{n}.txt", n % 4), "");
    }
    let kit = world.kit().await;
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let mut arguments = json!({"path": "many", "recursive": true, "limit": 4});
        if let Some(cursor) = cursor {
            arguments["cursor"] = cursor;
        }
        let reply = kit.call("list", arguments).await;
        all.extend(paths(reply.output()).into_iter().map(str::to_owned));
        match reply.output().get("next") {
            Some(next) => cursor = Some(next.clone()),
            None => break,
        }
    }
    assert_eq!(all.len(), 29);
    let mut sorted = all.clone();
    sorted.sort_by_key(|path| path.split('/').map(str::to_owned).collect::<Vec<_>>());
    sorted.dedup();
    assert_eq!(all, sorted);
    let wrong = kit.call("list", json!({"cursor": "%%"})).await;
    wrong.assert_error().status(422).names_field("/cursor");
}

#[tokio::test]
async fn patterns_choose_by_name_or_by_path() {
    let world = World::new();
    for path in ["src/a.rs", "src/deep/b.rs", "src/c.md", "d.rs"] {
        world.write(path, "");
    }
    let kit = world.kit().await;
    let cases = [
        (json!({"glob": "*.rs"}), vec!["d.rs"]),
        (json!({"glob": "*.rs", "recursive": true}), vec!["d.rs", "src/a.rs", "src/deep/b.rs"]),
        (json!({"glob": "src/*.rs", "recursive": true}), vec!["src/a.rs"]),
        (
            json!({"glob": "**/*.{rs,md}", "path": "src"}),
            vec!["src/a.rs", "src/c.md", "src/deep/b.rs"],
        ),
    ];
    for (arguments, expected) in cases {
        let reply = kit.call("list", arguments.clone()).await;
        assert_eq!(paths(reply.output()), expected, "{arguments}");
    }
    let wrong = kit.call("list", json!({"glob": "[a"})).await;
    wrong.assert_error().status(422).names_field("/glob").has_fix();
}

#[tokio::test]
async fn a_name_that_is_no_utf_8_is_listed_with_a_flag_and_hides_nothing() {
    let world = World::new();
    world.write("odd/a", "");
    world.write("odd/z", "needle");
    std::fs::write(world.at("root/odd").join(OsStr::from_bytes(b"m\xff.txt")), "needle").unwrap();
    let kit = world.kit().await;
    let reply = kit.call("list", json!({"path": "odd"})).await;
    assert_eq!(paths(reply.output()), ["odd/a", "odd/m\u{fffd}.txt", "odd/z"]);
    assert_eq!(reply.output()["entries"][1]["unusable_name"], true);
    assert_eq!(reply.output()["entries"][0].get("unusable_name"), None);
    // A page may end at it.
    let first = kit.call("list", json!({"path": "odd", "limit": 2})).await;
    let rest = kit.call("list", json!({"path": "odd", "cursor": first.output()["next"]})).await;
    assert_eq!(paths(rest.output()), ["odd/z"]);
    let found = kit.call("search", json!({"path": "odd", "query": "needle"})).await;
    assert_eq!((&found.output()["files"], &found.output()["skipped"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn stat_says_what_a_path_is_and_where_a_link_leads() {
    let world = World::new();
    world.link("good", "notes.txt");
    world.link("folder", "sub");
    world.link("bad", "../outside/secret.txt");
    let kit = world.kit().await;
    let cases = [
        ("notes.txt", "file", json!(null)),
        ("sub", "folder", json!(null)),
        ("sub/", "folder", json!(null)),
        (".", "folder", json!(null)),
        ("good", "link", json!("file")),
        ("folder", "link", json!("folder")),
        ("folder/", "folder", json!(null)),
        ("bad", "link", json!("nowhere")),
    ];
    for (path, kind, leads_to) in cases {
        let reply = kit.call("stat", json!({"path": path})).await;
        assert_eq!(reply.output()["type"], kind, "{path}");
        assert_eq!(reply.output()["leads_to"], leads_to, "{path}");
    }
    assert!(
        !kit.call("stat", json!({"path": "bad"})).await.output().to_string().contains("secret")
    );
}
