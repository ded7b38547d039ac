//! The README works as it stands: every command in it is run, and every answer in it is the real one.

use std::process::Stdio;

use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::rig::{BINARY, start};
use crate::shown::{ADDRESS, Shown, blocks, section, shown};
use crate::start::open_folder;

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md"));
const ECHO: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/echo/src/lib.rs"));
const XTASK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/src/main.rs"));

/// What needs two servers, and a terminal each.
const TWO: &str = "## Two instances\n";

/// What a person sees who types a line while this server runs.
async fn typed(line: &str, server: &Instance) -> String {
    let line = line.replace(ADDRESS, server.url());
    let line = match line.strip_prefix("mindflight ") {
        Some(rest) => format!("'{BINARY}' {rest} 2>&1"),
        // Not a terminal: curl would show its progress.
        None => line.replacen("curl ", "curl --silent --show-error ", 1),
    };
    let mut shell = Command::new("sh");
    let output =
        shell.arg("-c").arg(&line).env("MINDFLIGHT_URL", server.url()).output().await.unwrap();
    assert!(output.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_is_typed_is_answered_as_it_is_shown() {
    let db = TestDb::new().await;
    let folder = open_folder();
    let server = start(Launch::dev(BINARY, db.url(), &folder.path().display().to_string())).await;
    let shown: Vec<Shown<'_>> =
        [README.split_once(TWO).unwrap().0, section(README, "## Work on it\n")]
            .into_iter()
            .flat_map(shown)
            .collect();
    let starting = |word: &str| shown.iter().filter(|one| one.command.starts_with(word)).count();
    assert_eq!((starting("curl "), starting("mindflight ")), (8, 1));
    assert_eq!(shown.len(), 9, "a command that this test does not know");
    for one in &shown {
        assert!(!one.answer.is_empty(), "no answer is shown below `{}`", one.command);
        one.is(&typed(one.command, &server).await);
    }
}

#[tokio::test]
async fn production_is_set_up_as_it_is_shown() {
    let db = TestDb::new().await;
    let section = README.split("## In production").nth(1).unwrap();
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let is_url = |line: &&str| line.starts_with("export DATABASE_URL=");
    let url = block.lines().find(is_url).unwrap();
    let script = block
        .replace(url, &format!("export DATABASE_URL='{}'", db.url()))
        .replace("\nmindflight ", &format!("\n'{BINARY}' "));
    let (before, serve) = script.trim_end().rsplit_once('\n').unwrap();
    assert!(serve.ends_with("' serve"), "the block ends with `mindflight serve`: {script}");
    let key = Launch::new("sh", &["-e", "-c", before]).stdout().await.unwrap();
    assert!(key.starts_with("mf_"), "{key}");
    // On a free port: the one of the README may be taken here.
    let all = format!("{before}\nexec {serve} --listen 127.0.0.1:0");
    let server = start(Launch::new("sh", &["-e", "-c", &all])).await.with_key(&key);
    assert_eq!(
        server.tool("echo_say", json!({"text": "hello"})).await.ok(),
        json!({"text": "hello"})
    );
}

/// A command that goes on: what it shows comes when the next one is typed.
#[tokio::test]
async fn what_is_published_on_one_instance_is_seen_on_the_other_as_it_is_shown() {
    let db = TestDb::new().await;
    let [started, composed] = blocks(section(README, TWO), "sh")[..] else { panic!("two blocks") };
    let (make, started) = started.split_once('\n').unwrap();
    let make = make.replace("$(mindflight ", &format!("$('{BINARY}' "));
    let make = Launch::new("sh", &["-e", "-c", &format!("{make}\nprintf %s \"$KEY\"")]);
    let key = make.env("DATABASE_URL", db.url()).stdout().await.unwrap();
    assert!(key.starts_with("mf_"), "{key}");
    let ports: Vec<&str> = started
        .lines()
        .map(|line| line.strip_prefix("mindflight serve --listen ").unwrap())
        .map(|rest| rest.strip_suffix(" &").unwrap())
        .collect();
    let [one, two] = ports[..] else { panic!("two instances: {started}") };
    let (first, second) = tokio::join!(
        start(Launch::serve(BINARY, db.url())),
        start(Launch::serve(BINARY, db.url()))
    );
    let typed = |line: &str| {
        let line = line.replace(&format!("http://{one}"), first.url());
        let line = line.replace(&format!("http://{two}"), second.url());
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line.replacen("curl ", "exec curl --silent --show-error ", 1));
        shell.env("KEY", &key).stdout(Stdio::piped()).kill_on_drop(true);
        shell.spawn().unwrap()
    };
    let [follow, publish] = &shown(section(README, TWO))[..] else { panic!("two commands") };
    let mut follower = typed(follow.command);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // It says at once that it has begun.
    assert!(lines.next_line().await.unwrap().unwrap().starts_with(':'));
    let published = typed(publish.command).wait_with_output().await.unwrap();
    publish.is(&String::from_utf8(published.stdout).unwrap());
    let mut seen = Vec::new();
    while seen.len() < follow.answer.len() {
        let line = lines.next_line().await.unwrap().unwrap();
        seen.extend(Some(line).filter(|line| !line.is_empty() && !line.starts_with(':')));
    }
    follow.is(&seen.join("\n"));
    follower.kill().await.unwrap();
    assert!(composed.trim_end().ends_with("docker compose up --build --detach --wait"));
}

#[test]
fn the_provider_shown_is_the_one_that_runs() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let [code] = blocks(README, "rust")[..] else { panic!("one block of code") };
    assert!(words(ECHO).contains(&words(code)), "providers/echo/src/lib.rs is another");
}

#[test]
fn the_commands_of_developers_exist() {
    let mut commands: Vec<&str> = README
        .split("cargo xtask ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .collect();
    commands.sort_unstable();
    assert_eq!(commands, ["dev", "test"]);
    for variant in ["    Dev(", "    Test("] {
        assert!(XTASK.contains(variant), "{variant}");
    }
}
