//! The forms of output: one document as JSON, data apart from hints, colours only for people.

use std::ffi::OsString;
use std::io::{self, Write};

use mindflight_cli::{Environment, Exit, Streams, Terminals, execute};
use serde_json::json;

use crate::canned::{Canned, ours};
use crate::console::{Console, Recorder, run, run_at};

const TWO: &str = r#"{"items":[
    {"name":"demo","provider":"demo","state":"on","reason":null,"tools":["demo_add","demo_greet"],"routes":[],"jobs":[],"subscriptions":[],"health":null},
    {"name":"mail","provider":"mail","state":"off","reason":"`token` is missing","tools":[],"routes":[],"jobs":[],"subscriptions":[],"health":null}
    ],"next":null}"#;

fn providers(line: &str) -> crate::console::Ran {
    run_at(&Canned::start(vec![ours("200 OK", TWO)]).url, line)
}

#[test]
fn a_list_has_four_forms() {
    let table = "\
NAME  STATE  TOOLS  ROUTES  JOBS  REASON
demo  on     2      0       0     -
mail  off    0      0       0     `token` is missing
";
    assert_eq!(providers("provider list").out, table);
    assert_eq!(providers("provider list -o name").out, "demo\nmail\n");
    let json = providers("provider list -o json").json();
    assert_eq!(json["items"][1]["reason"], "`token` is missing");
    let lines = providers("provider list --output=jsonl").out;
    assert_eq!(lines.lines().count(), 3);
    assert_eq!(lines.lines().last(), Some(r#"{"type":"end","reason":"complete","next":null}"#));
}

#[test]
fn fields_narrow_every_form() {
    let table = "NAME  STATE\ndemo  on\nmail  off\n";
    assert_eq!(providers("provider list --fields name,state").out, table);
    let expected = json!({"items": [{"name": "demo"}, {"name": "mail"}], "next": null});
    assert_eq!(providers("provider list --fields name -ojson").json(), expected);
    assert_eq!(providers("provider list --fields state -o name").out, "on\noff\n");
    let wrong = providers("provider list --fields nam");
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.err.contains("no member `nam`; there are health, jobs, name"), "{wrong:?}");
}

#[test]
fn an_empty_list_is_a_document_too() {
    let empty = || Canned::start(vec![ours("200 OK", r#"{"items":[],"next":null}"#)]).url;
    let ran = run_at(&empty(), "tool list -o json");
    assert_eq!(ran.json(), json!({"items": [], "next": null}));
    let ran = run_at(&empty(), "tool list");
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.exit), ("", "none\n", Exit::Done));
    assert_eq!(run("config check -o json").json(), json!({"items": [], "next": null}));
}

#[test]
fn a_cut_list_says_how_to_go_on_without_spoiling_the_data() {
    let page = r#"{"items":[],"next":"c1"}"#;
    let server = Canned::start(vec![ours("200 OK", page)]);
    let ran = run_at(&server.url, "key list --limit 1 --cursor c0");
    assert!(ran.err.contains("more: --cursor c1"), "{ran:?}");
    assert!(server.requests()[0].starts_with("GET /api/keys?limit=1&cursor=c0 "));
}

#[test]
fn wrong_use_is_one_document_in_the_asked_form() {
    for line in [
        "-o json",
        "tool lst -o json",
        "-ojson tol",
        "--output=json tool list --no",
        "tool call -o=json x y",
    ] {
        let ran = run(line);
        let error = ran.json()["error"].clone();
        assert_eq!(ran.exit, Exit::Usage, "{line}");
        assert_eq!(error["code"], "invalid_usage", "{line}: {ran:?}");
        assert!(serde_json::from_value::<mindflight_api::Problem>(error).is_ok(), "{line}");
        assert_eq!(ran.err, "", "{line}");
    }
    let error = run("tool lst -o json").json()["error"].clone();
    assert_eq!(error["detail"], "unrecognized subcommand 'lst'");
    assert_eq!(error["fix"], "Did you mean `list`?");
    let lines = run("tool lst -o jsonl").out;
    assert!(lines.starts_with(r#"{"type":"end","reason":"error","error":{"#), "{lines}");
    assert_eq!(lines.lines().count(), 1);
}

#[test]
fn a_failure_of_the_binary_is_shown_in_both_forms() {
    let people = run("dev");
    let expected =
        "error: 127.0.0.1:8080 is taken (failed)\n  by process 7\n  fix: Give --listen.\n";
    assert_eq!((people.exit, people.err.as_str()), (Exit::No, expected));
    let machine = run("dev -o json");
    assert_eq!(machine.json()["error"]["detail"], "127.0.0.1:8080 is taken");
    assert_eq!(machine.json()["error"]["lines"], json!(["by process 7"]));
    assert_eq!((machine.exit, machine.err.as_str()), (Exit::No, ""));
}

#[test]
fn a_bare_value_stands_alone() {
    let line = "key create --name n --scopes admin";
    let ran = run(line);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("mf_a_b_c\n", ""));
    assert_eq!(run(&format!("{line} -o json")).json(), json!({"key": "mf_a_b_c"}));
    let ran = run("migrate");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("2 applied\n", "took 3 ms\n"));
    assert_eq!(run("migrate -o json").err, "");
}

#[test]
fn colours_are_for_people_who_want_them() {
    let env =
        |no_color, force_color| Environment { no_color, force_color, ..Environment::default() };
    let terminals = |out| Terminals { out, err: out, input: false };
    for (environment, terminal, flag, colored) in [
        (env(false, false), false, "", false),
        (env(false, false), true, "", true),
        (env(true, false), true, "", false),
        (env(false, true), false, "", true),
        (env(true, true), true, "", false),
        (env(true, false), false, " --color always", true),
        (env(false, true), true, " --color=never", false),
    ] {
        let console =
            Console { env: environment, terminals: terminals(terminal), ..Console::default() };
        for line in ["help exit-codes", "dev", "tool lst"] {
            let ran = console.run(&format!("{line}{flag}"));
            let text = ran.out.clone() + &ran.err;
            assert_eq!(text.contains('\u{1b}'), colored, "{line}{flag}: {ran:?}");
        }
    }
}

/// A pipe whose reader has gone, as after `| head -1`.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_reader_who_has_enough_is_no_failure() {
    for (line, exit) in [("version", Exit::Done), ("--help", Exit::Done), ("dev -o json", Exit::No)]
    {
        let mut err = Vec::new();
        let mut streams = Streams {
            out: &mut Closed,
            err: &mut err,
            input: &mut io::empty(),
            terminals: Terminals::default(),
        };
        let local = Recorder { data_dir: "/nowhere".into(), asked: Default::default() };
        let args = ["mindflight"].into_iter().chain(line.split(' ')).map(OsString::from);
        assert_eq!(execute(args, &Environment::default(), &mut streams, &local), exit, "{line}");
        assert!(err.is_empty(), "{line}");
    }
}
