//! `job list`, `show`, `why`, `stats`, `enqueue`: what is asked and what is said.

use mindflight_api::codes;
use mindflight_cli::{Environment, Exit};
use serde_json::{Value, json};

use crate::calls::body;
use crate::canned::{Canned, ours, problem};
use crate::console::{Console, run_at};

pub(crate) const ID: &str = "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11";

/// A job in this state.
pub(crate) fn job(state: &str) -> Value {
    let ended = ["succeeded", "failed", "cancelled"].contains(&state);
    let at = "2026-01-02T03:04:05Z";
    json!({
        "id": ID, "kind": "demo.sleep", "provider": "demo", "queue": "mail", "state": state, "reason": null,
        "priority": 5, "attempt": 1, "max_attempts": 10, "args": {"ms": 1}, "result": null, "error": null,
        "progress": null, "attempts": [], "tags": [], "long_running": false, "created_at": at, "run_at": at,
        "started_at": at, "finished_at": ended.then_some("2026-01-02T03:05:11Z"),
        "next_poll_ms": (!ended).then_some(0),
        "actions": if ended { json!(["retry", "delete"]) } else { json!(["cancel"]) },
    })
}

/// The same with other members.
pub(crate) fn job_with(state: &str, members: Value) -> Value {
    let mut job = job(state);
    for (name, value) in members.as_object().expect("members") {
        job[name] = value.clone();
    }
    job
}

/// An answer that is this value.
pub(crate) fn one(value: &Value) -> String {
    ours("200 OK", &value.to_string())
}

/// The first line of each request, without the version.
pub(crate) fn lines(server: Canned) -> Vec<String> {
    let first = |request: &String| {
        request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()
    };
    server.requests().iter().map(first).collect()
}

fn list() -> Value {
    let failed = json!({"attempt": 10, "reason": "401 from upstream. Token expired."});
    json!({
        "counts": {"failed": 10000, "queued": 2, "running": 0}, "counts_capped": ["failed"],
        "items": [job_with("failed", failed), job("queued")], "next": "c1", "scanned": 7,
    })
}

#[test]
fn jobs_are_listed_with_the_filters_of_the_words() {
    let server = Canned::start(vec![one(&list())]);
    let now = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let console =
        Console { env: Environment { now, ..Environment::default() }, ..Console::default() };
    let ran = console.run(&format!(
        "jobs list state:failed,queued queue:mail since:24h args.user.id=7 --limit 2 --cursor c0 --url {}",
        server.url
    ));
    let expected = format!(
        "\
ID                                    STATE   KIND        QUEUE  TRY    MADE                  REASON
{ID}  failed  demo.sleep  mail   10/10  2026-01-02T03:04:05Z  401 from upstream.
{ID}  queued  demo.sleep  mail   1/10   2026-01-02T03:04:05Z  -
"
    );
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, expected.as_str()));
    let notes = "looked at the newest 7 jobs that the other filters find\n\
        in all: 2 queued, 10000+ failed\nmore: --cursor c1\n";
    assert_eq!(ran.err, notes);
    let query = "state=failed%2Cqueued&queue=mail&since=2026-01-01T03%3A04%3A05Z&args.user.id=7&limit=2&cursor=c0";
    assert_eq!(lines(server), [format!("GET /api/jobs/status?{query}")]);
}

#[test]
fn a_list_as_json_has_the_counts_and_as_names_the_ids() {
    let server = Canned::start(vec![one(&list()); 2]);
    let document = run_at(&server.url, "job list -o json").json();
    assert_eq!(document["counts"]["failed"], 10000);
    assert_eq!(document["counts_capped"], json!(["failed"]));
    assert_eq!((&document["scanned"], &document["next"]), (&json!(7), &json!("c1")));
    assert_eq!(document["items"][1]["state"], "queued");
    assert_eq!(run_at(&server.url, "job list -o name").out, format!("{ID}\n{ID}\n"));
    let empty = json!({"counts": {}, "counts_capped": [], "items": [], "next": null});
    let server = Canned::start(vec![one(&empty)]);
    let ran = run_at(&server.url, "job list");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "none\n"));
}

#[test]
fn jobs_are_counted_by_state() {
    let server = Canned::start(vec![one(&list())]);
    let ran = run_at(&server.url, "job stats queue:mail");
    assert!(ran.out.starts_with("STATE      JOBS\nscheduled  0\nqueued     2\n"), "{ran:?}");
    assert!(ran.out.contains("failed     10000\n"), "{ran:?}");
    assert_eq!(ran.err, "there are more than were counted of: failed\n");
    assert_eq!(lines(server), ["GET /api/jobs/status?queue=mail&limit=1"]);
    let server = Canned::start(vec![one(&list())]);
    let items = run_at(&server.url, "job stats -o json").json()["items"].clone();
    assert_eq!(items[6], json!({"state": "failed", "count": 10000, "capped": true}));
}

#[test]
fn a_job_is_shown_with_its_attempts() {
    let attempts = json!([
        {"attempt": 1, "state": "crashed", "worker": 7, "started_at": "2026-01-02T03:04:05Z", "finished_at": null},
        {"attempt": 2, "state": "running", "worker": null, "started_at": null, "finished_at": null},
    ]);
    let members = json!({
        "attempts": attempts, "tags": ["a", "b"],
        "progress": {"done": 31.0, "total": 50.0, "message": "page 31"}, "long_running": true,
    });
    let server = Canned::start(vec![one(&job_with("running", members))]);
    let ran = run_at(&server.url, &format!("job show {ID}"));
    for part in [
        &format!("{ID}  demo.sleep  running for long\n") as &str,
        "queue mail, priority 5, attempt 1/10\n",
        "made 2026-01-02T03:04:05Z, due 2026-01-02T03:04:05Z, started 2026-01-02T03:04:05Z\n",
        "tags a, b\n",
        "args {\"ms\":1}\n",
        "progress 62 %  page 31\n",
        "attempts\n  1  crashed on worker 7, started 2026-01-02T03:04:05Z\n  2  running\n",
        "may be: cancelled\n",
    ] {
        assert!(ran.out.contains(part), "{part} in {}", ran.out);
    }
    assert_eq!(lines(server), [format!("GET /api/jobs/{ID}")]);
}

#[test]
fn a_result_is_printed_alone_and_only_if_there_is_one() {
    let done = job_with("succeeded", json!({"result": {"n": 1}}));
    let text = job_with("succeeded", json!({"result": "hello"}));
    let server =
        Canned::start(vec![one(&done), one(&text), one(&job("running")), one(&job("failed"))]);
    let show = || run_at(&server.url, &format!("job show {ID} --result"));
    assert_eq!(show().out, "{\n  \"n\": 1\n}\n");
    assert_eq!(show().out, "hello\n");
    for (state, fix) in [("running", "job watch"), ("failed", "job why")] {
        let ran = show();
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Conflict, ""));
        assert!(
            ran.err.contains(&format!("{ID} is {state}; only a job that succeeded")),
            "{ran:?}"
        );
        assert!(ran.err.contains(&format!("mindflight {fix} {ID}")), "{ran:?}");
    }
    let server = Canned::start(vec![problem(&codes::NOT_FOUND, "no job")]);
    assert_eq!(run_at(&server.url, &format!("job show {ID}")).exit, Exit::NotFound);
}

#[test]
fn why_says_state_reason_and_the_next_command() {
    let error = json!({"code": "upstream_error", "detail": "401", "fault": "operator", "retry": "no", "fix": "Renew the token."});
    for (job, expected) in [
        (
            job_with("failed", json!({"error": error})),
            format!(
                "failed: 401 (upstream_error)\nfix: Renew the token.\nnext: mindflight job retry {ID}\n"
            ),
        ),
        (
            job_with("failed", json!({"reason": "out of attempts", "actions": []})),
            format!("failed: out of attempts\nnext: mindflight job logs {ID}\n"),
        ),
        (
            job("succeeded"),
            format!(
                "succeeded: at 2026-01-02T03:05:11Z\nnext: mindflight job show {ID} --result\n"
            ),
        ),
        (
            job("running"),
            format!("running: since 2026-01-02T03:04:05Z\nnext: mindflight job watch {ID}\n"),
        ),
        (
            job_with("running", json!({"long_running": true})),
            format!(
                "running for long: since 2026-01-02T03:04:05Z\nnext: mindflight job logs {ID} -f\n"
            ),
        ),
        (
            job_with("blocked", json!({"reason": "5 of 5 run"})),
            "blocked: 5 of 5 run\nnext: mindflight job list state:running kind:demo.sleep\n"
                .to_owned(),
        ),
    ] {
        let server = Canned::start(vec![one(&job)]);
        let ran = run_at(&server.url, &format!("job why {ID}"));
        assert_eq!((ran.exit, ran.out), (Exit::Done, expected));
    }
}

#[test]
fn a_waiting_jobs_next_command_comes_from_its_queue() {
    let queue = |paused: Option<&str>, workers: u64| {
        one(
            &json!({"name": "mail", "queued": 1, "running": 0, "scheduled": 0, "blocked": 0, "oldest_ms": null,
            "workers": workers, "keeps_history": true, "paused_at": paused, "paused_by": null, "pause_reason": null}),
        )
    };
    let watch = format!("mindflight job watch {ID}");
    for (queue, next) in [
        (queue(Some("2026-01-02T03:04:05Z"), 1), "mindflight queue resume mail"),
        (queue(None, 0), "mindflight worker list"),
        (queue(None, 1), &watch),
        (problem(&codes::FORBIDDEN, "no"), &watch),
    ] {
        let waiting = job_with("queued", json!({"reason": "queue mail is paused"}));
        let server = Canned::start(vec![one(&waiting), queue]);
        let ran = run_at(&server.url, &format!("job why {ID} -o json"));
        let document = ran.json();
        assert_eq!(
            (&document["reason"], &document["next"]),
            (&json!("queue mail is paused"), &json!(next))
        );
        assert_eq!(lines(server)[1], "GET /api/queues/mail");
    }
}

#[test]
fn a_job_is_enqueued_as_the_flags_say() {
    let server = Canned::start(vec![ours("201 Created", &job("queued").to_string())]);
    let ran = run_at(
        &server.url,
        "job enqueue demo.sleep ms=50 name=Ada n=1 n=x --delay 500ms --queue q --priority 0 --unique-key k \
         --max-attempts 3 --tag a --tag b",
    );
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("{ID}\n")));
    assert_eq!(
        ran.err,
        format!("demo.sleep is queued; watch it with `mindflight job watch {ID}`\n")
    );
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /api/jobs HTTP"), "{request}");
    let expected = json!({
        "kind": "demo.sleep", "args": {"ms": 50, "name": "Ada", "n": [1, "x"]}, "queue": "q", "priority": 0,
        "delay": 0.5, "unique_key": "k", "max_attempts": 3, "tags": ["a", "b"],
    });
    assert_eq!(body(&request), expected);
}

#[test]
fn a_job_without_flags_leaves_all_to_the_server() {
    let made = job_with("queued", json!({"existing": true}));
    let server = Canned::start(vec![one(&job("queued")), one(&made)]);
    run_at(&server.url, "job enqueue demo.sleep");
    let console = Console { input: r#"{"ms": 7}"#.to_owned(), ..Console::default() };
    let line = "job enqueue demo.sleep --args - --run-at 2026-01-31T18:00:00+01:00 --url";
    let ran = console.run(&format!("{line} {}", server.url));
    assert!(ran.err.contains("there already, with the same unique key, and queued"), "{ran:?}");
    let requests = server.requests();
    assert_eq!(body(&requests[0]), json!({"kind": "demo.sleep"}));
    let expected =
        json!({"kind": "demo.sleep", "args": {"ms": 7}, "run_at": "2026-01-31T17:00:00Z"});
    assert_eq!(body(&requests[1]), expected);
}

#[test]
fn a_kind_that_nobody_has_ends_with_3_and_other_refusals_as_everywhere() {
    for (code, exit) in [
        (&codes::UNKNOWN_KIND, Exit::NotFound),
        (&codes::INVALID_ARGUMENTS, Exit::No),
        (&codes::CONFLICT, Exit::Conflict),
        (&codes::FORBIDDEN, Exit::NotAllowed),
        (&codes::DATABASE_UNAVAILABLE, Exit::Unreachable),
    ] {
        let server = Canned::start(vec![problem(code, "no")]);
        let ran = run_at(&server.url, "job enqueue demo.slep -o json");
        assert_eq!((ran.exit, &ran.json()["error"]["code"]), (exit, &json!(code.name)));
    }
}
