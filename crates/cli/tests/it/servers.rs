//! Which server is asked, with which key, and what is said when it is none.

use mindflight_cli::{Environment, Exit};

use crate::canned::{Canned, answer, ours};
use crate::console::{Console, run_at};

const EMPTY: &str = r#"{"items":[],"next":null}"#;

/// Nothing listens there, and no other test can be given this port meanwhile.
const CLOSED: &str = "http://127.0.0.1:1";

#[test]
fn the_data_folder_says_where_the_server_is() {
    let server = Canned::start(vec![ours("200 OK", EMPTY), ours("200 OK", EMPTY)]);
    let folder = tempfile::tempdir().unwrap();
    let text = format!(r#"{{"url":"{}","pid":7}}"#, server.url);
    std::fs::write(folder.path().join("server.json"), text).unwrap();
    let console = Console { data_dir: folder.path().into(), ..Console::default() };
    assert_eq!(console.run("tool list").exit, Exit::Done);
    let line = format!("tool list --data-dir {}", folder.path().display());
    assert_eq!(Console::default().run(&line).exit, Exit::Done);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_flag_goes_before_the_data_folder() {
    let server = Canned::start(vec![ours("200 OK", EMPTY)]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.json"), "no json").unwrap();
    let console = Console { data_dir: folder.path().into(), ..Console::default() };
    assert_eq!(console.run(&format!("--url {} tool list", server.url)).exit, Exit::Done);
    let ran = console.run("tool list");
    assert_eq!(ran.exit, Exit::No);
    assert!(ran.err.contains("server.json does not say where the server is"), "{ran:?}");
}

#[test]
fn a_server_that_is_away_is_named_with_the_reason_for_the_address() {
    let url = CLOSED;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.json"), format!(r#"{{"url":"{url}"}}"#)).unwrap();
    let console = Console { data_dir: folder.path().into(), ..Console::default() };
    let ran = console.run("tool list");
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(
        ran.err.starts_with(&format!("error: no server answers at {url} (unreachable)\n")),
        "{ran:?}"
    );
    assert!(ran.err.contains("server.json, written by the server"), "{ran:?}");
    assert!(ran.err.contains("mindflight dev"), "{ran:?}");
    let machine = console.run("tool list -o json");
    assert_eq!(machine.json()["error"]["code"], "unreachable");
    assert_eq!(machine.err, "");
}

#[test]
fn another_program_on_the_port_is_told_from_a_server() {
    let page = answer("200 OK", "Content-Type: text/html\r\n", "<p>hello");
    let ran = run_at(&Canned::start(vec![page]).url, "tool list");
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(ran.err.contains("is not answered by mindflight"), "{ran:?}");
    let other = ours("200 OK", r#"{"items":[{"name":1}],"next":null}"#);
    let ran = run_at(&Canned::start(vec![other]).url, "tool list -o json");
    assert_eq!(ran.json()["error"]["code"], "unexpected_answer");
}

#[test]
fn the_key_comes_from_a_file_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "mf_file\n").unwrap();
    let env = Environment { key: Some("mf_env".to_owned()), ..Environment::default() };
    let console = Console { env, ..Console::default() };
    let server = Canned::start(vec![ours("200 OK", EMPTY), ours("200 OK", EMPTY)]);
    console.run(&format!("tool list --url {}", server.url));
    console.run(&format!("tool list --url {} --key-file {}", server.url, file.display()));
    let requests = server.requests();
    assert!(requests[0].contains("authorization: Bearer mf_env"), "{}", requests[0]);
    assert!(requests[1].contains("authorization: Bearer mf_file"), "{}", requests[1]);
    std::fs::write(&file, "\n").unwrap();
    let ran = console.run(&format!("tool list --key-file {}", file.display()));
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.err.contains("is empty"), "{ran:?}");
}
