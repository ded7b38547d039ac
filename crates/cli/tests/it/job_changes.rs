//! `job retry`, `cancel`, `delete`: by id, by filter, and only looking.

use mindflight_api::codes;
use mindflight_cli::{Environment, Exit};
use serde_json::{Value, json};

use crate::calls::body;
use crate::canned::{Canned, answer, problem};
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

#[test]
fn a_filter_is_sent_until_nothing_more_fits() {
    let server =
        Canned::start(vec![round(1000, 0, true), round(1000, 0, true), round(7, 0, false)]);
    let now = Some("2026-01-02T03:04:05Z".parse().unwrap());
    let console =
        Console { env: Environment { now, ..Environment::default() }, ..Console::default() };
    let line = "job retry state:failed queue:mail since:24h --yes --url";
    let ran = console.run(&format!("{line} {}", server.url));
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "2007 retried\n"));
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let filter = json!({"state": ["failed"], "queue": "mail", "since": "2026-01-01T03:04:05Z"});
    for request in requests {
        assert!(request.starts_with("POST /api/jobs/bulk HTTP"), "{request}");
        assert_eq!(body(&request), json!({"action": "retry", "filter": filter}));
    }
}

#[test]
fn what_a_filter_left_as_it_is_shows_in_the_exit_code() {
    for (rounds, exit, document) in [
        (vec![round(3, 2, false)], Exit::Partly, json!({"done": 3, "refused": 2, "more": false})),
        (vec![round(0, 2, false)], Exit::Conflict, json!({"done": 0, "refused": 2, "more": false})),
        (vec![round(0, 0, false)], Exit::Done, json!({"done": 0, "refused": 0, "more": false})),
        // The same thousand would be met for ever.
        (
            vec![round(5, 995, true), round(0, 1000, true)],
            Exit::Partly,
            json!({"done": 5, "refused": 1000, "more": true}),
        ),
    ] {
        let (server, count) = (Canned::start(rounds.clone()), rounds.len());
        let ran = run_at(&server.url, "job cancel kind:demo.sleep --yes -o json");
        assert_eq!((ran.exit, ran.json()), (exit, document));
        assert_eq!(server.requests().len(), count);
    }
    let server =
        Canned::start(vec![round(1000, 0, true), problem(&codes::DATABASE_UNAVAILABLE, "away")]);
    let ran = run_at(&server.url, "job delete state:failed --yes");
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(ran.err.contains("before that, 1000 jobs were deleted"), "{ran:?}");
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
