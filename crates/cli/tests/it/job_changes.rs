//! `job retry`, `cancel`, `delete`: by id, by filter, and only looking.

use mindflight_api::codes;
use mindflight_cli::{Environment, Exit};
use serde_json::{Value, json};

use crate::calls::body;
use crate::canned::{Canned, answer, ours, problem};
use crate::console::{Console, run_at};
use crate::jobs::{ID, job, job_with, lines, one};

const OTHER: &str = "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b12";

fn gone() -> String {
    answer("204 No Content", "Api-Version: 1\r\n", "")
}

fn round(done: u64, refused: u64, more: bool) -> String {
    one(&json!({"done": done, "refused": refused, "more": more}))
}

#[test]
fn one_job_is_changed_by_its_id() {
    for (verb, answer, request, out) in [
        ("retry", one(&job("queued")), "POST /api/jobs/ID/retry", "ID is queued\n"),
        ("cancel", one(&job("cancelled")), "POST /api/jobs/ID/cancel", "ID is cancelled\n"),
        (
            "cancel",
            one(&job("running")),
            "POST /api/jobs/ID/cancel",
            "ID is asked to stop; it is cancelled when it notices\n",
        ),
        ("delete", gone(), "DELETE /api/jobs/ID", "ID deleted\n"),
    ] {
        let server = Canned::start(vec![answer]);
        let ran = run_at(&server.url, &format!("job {verb} {ID}"));
        assert_eq!((ran.exit, ran.out), (Exit::Done, out.replace("ID", ID)), "{verb}");
        assert_eq!(lines(server), [request.replace("ID", ID)]);
    }
    let server = Canned::start(vec![gone(), one(&job("queued"))]);
    let deleted = run_at(&server.url, &format!("job delete {ID} -o json")).json();
    assert_eq!(deleted, json!({"id": ID, "deleted": true}));
    assert_eq!(run_at(&server.url, &format!("job retry {ID} -o json")).json()["state"], "queued");
}

#[test]
fn a_job_that_is_not_there_ends_with_3_and_one_in_another_state_with_5() {
    for (code, exit) in [(&codes::NOT_FOUND, Exit::NotFound), (&codes::CONFLICT, Exit::Conflict)] {
        for verb in ["retry", "cancel", "delete"] {
            let server = Canned::start(vec![problem(code, "no")]);
            assert_eq!(run_at(&server.url, &format!("job {verb} {ID}")).exit, exit, "{verb}");
        }
    }
}

#[test]
fn of_several_jobs_each_is_told() {
    let server = Canned::start(vec![one(&job("queued")), problem(&codes::CONFLICT, "it runs")]);
    let ran = run_at(&server.url, &format!("job retry {ID} {OTHER}"));
    let expected = format!(
        "\
ID                                    DONE   NOW
{ID}  true   is queued
{OTHER}  false  it runs
"
    );
    assert_eq!((ran.exit, ran.out), (Exit::Partly, expected));
    let server = Canned::start(vec![gone(), gone()]);
    let ran = run_at(&server.url, &format!("job delete {ID} {OTHER} -o json"));
    assert_eq!((ran.exit, &ran.json()["items"][1]["done"]), (Exit::Done, &json!(true)));
    let server = Canned::start(vec![problem(&codes::NOT_FOUND, "no job"); 2]);
    let ran = run_at(&server.url, &format!("job delete {ID} {OTHER} -o json"));
    assert_eq!(ran.exit, Exit::NotFound);
    assert_eq!(ran.json()["items"][0]["error"]["code"], "not_found");
}

/// The answer to a request that became a job.
fn accepted() -> String {
    let job = json!({"job": job_with("queued", json!({"kind": "mindflight.bulk"}))});
    ours("202 Accepted", &job.to_string())
}

/// That job, once it has ended.
fn did(done: u64, refused: u64) -> String {
    one(&job_with("succeeded", json!({"result": {"done": done, "refused": refused}})))
}

#[test]
fn what_is_more_than_a_thousand_is_left_to_a_job_that_is_watched() {
    let server = Canned::start(vec![round(1000, 2, true), accepted(), did(1007, 3)]);
    let now = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let console =
        Console { env: Environment { now, ..Environment::default() }, ..Console::default() };
    let line = "job retry state:failed queue:mail args.user.id=7 since:24h --yes --url";
    let ran = console.run(&format!("{line} {}", server.url));
    let out = "2007 retried\n3 left as they are: their state does not allow it\n";
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Partly, out));
    let requests = server.requests();
    let filter = json!({
        "state": ["failed"], "queue": "mail", "since": "2026-01-01T03:04:05Z", "args": {"user.id": "7"},
    });
    for request in &requests[..2] {
        assert!(request.starts_with("POST /api/jobs/bulk HTTP"), "{request}");
        assert_eq!(body(request), json!({"action": "retry", "filter": filter}));
    }
    let is_async = |request: &str| request.to_lowercase().contains("prefer: respond-async");
    assert!(!is_async(&requests[0]) && is_async(&requests[1]));
    assert!(requests[2].starts_with(&format!("GET /api/jobs/{ID} ")), "{}", requests[2]);
}

#[test]
fn a_job_does_it_from_the_first_one_on_and_need_not_be_watched() {
    let server = Canned::start(vec![accepted(), did(3, 0)]);
    let ran = run_at(&server.url, "job delete state:failed --yes --wait -o json");
    let document = json!({"done": 3, "refused": 0, "more": false, "job": ID});
    assert_eq!((ran.exit, ran.json()), (Exit::Done, document));
    assert_eq!(server.requests().len(), 2);
    let server = Canned::start(vec![accepted()]);
    let ran = run_at(&server.url, "job delete state:failed --yes --async");
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("{ID}\n")));
    assert_eq!(server.requests().len(), 1);
    for line in [
        "job delete state:failed --yes --async --wait".to_owned(),
        format!("job delete {ID} --async"),
        format!("job retry {ID} --wait"),
    ] {
        assert_eq!(run_at("http://127.0.0.1:9", &line).exit, Exit::Usage, "{line}");
    }
}

#[test]
fn a_job_that_is_stopped_says_how_far_it_came() {
    let message = json!({"done": 12.0, "total": null, "message": "12 deleted"});
    let stopped = one(&job_with("cancelled", json!({"progress": message})));
    let server = Canned::start(vec![round(1000, 0, true), accepted(), stopped]);
    let ran = run_at(&server.url, "job delete state:failed --yes");
    assert_eq!(ran.exit, Exit::No);
    assert!(ran.err.contains("1000 deleted, then 12 deleted"), "{ran:?}");
    assert!(ran.err.contains(&format!("mindflight job retry {ID}")), "{ran:?}");
}

#[test]
fn what_a_filter_left_as_it_is_shows_in_the_exit_code() {
    for (round, exit, document) in [
        (round(3, 2, false), Exit::Partly, json!({"done": 3, "refused": 2, "more": false})),
        (round(0, 2, false), Exit::Conflict, json!({"done": 0, "refused": 2, "more": false})),
        (round(0, 0, false), Exit::Done, json!({"done": 0, "refused": 0, "more": false})),
    ] {
        let server = Canned::start(vec![round]);
        let ran = run_at(&server.url, "job cancel kind:demo.sleep --yes -o json");
        assert_eq!((ran.exit, ran.json()), (exit, document));
        assert_eq!(server.requests().len(), 1);
    }
    let server =
        Canned::start(vec![round(1000, 0, true), problem(&codes::DATABASE_UNAVAILABLE, "away")]);
    let ran = run_at(&server.url, "job delete state:failed --yes");
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(ran.err.contains("before that, 1000 jobs were deleted"), "{ran:?}");
}

#[test]
fn a_job_is_put_off_for_a_time_or_until_one() {
    let job = one(&job_with("scheduled", json!({"run_at": "2026-01-31T18:00:00Z"})));
    for (flag, sent) in [
        ("--for 10m", json!({"for": 600.0})),
        ("--until 2026-01-31T18:00:00Z", json!({"until": "2026-01-31T18:00:00Z"})),
    ] {
        let server = Canned::start(vec![job.clone()]);
        let ran = run_at(&server.url, &format!("job snooze {ID} {flag}"));
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        assert!(ran.out.starts_with(&format!("{ID} is put off until 2026-01-31")), "{ran:?}");
        let requests = server.requests();
        assert!(requests[0].starts_with(&format!("POST /api/jobs/{ID}/snooze HTTP")));
        assert_eq!(body(&requests[0]), sent);
    }
    for flags in ["", "--for soon", "--for 1m --until 2026-01-31"] {
        let line = format!("job snooze {ID} {flags}");
        assert_eq!(run_at("http://127.0.0.1:9", &line).exit, Exit::Usage, "{line}");
    }
}

fn page(jobs: &[Value], next: Option<&str>) -> String {
    one(&json!({"counts": {}, "counts_capped": [], "items": jobs, "next": next}))
}

#[test]
fn a_rehearsal_lists_what_would_be_touched_and_touches_nothing() {
    let jobs = [job("failed"), job_with("running", json!({"id": OTHER}))];
    let server = Canned::start(vec![page(&jobs, Some("c")), page(&jobs, None)]);
    let ran = run_at(&server.url, "job retry queue:mail --dry-run -o name");
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("{ID}\n")));
    let notes = "1 would be retried; nothing was done\n\
        1 would be left as they are: their state does not allow it\n\
        more fit than the newest 500, which were looked at\n";
    assert_eq!(ran.err, notes);
    let document = run_at(&server.url, "job retry queue:mail --dry-run --yes -o json").json();
    assert_eq!((&document["refused"], &document["more"]), (&json!(1), &json!(false)));
    assert_eq!(document["items"].as_array().unwrap().len(), 1);
    assert_eq!(lines(server), vec!["GET /api/jobs/status?queue=mail&limit=500"; 2]);

    let server = Canned::start(vec![one(&job("running"))]);
    let ran = run_at(&server.url, &format!("job cancel {ID} --dry-run"));
    assert_eq!(ran.err, "1 would be cancelled; nothing was done\n");
    assert_eq!(lines(server), [format!("GET /api/jobs/{ID}")]);
}
