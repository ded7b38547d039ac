//! The command line of the real binary, against a real server and a real database.

use std::io;
use std::process::{Output, Stdio};

use mindflight_store::Settings;
use mindflight_store::admin::{Admin, url_of_database};
use mindflight_testapp::{Launch, TestDb};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::rig::{BINARY, Rig, command};

const SECRET: &str = "a-secret-for-tests-only-0123456789abcdef";

/// How a command ended.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What it printed, after checking that it worked.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// The one document that it printed.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {:?}, {}", self.out, self.err))
    }
}

async fn run(launch: Launch) -> Ran {
    Ran::of(&launch.output().await.unwrap())
}

/// A server, and commands that know it.
struct Desk {
    rig: Rig,
    key: String,
}

impl Desk {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let key = rig.key("admin").await;
        Self { rig, key }
    }

    fn launch(&self, arguments: &[&str]) -> Launch {
        let launch = command(arguments).env("MINDFLIGHT_URL", self.rig.server.url());
        launch.env("MINDFLIGHT_KEY", &self.key).env("DATABASE_URL", self.rig.db.url())
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.launch(arguments)).await
    }
}

#[tokio::test]
async fn tools_are_listed_shown_and_called() {
    let desk = Desk::new().await;
    let list = desk.run(&["tool", "list"]).await.done();
    assert!(list.starts_with("NAME") && list.contains("demo_add"), "{list}");
    let names = desk.run(&["tools", "list", "--provider", "echo", "-o", "name"]).await.done();
    assert_eq!(names, "echo_say\n");
    let shape =
        desk.run(&["tool", "list", "--provider", "echo", "--format", "openai"]).await.json();
    assert_eq!(shape["items"][0]["function"]["name"], "echo_say");
    let shown = desk.run(&["tool", "show", "demo_add"]).await.done();
    assert!(
        shown.contains("demo_add") && shown.contains("integer") || shown.contains("number"),
        "{shown}"
    );
    let sum = desk.run(&["tool", "call", "demo_add", "a=2", "b=3", "-o", "json"]).await.json();
    assert_eq!(sum, json!({"sum": 5}));
    // Words are typed by the schema: this is no number here.
    let said = desk.run(&["tool", "call", "echo_say", "text=5", "-o", "json"]).await.json();
    assert_eq!(said, json!({"text": "5"}));
    let sum = desk.run(&["tool", "call", "demo_add", "--json", r#"{"a":1,"b":1}"#]).await.done();
    assert!(sum.contains("\"sum\": 2"), "{sum}");
}

#[tokio::test]
async fn a_mistyped_name_is_answered_with_the_near_ones() {
    let desk = Desk::new().await;
    for arguments in [&["tool", "call", "demo_ad", "a=1"] as &[_], &["tool", "show", "demo_ad"]] {
        let ran = desk.run(arguments).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{}", ran.err);
        assert!(ran.err.contains("demo_ad") && ran.err.contains("demo_add"), "{}", ran.err);
    }
    let missing = desk.run(&["provider", "disable", "ehco"]).await;
    assert_eq!(missing.code, Some(3), "{}", missing.err);
    assert!(missing.err.contains("echo"), "{}", missing.err);
    let command = desk.run(&["tol", "list"]).await;
    assert_eq!(command.code, Some(2), "{}", command.err);
    assert!(command.err.contains("tool"), "{}", command.err);
}

#[tokio::test]
async fn providers_are_switched_off_and_on() {
    let desk = Desk::new().await;
    let list = desk.run(&["provider", "list"]).await.done();
    let echo = |list: &str| {
        list.lines().find(|line| line.starts_with("echo ")).map(str::to_owned).unwrap()
    };
    assert!(list.starts_with("NAME") && echo(&list).contains(" on "), "{list}");
    assert_eq!(desk.run(&["provider", "disable", "echo"]).await.done(), "echo is off\n");
    let list = desk.run(&["provider", "list"]).await.done();
    assert!(echo(&list).contains("an operator disabled it"), "{list}");
    assert_eq!(desk.run(&["tool", "call", "echo_say", "text=x"]).await.code, Some(3));
    assert_eq!(desk.run(&["provider", "enable", "echo"]).await.done(), "echo is on\n");
    desk.run(&["tool", "call", "echo_say", "text=x"]).await.done();
}

#[tokio::test]
async fn keys_and_users_are_made_in_the_database_and_printed_alone() {
    let desk = Desk::new().await;
    let made = desk
        .run(&[
            "key",
            "create",
            "--name",
            "ci",
            "--scopes",
            "tools:call,memory",
            "--expires",
            "30d",
        ])
        .await;
    assert_eq!(made.err, "");
    let key = made.done();
    assert!(key.starts_with("mf_") && key.ends_with('\n') && key.lines().count() == 1, "{key}");
    let me = desk.rig.server.call("GET", "/api/me").key(key.trim()).send().await.ok();
    assert_eq!(me["scopes"], json!(["tools:call", "memory"]), "{me}");
    let list = desk.run(&["key", "list"]).await.done();
    assert!(list.contains(" ci ") && !list.contains(key.trim()), "{list}");
    let items = desk.run(&["key", "list", "-o", "json"]).await.json();
    let ci = items["items"].as_array().unwrap().iter().find(|item| item["name"] == "ci").unwrap();
    desk.run(&["key", "revoke", ci["id"].as_str().unwrap()]).await.done();
    let nobody = async || {
        (desk.rig.server.call("GET", "/api/me").key(key.trim()).send().await.status == 401)
            .then_some(())
    };
    crate::rig::eventually(nobody).await;

    let create = || {
        let launch = desk.launch(&["user", "create", "--username", "ana", "--role", "operator"]);
        run(launch.env("MINDFLIGHT_PASSWORD", "correct horse battery"))
    };
    let id = create().await.done();
    assert_eq!((id.trim().len(), id.lines().count()), (36, 1), "{id}");
    let login = json!({"username": "ana", "password": "correct horse battery"});
    let login = desk.rig.server.call("POST", "/api/login").json(&login).send().await.ok();
    assert_eq!(login["token_type"], "Bearer", "{login}");
    let again = create().await;
    assert_eq!(again.code, Some(5), "{}", again.err);
    assert!(again.err.contains("ana"), "{}", again.err);
    let users = desk.run(&["user", "list"]).await.done();
    assert!(users.contains(id.trim()) && users.contains(" ana "), "{users}");
}

#[tokio::test]
async fn a_database_is_migrated_once() {
    let db = TestDb::new().await;
    let name = format!("{}_empty", db.name());
    let url = url_of_database(db.url(), &name);
    let mut admin = Admin::connect(&Settings::new(db.url())).await.unwrap();
    admin.create_database(&name, None).await.unwrap();
    let migrate = || run(command(&["migrate", "-o", "json"]).env("DATABASE_URL", &url));
    let first = migrate().await.json();
    assert!(!first["applied"].as_array().unwrap().is_empty(), "{first}");
    assert_eq!(migrate().await.json(), json!({"applied": []}));
    let third = run(command(&["migrate"]).env("DATABASE_URL", &url)).await.done();
    assert_eq!(third, "the schema is up to date\n");
    admin.drop_database(&name).await.unwrap();
}

/// `config …` with a whole configuration of secrets.
fn config(arguments: &[&str]) -> Launch {
    command(&[&["config"], arguments].concat())
        .env("DATABASE_URL", "postgres://somebody:hunter2@host/mindflight")
        .env("SLOP_JWT_SECRET", SECRET)
        .env("MINDFLIGHT_METRICS__TOKEN", "scrape-me-please-0123456789")
        .env("MINDFLIGHT_SERVER__GRACE", "7s")
}

#[tokio::test]
async fn the_configuration_is_checked_and_shown_without_its_secrets() {
    assert_eq!(run(config(&["check"])).await.done(), "the configuration is good\n");
    for arguments in [&["show"] as &[_], &["show", "--origin"], &["show", "-o", "json"]] {
        let shown = run(config(arguments)).await.done();
        for secret in ["hunter2", SECRET, "scrape-me-please"] {
            assert!(!shown.contains(secret), "{arguments:?}: {shown}");
        }
        assert!(
            shown.contains("7s") && shown.contains("host/mindflight"),
            "{arguments:?}: {shown}"
        );
    }
    let origin = run(config(&["show", "--origin", "--set", "server.grace=9s"])).await.done();
    let line = |key: &str| {
        origin.lines().find(|line| line.trim_start().starts_with(key)).unwrap_or_default()
    };
    assert!(
        line("grace:").contains("9s") && line("grace:").contains("--set server.grace"),
        "{origin}"
    );
    assert!(line("url:").contains("DATABASE_URL"), "{origin}");
    assert!(line("max_url:").contains("default"), "{origin}");
    let schema = run(command(&["config", "schema"])).await.json();
    assert!(schema["properties"]["server"].is_object(), "{schema}");
    let wrong =
        run(config(&["check", "--set", "server.gracee=1s", "--set", "calls.threads=0"])).await;
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(9), ""));
    assert!(
        wrong.err.contains("`server.grace`?") && wrong.err.contains("calls.threads"),
        "{}",
        wrong.err
    );
}

#[tokio::test]
async fn the_version_is_printed_in_every_form() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(command(&["version"])).await.done(), format!("mindflight {version}\n"));
    let value = run(command(&["version", "-o", "json"])).await.json();
    assert_eq!((&value["name"], &value["version"]), (&json!("mindflight"), &json!(version)));
    assert_eq!(run(command(&["--version"])).await.done(), format!("mindflight {version}\n"));
}

#[tokio::test]
async fn with_json_there_is_exactly_one_document_whatever_happens() {
    let desk = Desk::new().await;
    let empty = desk.run(&["tool", "list", "-o", "json", "--query", "zzzzzz"]).await;
    assert_eq!((empty.code, empty.json()), (Some(0), json!({"items": [], "next": null})));
    for (arguments, code, name) in [
        (
            &["tool", "call", "demo_fail", "code=demo.no_ink", "message=empty"] as &[_],
            1,
            "demo.no_ink",
        ),
        (&["tool", "call", "demo_add", "a=1"], 1, "invalid_arguments"),
        (&["tool", "list", "--flag"], 2, "invalid_usage"),
        (&["tol"], 2, "invalid_usage"),
        (&[], 2, "invalid_usage"),
        (&["tool", "show", "demo_ad"], 3, "tool_not_found"),
        (&["tool", "list", "--url", "http://127.0.0.1:1"], 6, "unreachable"),
        (&["config", "check"], 9, "invalid_file"),
    ] {
        let ran = desk.run(&[arguments, &["-o", "json"]].concat()).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(ran.json()["error"]["code"], name, "{arguments:?}");
    }
    let lines = desk.run(&["tool", "list", "-o", "jsonl"]).await.done();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["reason"], "complete");
}

#[tokio::test]
async fn exit_codes_tell_what_happened() {
    let desk = Desk::new().await;
    let codes = [
        (&["tool", "call", "demo_add", "a=1", "b=2"] as &[_], 0),
        (&["tool", "call", "demo_panic"], 1),
        (&["tool", "call", "demo_add", "nonsense"], 2),
        (&["key", "create", "--name", "n", "--scopes", "everything"], 2),
        (&["key", "revoke", "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"], 3),
        (&["tool", "call", "demo_sleep", "ms=60000", "--timeout", "1s"], 7),
        (&["config", "check", "--set", "server.listen=here"], 9),
    ];
    for (arguments, code) in codes {
        let ran = desk.run(arguments).await;
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(code == 0 || ran.err.starts_with("error: "), "{arguments:?}: {}", ran.err);
    }
    let nobody = run(desk.launch(&["tool", "list"]).without("MINDFLIGHT_KEY")).await;
    assert_eq!(nobody.code, Some(4), "{}", nobody.err);
    assert!(
        nobody.err.contains("MINDFLIGHT_KEY") || nobody.err.contains("Authorization"),
        "{}",
        nobody.err
    );
    let narrow = desk.rig.key("tools:call").await;
    let refused =
        run(desk.launch(&["provider", "disable", "echo"]).env("MINDFLIGHT_KEY", &narrow)).await;
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    assert!(refused.err.contains("`admin`"), "{}", refused.err);
    let away = desk.run(&["tool", "list", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(away.code, Some(6), "{}", away.err);
    assert!(away.err.contains("127.0.0.1:1") && away.err.contains("--url"), "{}", away.err);
}

/// A command whose reader has gone before it writes.
async fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(BINARY);
    command.args(arguments).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let output = command.output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_reader_that_has_enough_is_no_failure() {
    for arguments in
        [&["config", "schema"] as &[_], &["version"], &["help", "exit-codes"], &["--help"]]
    {
        assert_eq!(unread(arguments).await, (Some(0), String::new()), "{arguments:?}");
    }
    let line = format!("'{BINARY}' config schema | head -1");
    let output = Command::new("sh").arg("-c").arg(line).output().await.unwrap();
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (b"{\n".as_slice(), b"".as_slice())
    );
}

#[tokio::test]
async fn what_is_piped_has_no_colours_unless_asked_for() {
    let desk = Desk::new().await;
    for arguments in [
        &["tool", "list"] as &[_],
        &["tool", "show", "demo_ad"],
        &["--help"],
        &["tool", "list", "--flag"],
    ] {
        let plain = desk.run(arguments).await;
        assert!(!(plain.out + &plain.err).contains('\u{1b}'), "{arguments:?}");
        let bright = desk.run(&[arguments, &["--color", "always"]].concat()).await;
        assert!((bright.out + &bright.err).contains('\u{1b}'), "{arguments:?}");
    }
}

/// The words of every command, groups included.
fn commands(command: &clap::Command, before: &[String], found: &mut Vec<Vec<String>>) {
    for sub in command.get_subcommands() {
        let words = [before, &[sub.get_name().to_owned()]].concat();
        commands(sub, &words, found);
        found.push(words);
    }
}

#[tokio::test]
async fn every_command_has_help() {
    let mut found = Vec::new();
    commands(&mindflight_cli::command(), &[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    for words in found {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = run(command(&[&["help"], words.as_slice()].concat())).await.done();
        assert!(
            help.contains(&format!("Usage: mindflight {}", words.join(" "))),
            "{words:?}: {help}"
        );
        assert_eq!(
            run(command(&[words.as_slice(), &["--help"]].concat())).await.done(),
            help,
            "{words:?}"
        );
    }
    let codes = run(command(&["help", "exit-codes"])).await.done();
    assert!(codes.contains("130") && codes.contains("wrong use"), "{codes}");
}
