//! `event emit`, `list`, `show`, `tail`: what is asked and what is said.

use mindflight_api::codes;
use mindflight_cli::Exit;
use serde_json::{Value, json};

use crate::calls::body;
use crate::canned::{Canned, answer, ours, problem};
use crate::console::{Console, Ran, run_at};
use crate::jobs::{lines, one};

fn event(position: u64) -> Value {
    json!({"specversion": "1.0", "id": format!("e{position}"), "source": "api", "type": "order.paid",
        "time": "2026-01-02T03:04:05.500Z", "sequence": position.to_string(), "depth": 0, "key": "k\u{1b}[2J",
        "data": {"n": position}})
}

fn stream(messages: &str) -> String {
    let headers = "Api-Version: 1\r\nContent-Type: text/event-stream\r\n";
    answer("200 OK", headers, &format!(":\n\n{messages}"))
}

fn message(position: u64) -> String {
    format!("id: e1-{position}\ndata: {}\n\n", event(position))
}

fn published(members: &Value) -> String {
    ours("202 Accepted", &members.to_string())
}

#[test]
fn an_event_is_published_with_data_from_the_line_a_file_or_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.json");
    std::fs::write(&file, "[1]").unwrap();
    let console = Console { input: "\"pipe\"".to_owned(), ..Console::default() };
    for (words, expected) in [
        (vec![r#"{"z":1,"a":2}"#.to_owned()], json!({"type": "a.b", "data": {"z": 1, "a": 2}})),
        (vec!["-1".to_owned()], json!({"type": "a.b", "data": -1})),
        (vec![format!("@{}", file.display())], json!({"type": "a.b", "data": [1]})),
        (vec!["-".to_owned()], json!({"type": "a.b", "data": "pipe"})),
        (
            ["--key", "k", "--id", "i"].map(str::to_owned).to_vec(),
            json!({"type": "a.b", "data": null, "key": "k", "id": "i"}),
        ),
    ] {
        let server = Canned::start(vec![published(&json!({"id": "i"}))]);
        let mut line = vec!["event", "emit", "a.b", "--url", &server.url];
        line.extend(words.iter().map(String::as_str));
        let ran = console.run_words(&line);
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "i\n"), "{ran:?}");
        assert_eq!(ran.err, "published; show it with `mindflight event show i`\n");
        let request = server.requests().remove(0);
        assert!(request.starts_with("POST /api/events HTTP"), "{request}");
        assert_eq!(body(&request), expected);
    }
}

#[test]
fn a_position_is_waited_for_and_its_absence_told_apart_from_a_refusal() {
    let server = Canned::start(vec![published(&json!({"id": "i", "position": 7}))]);
    let ran = run_at(&server.url, "event emit a.b --wait -o json");
    assert_eq!((ran.exit, ran.json()), (Exit::Done, json!({"id": "i", "position": 7})));
    assert_eq!(lines(server), ["POST /api/events?wait=10"]);
    let server = Canned::start(vec![published(&json!({"id": "i"}))]);
    let ran = run_at(&server.url, "event emit a.b --wait=2s");
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::TimedOut, ""));
    assert!(ran.err.contains("i is published, but has no position after 2 s"), "{ran:?}");
    assert_eq!(lines(server), ["POST /api/events?wait=2"]);
    let server = Canned::start(vec![problem(&codes::CONFLICT, "the id is taken")]);
    assert_eq!(run_at(&server.url, "event emit a.b --id i").exit, Exit::Conflict);
}

#[test]
fn events_are_listed_newest_first_or_after_a_place() {
    let list = json!({"items": [event(3), event(2)], "next": "c1", "head": "e1-3"});
    let gone = json!({"items": [], "next": null, "head": "e1-9",
        "reset": {"reason": "retention", "oldest": "e1-5", "head": "e1-9"}});
    let server = Canned::start(vec![one(&list), one(&gone)]);
    let ran = run_at(&server.url, "events list --type order.* --type a.b --source api --limit 2");
    let expected = "\
POSITION  TIME                  TYPE        SOURCE  KEY    ID  DATA
3         2026-01-02T03:04:05Z  order.paid  api     k\u{fffd}[2J  e3  {\"n\":3}
2         2026-01-02T03:04:05Z  order.paid  api     k\u{fffd}[2J  e2  {\"n\":2}
";
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, expected));
    assert_eq!(ran.err, "more: --cursor c1\n");
    let line = "event list --after e1-2 -o json";
    let document = run_at(&server.url, line).json();
    assert_eq!((&document["head"], &document["reset"]["oldest"]), (&json!("e1-9"), &json!("e1-5")));
    let query = "type=order.*%2Ca.b&source=api&limit=2";
    let asked = [format!("GET /api/events?{query}"), "GET /api/events?after=e1-2".to_owned()];
    assert_eq!(lines(server), asked);
    let ran = run_at(&Canned::start(vec![one(&gone)]).url, "event list --after 2");
    let words =
        "events were missed: those up to e1-5 are no longer kept; it goes on with the oldest";
    assert_eq!(ran.err, format!("{words}\nnone\n"));
}

#[test]
fn an_event_is_shown_by_id_position_or_place() {
    let server = Canned::start(vec![one(&event(42)); 3]);
    let ran = run_at(&server.url, "event show paid-7");
    assert_eq!(ran.exit, Exit::Done);
    let expected = "42  order.paid  from api\nid e42\npublished 2026-01-02T03:04:05Z\nkey k\u{fffd}[2J\n\
        data {\n  \"n\": 42\n}\n";
    assert_eq!(ran.out, expected);
    assert_eq!(run_at(&server.url, "event show 42 -o json").json(), event(42));
    assert_eq!(run_at(&server.url, "event show e1-42 -o name").out, "e42\n");
    let paths = ["paid-7", "42", "e1-42"].map(|which| format!("GET /api/events/{which}"));
    assert_eq!(lines(server), paths);
    let server = Canned::start(vec![problem(&codes::NOT_FOUND, "no event")]);
    assert_eq!(run_at(&server.url, "event show 7").exit, Exit::NotFound);
}

fn tail(answers: Vec<String>, line: &str) -> (Ran, Vec<String>) {
    let server = Canned::start(answers);
    let ran = run_at(&server.url, &format!("event tail {line}"));
    (ran, lines(server))
}

#[test]
fn a_tail_shows_each_event_once_and_goes_on_over_lost_connections() {
    let two = stream(&(message(2) + &message(3)));
    let restarting = problem(&codes::SHUTTING_DOWN, "on the way down");
    let answers = || vec![two.clone(), restarting.clone(), stream(&message(4))];
    let line =
        |n| format!("2026-01-02T03:04:05Z  {n}  order.paid  api  [k\u{fffd}[2J]  {{\"n\":{n}}}\n");
    let (ran, asked) = tail(answers(), "--type order.* --after e1-1 --count 3");
    assert_eq!((ran.exit, ran.out), (Exit::Done, [2, 3, 4].map(line).concat()));
    assert_eq!(ran.err, "the server does not answer; trying again\n");
    let stream = "GET /api/events/stream?type=order.*";
    assert_eq!(asked, [&format!("{stream}&after=e1-1"), stream, stream]);
    let envelopes = [2, 3, 4].map(|n| format!("{}\n", event(n))).concat();
    let end = "{\"type\":\"end\",\"reason\":\"complete\",\"next\":\"e1-4\"}\n";
    for (form, expected) in [
        ("json", envelopes.clone()),
        ("jsonl", envelopes + end),
        ("name", "e1-2\ne1-3\ne1-4\n".to_owned()),
    ] {
        let (ran, _) = tail(answers(), &format!("--after e1-1 --count 3 -o {form}"));
        assert_eq!((ran.exit, ran.out), (Exit::Done, expected));
    }
}

#[test]
fn a_reset_is_told_in_words_whatever_the_form() {
    let reset = |reason: &str| {
        format!(
            "event: reset\ndata: {{\"reason\":\"{reason}\",\"oldest\":\"e2-4\",\"head\":\"e2-9\"}}\n\n"
        )
    };
    for (reason, words) in [
        ("retention", "events were missed: those up to e2-4 are no longer kept"),
        ("epoch", "the log has another history now, as after a restore; it goes on after e2-9"),
    ] {
        for form in ["table", "json"] {
            let answers = vec![stream(&(reset(reason) + &message(10)))];
            let (ran, _) = tail(answers, &format!("--after e1-1 --count 1 -o {form}"));
            assert_eq!(ran.exit, Exit::Done);
            assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
            assert!(ran.err.contains(words), "{ran:?}");
        }
    }
}

#[test]
fn a_tail_that_ends_too_soon_says_why_and_where_to_go_on() {
    let (ran, _) = tail(
        vec![stream(&message(2)), problem(&codes::FORBIDDEN, "needs events:read")],
        "--after e1-1",
    );
    assert_eq!(ran.exit, Exit::NotAllowed);
    assert_eq!(run_at("http://127.0.0.1:1", "event tail").exit, Exit::Unreachable);
    let list = one(&json!({"items": [], "next": null, "head": "e1-9"}));
    let server = Canned::start(vec![list, stream(&message(10))]);
    let ran = run_at(&server.url, "event tail --timeout 1s -o json");
    let (first, rest) = ran.out.split_once('\n').unwrap();
    assert_eq!(first, event(10).to_string());
    let error: Value = serde_json::from_str(rest).unwrap();
    assert_eq!((ran.exit, &error["error"]["code"]), (Exit::TimedOut, &json!("timed_out")));
    let fix = "Go on where it ended with `mindflight event tail --after e1-10`.";
    assert_eq!(error["error"]["fix"], fix);
    assert_eq!(lines(server)[1], "GET /api/events/stream?after=e1-9");
}
