//! `queue`, `schedule` and `worker`: what is asked and what is said.

use mindflight_api::codes;
use mindflight_cli::Exit;
use serde_json::{Value, json};

use crate::calls::body;
use crate::canned::{Canned, ours, problem};
use crate::console::{Console, run_at};
use crate::jobs::{ID, job, lines, one};

const AT: &str = "2026-01-02T03:04:05Z";

fn queue(paused: bool) -> Value {
    json!({
        "name": "mail", "queued": 3, "running": 1, "scheduled": 2, "blocked": 0, "oldest_ms": 61000, "workers": 2,
        "keeps_history": false, "paused_at": paused.then_some(AT), "paused_by": paused.then_some("ana"),
        "pause_reason": paused.then_some("vendor"), "concurrency": 4, "rate": "100/1m", "retention": null,
        "paused_until": null,
    })
}

fn schedule(kind: &str, next: &[&str], paused: bool) -> Value {
    json!({
        "id": ID, "kind": kind, "cron": "0 9 * * 1", "zone": "Europe/Berlin", "missed": "latest", "next": next,
        "last": AT, "last_job": ID, "paused_at": paused.then_some(AT), "paused_by": paused.then_some("ana"),
    })
}

fn worker(id: i64) -> Value {
    json!({
        "id": id, "host": "a1", "pid": 42, "version": "0.1.0", "slots": 8, "running": 2,
        "kinds": ["demo.sleep", "demo.tick"], "started_at": AT, "beat_at": AT, "stopping": false,
    })
}

fn page(items: &[Value], next: Option<&str>) -> String {
    one(&json!({"items": items, "next": next}))
}

#[test]
fn queues_are_listed_and_shown() {
    let server = Canned::start(vec![
        page(&[queue(true)], None),
        one(&queue(true)),
        problem(&codes::NOT_FOUND, "no queue"),
    ]);
    let ran = run_at(&server.url, "queues list --limit 5");
    let expected = "\
NAME  QUEUED  RUNNING  SCHEDULED  BLOCKED  OLDEST     WORKERS  AT ONCE  RATE    KEPT  PAUSED
mail  3       1        2          0        1 min 1 s  2        4        100/1m  -     2026-01-02T03:04:05Z
";
    assert_eq!(ran.out, expected);
    let ran = run_at(&server.url, "queue show mail");
    let expected = "\
mail: 3 queued, 1 running, 2 scheduled, 0 blocked
2 workers take jobs of it
its jobs: at most 4 at once, at most 100/1m started
the next job waits for 1 min 1 s
paused since 2026-01-02T03:04:05Z by ana: vendor
next: mindflight queue resume mail
ended jobs are not kept
";
    assert_eq!(ran.out, expected);
    assert_eq!(run_at(&server.url, "queue show mial").exit, Exit::NotFound);
    let asked = ["GET /api/queues?limit=5", "GET /api/queues/mail", "GET /api/queues/mial"];
    assert_eq!(lines(server), asked);
}

#[test]
fn a_queue_is_paused_with_a_reason_and_resumed() {
    let server =
        Canned::start([true, true, false, true].map(|paused| one(&queue(paused))).to_vec());
    let words = ["queue", "pause", "mail", "--reason", "vendor incident", "--url", &server.url];
    assert_eq!(Console::default().run_words(&words).out, "mail is paused\n");
    assert_eq!(run_at(&server.url, "queue pause mail -o json").json()["paused_by"], "ana");
    assert_eq!(run_at(&server.url, "queue resume mail").out, "mail is resumed\n");
    let ran = run_at(&server.url, "queue resume mail");
    assert_eq!(ran.exit, Exit::Conflict);
    assert!(ran.err.contains("mail was to be resumed, and is not"), "{ran:?}");
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /api/queues/mail/pause "), "{}", requests[0]);
    assert_eq!(body(&requests[0]), json!({"reason": "vendor incident"}));
    assert_eq!(body(&requests[1]), json!({}));
    assert!(requests[2].starts_with("POST /api/queues/mail/resume "), "{}", requests[2]);
}

#[test]
fn a_pause_may_have_an_end() {
    let server = Canned::start([true, true].map(|paused| one(&queue(paused))).to_vec());
    assert_eq!(run_at(&server.url, "queue pause mail --for 30m").out, "mail is paused\n");
    let ran = run_at(&server.url, "queue pause mail --until 2026-11-21T09:00:00Z");
    assert_eq!(ran.exit, Exit::Done);
    let both = "queue pause mail --for 30m --until 2026-11-21T09:00:00Z";
    assert_eq!(run_at(&server.url, both).exit, Exit::Usage);
    let requests = server.requests();
    assert_eq!(body(&requests[0]), json!({"for": 1800.0}));
    assert_eq!(body(&requests[1]), json!({"until": "2026-11-21T09:00:00Z"}));
}

#[test]
fn limits_of_a_queue_are_set_and_taken_away() {
    let mut bare = queue(false);
    bare["concurrency"] = Value::Null;
    bare["rate"] = Value::Null;
    let server = Canned::start(vec![one(&queue(false)), one(&bare)]);
    let ran = run_at(&server.url, "queue set mail --concurrency 4 --rate 100/1m");
    assert_eq!(ran.out, "its jobs: at most 4 at once, at most 100/1m started\n");
    let ran = run_at(&server.url, "queue set mail --concurrency none --rate none --retention none");
    assert_eq!(ran.out, "its jobs have no limits\n");
    assert_eq!(run_at(&server.url, "queue set mail").exit, Exit::Usage);
    assert_eq!(run_at(&server.url, "queue set mail --concurrency few").exit, Exit::Usage);
    let requests = server.requests();
    assert!(requests[0].starts_with("PATCH /api/queues/mail "), "{}", requests[0]);
    assert_eq!(body(&requests[0]), json!({"concurrency": 4, "rate": "100/1m"}));
    let none = json!({"concurrency": null, "rate": null, "retention": null});
    assert_eq!(body(&requests[1]), none);
}

#[test]
fn schedules_are_listed_and_shown() {
    let one_of = schedule("demo.tick", &["2026-01-05T08:00:00Z"], true);
    let server = Canned::start(vec![page(std::slice::from_ref(&one_of), None), one(&one_of)]);
    let ran = run_at(&server.url, "schedule list --fields kind,zone");
    assert_eq!(ran.out, "KIND       ZONE\ndemo.tick  Europe/Berlin\n");
    let ran = run_at(&server.url, &format!("schedule show {ID}"));
    let expected = format!(
        "\
{ID}  demo.tick
0 9 * * 1 in Europe/Berlin, missed times: latest
last 2026-01-02T03:04:05Z
last job: mindflight job show {ID}
next 2026-01-05T08:00:00Z
paused since 2026-01-02T03:04:05Z by ana
next: mindflight schedule resume {ID}
"
    );
    assert_eq!(ran.out, expected);
}

#[test]
fn the_next_times_of_all_schedules_are_in_order() {
    let schedules = [
        schedule("demo.late", &["2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z"], false),
        schedule("demo.soon", &["2026-01-06T08:00:00Z"], false),
        schedule("demo.off", &[], true),
    ];
    let server = Canned::start(vec![
        page(&schedules[..1], Some("c")),
        page(&schedules[1..], None),
        one(&schedules[1]),
    ]);
    let ran = run_at(&server.url, "schedule next --fields at,kind");
    let expected = "\
AT                    KIND
2026-01-05T08:00:00Z  demo.late
2026-01-06T08:00:00Z  demo.soon
2026-01-12T08:00:00Z  demo.late
";
    assert_eq!((ran.out.as_str(), ran.err), (expected, format!("demo.off is paused: {ID}\n")));
    assert_eq!(
        run_at(&server.url, &format!("schedule next {ID} -o name")).out,
        "2026-01-06T08:00:00Z\n"
    );
    assert_eq!(
        lines(server),
        [
            "GET /api/schedules".to_owned(),
            "GET /api/schedules?cursor=c".to_owned(),
            format!("GET /api/schedules/{ID}")
        ]
    );
}

#[test]
fn a_schedule_is_run_paused_and_resumed() {
    let server = Canned::start(vec![
        ours("201 Created", &job("queued").to_string()),
        one(&schedule("demo.tick", &[], true)),
        one(&schedule("demo.tick", &[], false)),
        one(&schedule("demo.tick", &[], true)),
        problem(&codes::NOT_FOUND, "no schedule"),
    ]);
    assert_eq!(run_at(&server.url, &format!("schedule run {ID}")).out, format!("{ID}\n"));
    let ran = run_at(&server.url, &format!("schedule pause {ID}"));
    assert_eq!(ran.out, format!("demo.tick ({ID}) is paused\n"));
    let ran = run_at(&server.url, &format!("schedule resume {ID}"));
    assert_eq!(ran.out, format!("demo.tick ({ID}) is resumed\n"));
    assert_eq!(run_at(&server.url, &format!("schedule resume {ID}")).exit, Exit::Conflict);
    assert_eq!(run_at(&server.url, &format!("schedule show {ID}")).exit, Exit::NotFound);
    let path = format!("/api/schedules/{ID}");
    let asked = lines(server);
    assert_eq!(asked[0], format!("POST {path}/run"));
    assert_eq!(asked[1], format!("POST {path}/pause"));
    assert_eq!(asked[2], format!("POST {path}/resume"));
}

#[test]
fn workers_are_listed_and_one_is_found_on_any_page() {
    let server = Canned::start(vec![
        page(&[worker(7)], None),
        page(&[worker(7)], Some("c")),
        page(&[worker(8)], None),
        page(&[worker(7)], None),
    ]);
    let ran = run_at(&server.url, "workers list");
    let expected = "\
ID  HOST  PID  VERSION  RUNNING  STARTED               BEAT                  STOPPING
7   a1    42   0.1.0    2/8      2026-01-02T03:04:05Z  2026-01-02T03:04:05Z  false
";
    assert_eq!(ran.out, expected);
    let ran = run_at(&server.url, "worker show 8");
    let expected = "\
8  a1 (process 42), version 0.1.0
2 of 8 slots busy
started 2026-01-02T03:04:05Z, last beat 2026-01-02T03:04:05Z
kinds demo.sleep, demo.tick
";
    assert_eq!(ran.out, expected);
    let ran = run_at(&server.url, "worker show 9");
    assert_eq!(ran.exit, Exit::NotFound);
    assert!(ran.err.contains("no worker 9 lives"), "{ran:?}");
    let asked =
        ["GET /api/workers", "GET /api/workers", "GET /api/workers?cursor=c", "GET /api/workers"];
    assert_eq!(lines(server), asked);
}
