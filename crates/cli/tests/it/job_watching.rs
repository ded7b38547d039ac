//! `job watch`, `job logs -f` and `--wait`: what is shown while a job runs, and how it ends.

use mindflight_api::codes;
use mindflight_cli::{Exit, Terminals};
use serde_json::json;

use crate::canned::{Canned, ours, problem};
use crate::console::{Console, run_at};
use crate::jobs::{ID, job, job_with, lines, one};

fn watch(answers: Vec<String>, line: &str) -> crate::console::Ran {
    run_at(&Canned::start(answers).url, &format!("job watch {ID}{line}"))
}

#[test]
fn a_job_is_watched_until_it_has_ended() {
    let half = json!({"progress": {"done": 1.0, "total": 2.0, "message": "half\u{1b}[31m way"}});
    let due = job_with("queued", json!({"reason": "waits for a worker"}));
    let server = Canned::start(vec![
        one(&due),
        one(&due),
        one(&job_with("running", half)),
        one(&job("succeeded")),
    ]);
    let ran = run_at(&server.url, &format!("job watch {ID}"));
    let expected =
        format!("{ID} succeeded in 1 min 6 s\nresult: mindflight job show {ID} --result\n");
    assert_eq!((ran.exit, ran.out), (Exit::Done, expected));
    let progress =
        format!("{ID}  queued  waits for a worker\n{ID}  running  50 %  half\u{fffd}[31m way\n");
    assert_eq!(ran.err, progress);
    let (first, wait) = (format!("GET /api/jobs/{ID}"), format!("GET /api/jobs/{ID}?wait=10"));
    assert_eq!(lines(server), [first, wait.clone(), wait.clone(), wait]);
}

#[test]
fn on_a_terminal_the_line_is_rewritten_and_taken_away() {
    let server = Canned::start(vec![one(&job("running")), one(&job("succeeded"))]);
    let terminals = Terminals { err: true, ..Terminals::default() };
    let console = Console { terminals, ..Console::default() };
    let ran = console.run(&format!("job watch {ID} --url {}", server.url));
    assert_eq!(ran.err, format!("\r\u{1b}[2K{ID}  running  0 s\r\u{1b}[2K"));
    assert_eq!(lines(server)[1], format!("GET /api/jobs/{ID}?wait=1"));
}

#[test]
fn a_watched_job_that_fails_ends_with_1_and_is_shown() {
    let failed = one(&job_with("failed", json!({"reason": "out of attempts"})));
    let ran = watch(vec![failed.clone()], "");
    let expected = format!("{ID} failed: out of attempts\nwhy: mindflight job why {ID}\n");
    assert_eq!((ran.exit, ran.out), (Exit::No, expected));
    assert_eq!(watch(vec![one(&job("cancelled"))], "").exit, Exit::No);
    let ran = watch(vec![one(&job("running")), failed], " -o json");
    assert_eq!((ran.exit, ran.err.as_str()), (Exit::No, ""));
    assert_eq!(ran.json()["state"], "failed");
}

#[test]
fn a_job_that_does_not_end_in_time_ends_with_7_and_goes_on() {
    let later = one(&job_with("running", json!({"next_poll_ms": 60_000})));
    for line in [
        "job watch 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --timeout 1s",
        "job enqueue demo.sleep --wait=1s",
    ] {
        let server =
            Canned::start(vec![later.clone(); if line.contains("enqueue") { 3 } else { 2 }]);
        let ran = run_at(&server.url, &format!("{line} -o json"));
        let error = ran.json()["error"].clone();
        assert_eq!((ran.exit, &error["code"]), (Exit::TimedOut, &json!("timed_out")), "{line}");
        assert_eq!(error["detail"], format!("{ID} has not ended within 1 s"));
        assert_eq!(
            error["fix"],
            format!("The job goes on; watch it with `mindflight job watch {ID}`.")
        );
    }
}

#[test]
fn what_stops_the_watching_is_told_apart() {
    let ran = watch(vec![problem(&codes::NOT_FOUND, "no job")], "");
    assert_eq!(ran.exit, Exit::NotFound);
    assert!(!ran.err.contains("goes on"), "{ran:?}");
    let ran = watch(vec![problem(&codes::DATABASE_UNAVAILABLE, "the database is away")], "");
    assert_eq!(ran.exit, Exit::Unreachable);
    let ran = watch(vec![one(&job("running")), problem(&codes::INTERNAL, "no")], "");
    assert_eq!(ran.exit, Exit::No);
    assert!(ran.err.contains("The job goes on; watch it with"), "{ran:?}");
}

#[test]
fn a_server_that_restarts_does_not_end_the_watching() {
    let away = problem(&codes::SHUTTING_DOWN, "on the way down");
    let answers = vec![
        one(&job("running")),
        away,
        // The client itself asks three times.
        String::new(),
        String::new(),
        String::new(),
        one(&job("running")),
        one(&job("succeeded")),
    ];
    let ran = watch(answers, "");
    assert_eq!(ran.exit, Exit::Done);
    let (before, gone) =
        (format!("{ID}  running\n"), format!("{ID}  the server does not answer; trying again\n"));
    assert_eq!(ran.err, format!("{before}{gone}{before}"));
}

#[test]
fn what_was_made_is_watched_when_asked() {
    let made = ours("201 Created", &job("queued").to_string());
    for line in [
        "job enqueue demo.sleep --wait",
        "job enqueue demo.sleep --wait=30s",
        "schedule run 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --wait",
    ] {
        let server = Canned::start(vec![made.clone(), one(&job("succeeded"))]);
        let ran = run_at(&server.url, line);
        assert_eq!(ran.exit, Exit::Done, "{line}");
        assert!(ran.out.starts_with(&format!("{ID} succeeded in")), "{ran:?}");
        assert_eq!(lines(server)[1], format!("GET /api/jobs/{ID}"));
    }
}

fn log(lines: &[&str], next: Option<&str>) -> String {
    let line = |line: &&str| json!({"attempt": 1, "at": "2026-01-02T03:04:05.5Z", "line": line});
    one(&json!({"items": lines.iter().map(line).collect::<Vec<_>>(), "next": next}))
}

#[test]
fn logs_are_pages_like_other_lists() {
    let server = Canned::start(vec![log(&["a", "b\u{1b}[2J"], Some("2")), log(&["c"], None)]);
    let ran = run_at(&server.url, &format!("job logs {ID} --limit 2"));
    let expected = "AT                    TRY  LINE\n2026-01-02T03:04:05Z  1    a\n2026-01-02T03:04:05Z  1    b\u{fffd}[2J\n";
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, "more: --cursor 2\n"));
    let document = run_at(&server.url, &format!("job logs {ID} --cursor 2 -o json")).json();
    assert_eq!(document["items"][0]["line"], "c");
    let path = format!("GET /api/jobs/{ID}/logs");
    assert_eq!(lines(server), [format!("{path}?limit=2"), format!("{path}?after=2")]);
}

#[test]
fn followed_logs_show_each_line_once_whether_or_not_the_last_page_has_a_cursor() {
    let conversations = [
        (vec![log(&["a", "b"], Some("2")), log(&["c"], None)], vec![log(&["c", "d"], None)]),
        (
            vec![log(&["a", "b", "c"], Some("3")), log(&[], Some("3"))],
            vec![log(&["d"], Some("4")), log(&[], None)],
        ),
    ];
    for (before, after) in conversations {
        for (form, expected) in [
            (
                "table",
                "2026-01-02T03:04:05Z  1  a\n2026-01-02T03:04:05Z  1  b\n2026-01-02T03:04:05Z  1  c\n2026-01-02T03:04:05Z  1  d\n",
            ),
            ("name", "a\nb\nc\nd\n"),
        ] {
            let running = vec![one(&job("running"))];
            let answers =
                [running, before.clone(), vec![one(&job("succeeded"))], after.clone()].concat();
            let ran = run_at(&Canned::start(answers).url, &format!("job logs {ID} -f -o {form}"));
            assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (Exit::Done, expected, ""));
        }
    }
}

#[test]
fn followed_logs_as_json_are_one_document_and_as_jsonl_have_an_end() {
    let answers = || vec![one(&job("failed")), log(&["a", "b"], None)];
    let ran = run_at(&Canned::start(answers()).url, &format!("job logs {ID} -f -o json"));
    assert_eq!((ran.exit, &ran.json()["items"][1]["line"]), (Exit::Done, &json!("b")));
    let ran = run_at(&Canned::start(answers()).url, &format!("job logs {ID} -f -o jsonl"));
    let last = ran.out.lines().last();
    assert_eq!(
        (ran.out.lines().count(), last),
        (3, Some(r#"{"type":"end","reason":"complete","next":null}"#))
    );
}
