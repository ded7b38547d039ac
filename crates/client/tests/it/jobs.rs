//! Jobs, queues, schedules and workers: what goes over the wire, what is sent again, what is understood.

use std::time::Duration;

use mindflight_api::job::{BulkRequest, JobAction, JobFilter, NewJob, Pause, QueueChange};
use mindflight_api::{JobId, JobState, ScheduleId};
use mindflight_client::jobs::Filter;
use mindflight_client::tools::{Called, Prefer};
use mindflight_client::{Error, Paging};
use serde_json::{Value, json};

use crate::canned::{Canned, answer, client, ours};

const ID: &str = "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11";

fn job() -> Value {
    json!({
        "id": ID, "kind": "demo.sleep", "provider": "demo", "queue": "default", "state": "queued", "reason": null,
        "priority": 5, "attempt": 0, "max_attempts": 10, "args": {"ms": 1}, "result": null, "error": null,
        "progress": null, "long_running": false, "created_at": "2026-01-02T03:04:05Z",
        "run_at": "2026-01-02T03:04:05Z", "started_at": null, "finished_at": null, "next_poll_ms": 500,
        "actions": ["cancel", "delete"],
    })
}

fn one() -> String {
    ours("200 OK", &job().to_string())
}

fn id() -> JobId {
    ID.parse().expect("an id")
}

fn new(kind: &str) -> NewJob {
    serde_json::from_value(json!({"kind": kind})).expect("a new job")
}

/// The first line of each request, without the version.
fn lines(server: Canned) -> Vec<String> {
    let first = |request: &String| {
        request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned()
    };
    server.requests().iter().map(first).collect()
}

#[tokio::test]
async fn one_job_or_many_are_enqueued_with_what_was_said_and_no_more() {
    let made = ours("201 Created", &job().to_string());
    let several = ours("201 Created", &json!({"items": [job(), job()]}).to_string());
    let server = Canned::start(vec![made, several]);
    let client = client(&server.url);
    let known = NewJob { args: Some(json!({"ms": 1})), ..new("demo.sleep") };
    assert_eq!(client.jobs().enqueue(&known).await.unwrap().state, JobState::Queued);
    let all = client.jobs().enqueue_all(&[new("a.b"), new("a.c")]).await.unwrap();
    assert_eq!(all.items.len(), 2);
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /api/jobs HTTP"), "{}", requests[0]);
    let ends = [r#"{"kind":"demo.sleep","args":{"ms":1}}"#, r#"[{"kind":"a.b"},{"kind":"a.c"}]"#];
    for (request, end) in requests.iter().zip(ends) {
        assert!(request.ends_with(&format!("\r\n\r\n{end}")), "{request}");
    }
}

#[tokio::test]
async fn filters_become_the_query() {
    let body = json!({"counts": {"failed": 10000, "queued": 2}, "counts_capped": ["failed"], "items": [job()],
        "next": "n", "scanned": 7});
    let server = Canned::start(vec![ours("200 OK", &body.to_string()); 2]);
    let filter = Filter {
        state: vec![JobState::Failed, JobState::Retrying],
        kind: Some("demo.sleep".to_owned()),
        tag: Some("a b".to_owned()),
        since: Some("2026-01-02T03:04:05+01:00".parse().unwrap()),
        args: vec![("user.id".to_owned(), "1&2".to_owned())],
        paging: Paging { limit: Some(2), cursor: Some("x".to_owned()) },
        ..Filter::default()
    };
    let client = client(&server.url);
    let list = client.jobs().list(&filter).await.unwrap();
    assert_eq!(
        (list.counts[&JobState::Failed], list.next.as_deref(), list.scanned),
        (10000, Some("n"), Some(7))
    );
    client.jobs().list(&Filter::default()).await.unwrap();
    let query = "state=failed%2Cretrying&kind=demo.sleep&tag=a+b&since=2026-01-02T02%3A04%3A05Z\
        &args.user.id=1%262&limit=2&cursor=x";
    assert_eq!(
        lines(server),
        [format!("GET /api/jobs/status?{query}"), "GET /api/jobs/status".to_owned()]
    );
}

#[tokio::test]
async fn one_job_is_read_awaited_cancelled_retried_deleted() {
    let mut answers = vec![one(); 4];
    answers.push(answer("204 No Content", "Api-Version: 1\r\n", ""));
    let server = Canned::start(answers);
    let client = client(&server.url);
    let jobs = client.jobs();
    assert_eq!(jobs.get(id()).await.unwrap().next_poll_ms, Some(500));
    jobs.wait(id(), Duration::from_millis(1500)).await.unwrap();
    jobs.cancel(id()).await.unwrap();
    jobs.retry(id()).await.unwrap();
    jobs.delete(id()).await.unwrap();
    let path = format!("/api/jobs/{ID}");
    let expected = [
        format!("GET {path}"),
        format!("GET {path}?wait=2"),
        format!("POST {path}/cancel"),
        format!("POST {path}/retry"),
        format!("DELETE {path}"),
    ];
    assert_eq!(lines(server), expected);
}

#[tokio::test]
async fn logs_go_on_after_the_cursor() {
    let page =
        json!({"items": [{"attempt": 1, "at": "2026-01-02T03:04:05Z", "line": "a"}], "next": "7"});
    let server = Canned::start(vec![ours("200 OK", &page.to_string())]);
    let paging = Paging { limit: Some(9), cursor: Some("6".to_owned()) };
    let page = client(&server.url).jobs().logs(id(), &paging).await.unwrap();
    assert_eq!((page.items[0].line.as_str(), page.next.as_deref()), ("a", Some("7")));
    assert_eq!(lines(server), [format!("GET /api/jobs/{ID}/logs?limit=9&after=6")]);
}

#[tokio::test]
async fn a_bulk_request_names_action_and_filter() {
    let server = Canned::start(vec![ours("200 OK", r#"{"done":3,"refused":1,"more":true}"#)]);
    let filter = JobFilter { state: vec![JobState::Failed], ..JobFilter::default() };
    let request = BulkRequest { action: JobAction::Retry, filter };
    let done = client(&server.url).jobs().bulk(&request).await.unwrap();
    assert_eq!((done.done, done.refused, done.more), (3, 1, true));
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /api/jobs/bulk HTTP"), "{sent}");
    assert!(sent.ends_with(r#"{"action":"retry","filter":{"state":["failed"]}}"#), "{sent}");
}

#[tokio::test]
async fn what_may_make_a_job_is_sent_once_and_reading_and_deleting_are_repeated() {
    let server = Canned::start(vec![String::new(); 3]);
    let client = client(&server.url);
    let jobs = client.jobs();
    let broken = |error: Error| assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    broken(jobs.enqueue(&new("a.b")).await.unwrap_err());
    broken(jobs.retry(id()).await.unwrap_err());
    broken(client.schedules().run(schedule_id()).await.unwrap_err());
    assert_eq!(server.requests().len(), 3);

    let gone = answer("204 No Content", "Api-Version: 1\r\n", "");
    let server = Canned::start(vec![String::new(), one(), String::new(), gone]);
    let client = crate::canned::client(&server.url);
    client.jobs().get(id()).await.unwrap();
    client.jobs().delete(id()).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_repeated_deletion_that_finds_nothing_has_been_done() {
    let problem = json!({"type": "t", "title": "Not found", "status": 404, "detail": "no job", "instance": "",
        "code": "not_found", "fault": "caller", "retry": "after_fix", "request_id": ""});
    let headers = "Api-Version: 1\r\nContent-Type: application/problem+json\r\n";
    let missing = answer("404 Not Found", headers, &problem.to_string());
    let server = Canned::start(vec![String::new(), missing.clone(), missing]);
    let client = client(&server.url);
    client.jobs().delete(id()).await.unwrap();
    let error = client.jobs().delete(id()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "not_found");
}

fn schedule_id() -> ScheduleId {
    ID.parse().expect("an id")
}

#[tokio::test]
async fn queues_are_listed_paused_and_resumed() {
    let queue = json!({"name": "a b", "queued": 1, "running": 2, "scheduled": 3, "blocked": 0, "oldest_ms": 9,
        "workers": 1, "keeps_history": true, "paused_at": null, "paused_by": null, "pause_reason": null});
    let page = ours("200 OK", &json!({"items": [queue], "next": null}).to_string());
    let one = ours("200 OK", &queue.to_string());
    let server = Canned::start(vec![page, one.clone(), one.clone(), one.clone(), one]);
    let client = client(&server.url);
    let queues = client.queues();
    assert_eq!(queues.list(&Paging::default()).await.unwrap().items[0].oldest_ms, Some(9));
    queues.get("a b").await.unwrap();
    let pause = Pause { reason: Some("vendor".to_owned()), ..Pause::default() };
    queues.pause("a b", &pause).await.unwrap();
    queues.resume("a b").await.unwrap();
    let change = QueueChange { rate: Some(None), concurrency: Some(Some(2)), retention: None };
    queues.change("a b", &change).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /api/queues HTTP"), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /api/queues/a%20b HTTP"), "{}", requests[1]);
    assert!(requests[2].starts_with("POST /api/queues/a%20b/pause HTTP"), "{}", requests[2]);
    assert!(requests[2].ends_with(r#"{"reason":"vendor"}"#), "{}", requests[2]);
    assert!(requests[3].starts_with("POST /api/queues/a%20b/resume HTTP"), "{}", requests[3]);
    assert!(requests[4].starts_with("PATCH /api/queues/a%20b HTTP"), "{}", requests[4]);
    assert!(requests[4].ends_with(r#"{"concurrency":2,"rate":null}"#), "{}", requests[4]);
}

#[tokio::test]
async fn schedules_and_workers_are_listed_and_schedules_operated() {
    let schedule = json!({"id": ID, "kind": "demo.tick", "cron": "* * * * *", "zone": "UTC", "missed": "skip",
        "next": ["2026-01-02T03:04:00Z"], "last": null, "last_job": null, "paused_at": null, "paused_by": null});
    let worker = json!({"id": 7, "host": "h", "pid": 1, "version": "0.1.0", "slots": 8, "running": 2,
        "kinds": ["demo.tick"], "started_at": "2026-01-02T03:04:05Z", "beat_at": "2026-01-02T03:04:05Z",
        "stopping": false});
    let page = |item: &Value| ours("200 OK", &json!({"items": [item], "next": null}).to_string());
    let single = ours("200 OK", &schedule.to_string());
    let made = ours("201 Created", &job().to_string());
    let server = Canned::start(vec![
        page(&schedule),
        single.clone(),
        made,
        single.clone(),
        single,
        page(&worker),
    ]);
    let client = client(&server.url);
    let schedules = client.schedules();
    assert_eq!(schedules.list(&Paging::default()).await.unwrap().items[0].next.len(), 1);
    schedules.get(schedule_id()).await.unwrap();
    assert_eq!(schedules.run(schedule_id()).await.unwrap().id, id());
    schedules.pause(schedule_id()).await.unwrap();
    schedules.resume(schedule_id()).await.unwrap();
    let paging = Paging { limit: Some(1), cursor: None };
    assert_eq!(client.workers().list(&paging).await.unwrap().items[0].id, 7);
    let path = format!("/api/schedules/{ID}");
    let expected = [
        "GET /api/schedules".to_owned(),
        format!("GET {path}"),
        format!("POST {path}/run"),
        format!("POST {path}/pause"),
        format!("POST {path}/resume"),
        "GET /api/workers?limit=1".to_owned(),
    ];
    assert_eq!(lines(server), expected);
}

#[tokio::test]
async fn a_call_may_become_a_job_or_be_done_already() {
    let accepted = answer(
        "202 Accepted",
        &format!(
            "Api-Version: 1\r\nContent-Type: application/json\r\nLocation: /api/jobs/{ID}\r\n"
        ),
        &json!({"job": job()}).to_string(),
    );
    let server = Canned::start(vec![accepted, ours("200 OK", "3")]);
    let client = client(&server.url);
    let called = client.tools().call_or_job("a", &json!({}), Prefer::Async).await.unwrap();
    let Called::Job(job) = called else { panic!("{called:?}") };
    assert_eq!(job.id, id());
    let wait = Prefer::Wait(Duration::from_millis(1));
    let called = client.tools().call_or_job("a", &json!({}), wait).await.unwrap();
    assert_eq!(called, Called::Result(json!(3)));
    let requests = server.requests();
    assert!(requests[0].contains("prefer: respond-async\r\n"), "{}", requests[0]);
    assert!(requests[1].contains("prefer: wait=1\r\n"), "{}", requests[1]);
}
