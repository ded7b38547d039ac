//! Paths that want out, or want to hang the server, and the harmless ones that look like them.

use std::os::unix::net::UnixListener;

use mindflight_testkit::Kit;
use provider_filesystem::Filesystem;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use crate::world::{SECRET, World, status};

/// Paths with the status of `read`. `{root}` is the allowed folder, `{outside}` the one beside it.
const PATHS: &[(&str, u16)] = &[
    // Harmless.
    ("notes.txt", 200),
    ("./notes.txt", 200),
    (".//notes.txt", 200),
    ("sub//deep.txt", 200),
    ("sub/./deep.txt", 200),
    ("..hidden", 200),
    (".../x.txt", 200),
    ("a b.txt", 200),
    ("\u{fc}n\u{ef}.txt", 200),
    ("{root}/notes.txt", 200),
    ("/{root}//./notes.txt", 200),
    ("to_file", 200),
    ("to_folder/deep.txt", 200),
    ("chain_in", 200),
    ("to_here/to_here/notes.txt", 200),
    ("up_and_back", 200),
    // `..`, wherever it stands.
    ("..", 403),
    ("../", 403),
    ("../outside/secret.txt", 403),
    ("../root/notes.txt", 403),
    ("./../outside/secret.txt", 403),
    (".//..//outside/secret.txt", 403),
    ("sub/..", 403),
    ("sub/../notes.txt", 403),
    ("sub/../../outside/secret.txt", 403),
    ("sub/inner/../../../outside/secret.txt", 403),
    ("sub/./.././../outside/secret.txt", 403),
    ("notes.txt/..", 403),
    ("notes.txt/../../outside/secret.txt", 403),
    ("missing/../../outside/secret.txt", 403),
    ("to_folder/../../outside/secret.txt", 403),
    ("to_outside/../outside/secret.txt", 403),
    ("{root}/../outside/secret.txt", 403),
    ("{root}/sub/../../outside/secret.txt", 403),
    ("/../../../../etc/passwd", 403),
    // Absolute.
    ("/", 403),
    ("///", 403),
    ("/etc/passwd", 403),
    ("//etc/passwd", 403),
    ("/./etc/passwd", 403),
    ("{outside}", 403),
    ("{outside}/secret.txt", 403),
    ("{root}-twin/secret.txt", 403),
    ("{root}x", 403),
    ("/proc/self/root/etc/passwd", 403),
    ("/proc/self/environ", 403),
    ("/proc/self/cwd/Cargo.toml", 403),
    ("/dev/zero", 403),
    ("/dev/stdin", 403),
    // Names that other programs would read as something else.
    ("~", 404),
    ("~/notes.txt", 404),
    ("~root/notes.txt", 404),
    ("$HOME/notes.txt", 404),
    ("%2e%2e/outside/secret.txt", 404),
    ("..%2foutside%2fsecret.txt", 404),
    ("%2Fetc%2Fpasswd", 404),
    ("%252e%252e/outside/secret.txt", 404),
    ("..\\outside\\secret.txt", 404),
    ("..;/outside/secret.txt", 404),
    ("....//outside/secret.txt", 404),
    (" ../outside/secret.txt", 404),
    (".. /outside/secret.txt", 404),
    ("..\u{200b}/outside/secret.txt", 404),
    ("\u{2024}\u{2024}/outside/secret.txt", 404),
    ("\u{ff0e}\u{ff0e}/outside/secret.txt", 404),
    ("..\u{2215}outside\u{2215}secret.txt", 404),
    ("file:///etc/passwd", 404),
    ("C:\\Windows\\win.ini", 404),
    ("\\\\server\\secret.txt", 404),
    ("u\u{308}ni\u{308}.txt", 404),
    ("notes.txt\n", 404),
    ("missing.txt", 404),
    ("sub/missing/x", 404),
    ("notes.txt/x", 404),
    // Links.
    ("to_outside", 403),
    ("to_outside/secret.txt", 403),
    ("to_outside/sub/secret.txt", 403),
    ("to_outside_absolute/secret.txt", 403),
    ("to_secret", 403),
    ("to_secret_absolute", 403),
    ("to_inside_absolute", 403),
    ("to_passwd", 403),
    ("to_root", 403),
    ("to_root/etc/passwd", 403),
    ("to_proc/etc/passwd", 403),
    ("through_sub/secret.txt", 403),
    ("chain_out", 403),
    ("chain_out_absolute/secret.txt", 403),
    ("sub/up_two/outside/secret.txt", 403),
    ("dangling_outside", 403),
    ("dangling", 404),
    ("circle", 404),
    ("self", 404),
    ("self/notes.txt", 404),
    // What is no file.
    ("pipe", 403),
    ("pipe/", 403),
    ("to_pipe", 403),
    ("socket", 403),
    ("", 422),
    (".", 422),
    ("./", 422),
    ("sub", 422),
    ("sub/", 422),
    ("sub/.", 422),
    ("to_folder", 422),
    ("to_here", 422),
    ("{root}", 422),
    ("notes.txt/", 422),
    ("notes.txt/.", 422),
    ("\0", 422),
    ("notes.txt\0", 422),
    ("notes.txt\0.png", 422),
    ("sub/\0/../notes.txt", 422),
];

fn world() -> World {
    let world = World::new();
    let links = [
        ("to_file", "notes.txt"),
        ("to_folder", "sub"),
        ("to_here", "."),
        ("up_and_back", "sub/../notes.txt"),
        ("chain_in", "chain_in_2"),
        ("chain_in_2", "to_folder/../to_file"),
        ("to_outside", "../outside"),
        ("to_secret", "../outside/secret.txt"),
        ("to_passwd", "/etc/passwd"),
        ("to_root", "/"),
        ("to_proc", "/proc/self/root"),
        ("through_sub", "sub/../../outside"),
        ("chain_out", "chain_out_2"),
        ("chain_out_2", "sub/../chain_out_3"),
        ("chain_out_3", "../outside/secret.txt"),
        ("chain_out_absolute", "to_outside_absolute"),
        ("sub/up_two", "../.."),
        ("dangling", "nowhere"),
        ("dangling_outside", "../outside/new.txt"),
        ("circle", "circle_2"),
        ("circle_2", "circle"),
        ("self", "self"),
        ("to_pipe", "pipe"),
    ];
    for (name, target) in links {
        world.link(name, target);
    }
    world.link("to_outside_absolute", world.at("outside"));
    world.link("to_secret_absolute", world.at("outside/secret.txt"));
    world.link("to_inside_absolute", world.at("root/notes.txt"));
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, world.at("root/pipe"), FileType::Fifo, mode, 0).expect("a pipe");
    drop(UnixListener::bind(world.at("root/socket")).expect("a socket"));
    world
}

fn filled(world: &World, path: &str) -> String {
    path.replace("{root}", &world.absolute("root")).replace("{outside}", &world.absolute("outside"))
}

#[tokio::test]
async fn each_path_is_read_or_refused_as_the_table_says() {
    let world = world();
    let kit = world.kit().await;
    assert!(PATHS.len() >= 60, "{}", PATHS.len());
    for (path, expected) in PATHS {
        let reply = kit.call("read", json!({"path": filled(&world, path)})).await;
        assert_eq!(status(&reply), *expected, "{path:?}: {reply:?}");
        assert!(!format!("{reply:?}").contains(SECRET), "{path:?}: {reply:?}");
    }
}

#[tokio::test]
async fn no_tool_gets_out_by_any_of_the_paths() {
    let world = world();
    let kit = world.kit().await;
    let before = world.outside();
    for (path, read) in PATHS {
        let path = filled(&world, path);
        let calls = [
            ("stat", json!({"path": path})),
            ("list", json!({"path": path, "recursive": true})),
            ("search", json!({"path": path, "query": &SECRET[..6]})),
            ("write", json!({"path": path, "content": "x", "mode": "append"})),
            ("write", json!({"path": path, "content": "x", "mode": "create", "create_dirs": true})),
            ("write", json!({"path": format!("{path}/x"), "content": "x", "create_dirs": true})),
            ("write", json!({"path": path, "content": "x"})),
        ];
        for (tool, arguments) in calls {
            let reply = kit.call(tool, arguments).await;
            assert!(!format!("{:?}", reply.error()).contains(SECRET), "{tool} {path:?}: {reply:?}");
            if reply.error().is_none() {
                let text = reply.output().to_string();
                assert!(!text.contains(SECRET), "{tool} {path:?}: {text}");
            }
            assert!(status(&reply) < 500, "{tool} {path:?} ({read}): {reply:?}");
        }
    }
    assert_eq!(world.outside(), before);
}

#[tokio::test]
async fn a_recursive_list_and_a_search_follow_no_link() {
    let world = world();
    let kit = world.kit().await;
    let list = kit.call("list", json!({"recursive": true, "limit": 1000})).await;
    let text = list.output().to_string();
    assert!(!text.contains("secret.txt"), "{text}");
    assert!(text.contains(r#"{"path":"to_outside","type":"link""#), "{text}");
    let found = kit.call("search", json!({"query": "SECRET"})).await;
    assert_eq!(found.output()["matches"], json!([]));
}

#[tokio::test]
async fn names_and_paths_that_are_too_long_are_refused() {
    let world = world();
    let kit = world.kit().await;
    let name = "n".repeat(256);
    refused(&kit, &name, "at most 255").await;
    refused(&kit, &format!("sub/{}", "\u{fc}".repeat(128)), "at most 255").await;
    refused(&kit, &"d/".repeat(2048), "at most 4095").await;
    let long = "d/".repeat(2000) + "x";
    let reply = kit.call("write", json!({"path": long, "content": "", "create_dirs": true})).await;
    assert!([200, 422].contains(&status(&reply)), "{reply:?}");
}

async fn refused(kit: &Kit<Filesystem>, path: &str, says: &str) {
    for tool in ["read", "stat", "list"] {
        let reply = kit.call(tool, json!({"path": path})).await;
        reply.assert_error().status(422).names_field("/path").detail_contains(says);
    }
}

#[tokio::test]
async fn a_refusal_names_the_path_as_it_was_sent_and_what_is_allowed() {
    let world = world();
    let kit = world.kit().await;
    for path in ["../outside/secret.txt", "/etc/passwd", "to_secret"] {
        let reply = kit.call("read", json!({"path": path})).await;
        let error = reply.assert_error().code("not_allowed").status(403).has_fix();
        error.detail_contains(path).detail_contains(&world.absolute("root"));
    }
}

#[tokio::test]
async fn nothing_is_written_through_a_link_and_none_is_replaced() {
    let world = world();
    let kit = world.kit().await;
    let before = world.outside();
    for name in ["to_secret", "to_secret_absolute", "dangling_outside", "to_file", "dangling"] {
        for mode in ["overwrite", "create", "append"] {
            let arguments = json!({"path": name, "content": "x", "mode": mode});
            let reply = kit.call("write", arguments).await;
            reply.assert_error().status(403).detail_contains("symbolic link");
            assert!(world.at("root").join(name).is_symlink(), "{name}");
        }
    }
    assert_eq!(world.read("notes.txt"), "inside");
    assert_eq!(world.outside(), before);
}

/// Another name of a file is that file: whoever may make hard links in the folder decides what is in it.
#[tokio::test]
async fn a_hard_link_is_a_file_of_the_folder() {
    let world = World::new();
    std::fs::hard_link(world.at("outside/secret.txt"), world.at("root/hard")).unwrap();
    let kit = world.kit().await;
    let read = kit.call("read", json!({"path": "hard"})).await;
    assert_eq!(read.output()["content"], SECRET);
    // Replacing gives the name to another file, so what is outside stays.
    assert_eq!(status(&kit.call("write", json!({"path": "hard", "content": "new"})).await), 200);
    assert_eq!(std::fs::read_to_string(world.at("outside/secret.txt")).unwrap(), SECRET);
}
