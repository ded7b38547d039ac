//! Finding jobs and following one: filters, pages, counts, waiting, progress, log lines.

use chrono::{DateTime, TimeDelta, Utc};
use mindflight_testapp::Instance;
use serde_json::{Value, json};

use super::{
    act, acted, count, ended, is_final, items, made, made_all, once, rig, running, sleep, text,
    without_clock,
};
use crate::rig::{Rig, eventually};

/// The ids that a query finds.
async fn found(server: &Instance, query: &str) -> Vec<String> {
    let list = server.get(&format!("/api/jobs/status?{query}")).await.ok();
    items(&list).iter().map(|job| text(&job["id"]).to_owned()).collect()
}

/// Six jobs of which no two are alike, oldest first, and settled.
async fn six(rig: &Rig) -> Vec<String> {
    without_clock(rig).await;
    let jobs = [
        json!({"kind": "demo.count", "args": {"key": "a"}, "tags": ["x", "y"]}),
        json!({"kind": "demo.count", "args": {"key": "b"}, "queue": "side"}),
        json!({"kind": "demo.fail", "args": {"message": "m"}, "tags": ["y"]}),
        json!({"kind": "demo.sleep", "args": {"ms": 7}, "delay": "1h"}),
        json!({"kind": "demo.sleep", "args": {"ms": 8}, "delay": "1h", "queue": "side"}),
        json!({"kind": "demo.sleep", "args": {"ms": 9}, "delay": "1h", "priority": 1}),
    ];
    let ids = made_all(&rig.server, &jobs).await;
    for id in &ids[..3] {
        ended(&rig.server, id).await;
    }
    assert_eq!(act(&rig.server, &ids[5], "cancel").await.status, 200);
    ids
}

#[tokio::test]
async fn every_filter_finds_what_it_names_and_nothing_else() {
    let rig = rig().await;
    let ids = six(&rig).await;
    for (query, expected) in [
        ("limit=500", &[5_usize, 4, 3, 2, 1, 0] as &[usize]),
        ("state=scheduled", &[4, 3]),
        ("state=failed,cancelled", &[5, 2]),
        ("state=running", &[]),
        ("kind=demo.count", &[1, 0]),
        ("kind=demo.sleep&state=cancelled", &[5]),
        ("queue=side", &[4, 1]),
        ("queue=side&kind=demo.count", &[1]),
        ("queue=nowhere", &[]),
        ("provider=demo&state=failed", &[2]),
        ("provider=echo", &[]),
        ("tag=y", &[2, 0]),
        ("tag=x", &[0]),
        ("args.ms=8", &[4]),
        ("args.key=a", &[0]),
        ("args.key=nobody", &[]),
        ("since=2020-01-01T00:00:00Z&state=failed", &[2]),
        ("until=2020-01-01T00:00:00Z", &[]),
    ] {
        let expected: Vec<&str> = expected.iter().map(|at| ids[*at].as_str()).collect();
        assert_eq!(found(&rig.server, query).await, expected, "{query}");
    }
    let fourth = super::job(&rig.server, &ids[3]).await;
    let made: DateTime<Utc> = text(&fourth["created_at"]).parse().unwrap();
    for (seconds, since, until) in [(-60, 6, 0), (60, 0, 6)] {
        let bound = (made + TimeDelta::seconds(seconds)).to_rfc3339().replace('+', "%2B");
        assert_eq!(found(&rig.server, &format!("since={bound}")).await.len(), since);
        assert_eq!(found(&rig.server, &format!("until={bound}")).await.len(), until);
    }
    // What a job says of itself is what finds it.
    let made = text(&fourth["created_at"]);
    assert!(found(&rig.server, &format!("since={made}")).await.contains(&ids[3].as_str().into()));
    assert!(!found(&rig.server, &format!("until={made}")).await.contains(&ids[3].as_str().into()));
    let scanned = rig.server.get("/api/jobs?args.ms=8").await.ok();
    assert!(scanned["scanned"].as_u64() >= Some(1), "{scanned}");
}

#[tokio::test]
async fn pages_follow_each_other_and_counts_are_of_all_states() {
    let rig = rig().await;
    let ids = six(&rig).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.server.get(&format!("/api/jobs?limit=4{cursor}")).await.ok();
        seen.extend(items(&page).iter().map(|job| text(&job["id"]).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(items(&page).len(), 4);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids.iter().rev().cloned().collect::<Vec<_>>());
    let counts = |list: Value| {
        let of = |state: &str| list["counts"][state].as_u64().unwrap_or_default();
        ["scheduled", "succeeded", "failed", "cancelled", "running"].map(of)
    };
    // A filter by state does not change what is counted; one by kind or queue does.
    for (query, expected) in [
        ("", [2, 2, 1, 1, 0]),
        ("state=failed", [2, 2, 1, 1, 0]),
        ("kind=demo.sleep", [2, 0, 0, 1, 0]),
        ("queue=side", [1, 1, 0, 0, 0]),
        ("provider=echo", [0, 0, 0, 0, 0]),
    ] {
        let list = rig.server.get(&format!("/api/jobs?{query}")).await.ok();
        assert_eq!(list["counts_capped"], json!([]));
        assert_eq!(counts(list), expected, "{query}");
    }
}

#[tokio::test]
async fn waiting_for_a_job_answers_when_it_has_ended_or_the_time_is_up() {
    let rig = rig().await;
    let long = made(&rig.server, &sleep(600_000)).await;
    let short = made(&rig.server, &sleep(300)).await;
    let job = rig.server.get(&format!("/api/jobs/status/{short}?wait=20")).await.ok();
    assert_eq!(job["state"], "succeeded", "{job}");
    let job = rig.server.get(&format!("/api/jobs/{long}?wait=1")).await.ok();
    assert_eq!((&job["state"], &job["actions"]), (&json!("running"), &json!(["cancel"])), "{job}");
    assert!(job["next_poll_ms"].as_u64() >= Some(250), "{job}");
    assert_eq!(act(&rig.server, &long, "cancel").await.status, 200);
}

#[tokio::test]
async fn progress_and_log_lines_are_seen_while_a_job_runs() {
    let rig = rig().await;
    let id = made(&rig.server, &sleep(20_000)).await;
    running(&rig.server, &id).await;
    let job = once(&rig.server, &id, |job| job["progress"]["done"].as_f64() >= Some(1.0)).await;
    assert_eq!(
        (&job["progress"]["total"], &job["progress"]["message"]),
        (&json!(10.0), &json!("sleeping"))
    );
    assert!(!is_final(&job));
    let path = format!("/api/jobs/{id}/logs");
    let lines = eventually(async || {
        Some(rig.server.get(&path).await.ok()).filter(|lines| !items(lines).is_empty())
    })
    .await;
    let line = &items(&lines)[0];
    assert_eq!(
        (&line["attempt"], text(&line["line"])),
        (&json!(1), "attempt 1 sleeps for 20000 ms")
    );
    assert!(text(&line["at"]).ends_with('Z') && lines["next"].is_null(), "{lines}");
    assert_eq!(act(&rig.server, &id, "cancel").await.status, 200);
    ended(&rig.server, &id).await;
}

#[tokio::test]
async fn log_lines_come_in_pages() {
    let rig = rig().await;
    // Each attempt logs a line.
    let id = made(&rig.server, &count("k")).await;
    ended(&rig.server, &id).await;
    let none = rig.server.get(&format!("/api/jobs/{id}/logs")).await.ok();
    assert_eq!((items(&none).len(), &none["next"]), (0, &Value::Null));
    let id = made(&rig.server, &sleep(60_000)).await;
    for attempt in 1..=3 {
        once(&rig.server, &id, |job| job["attempt"] == attempt && job["state"] == "running").await;
        acted(&rig.server, &id, "cancel").await;
        ended(&rig.server, &id).await;
        if attempt < 3 {
            acted(&rig.server, &id, "retry").await;
        }
    }
    let path = format!("/api/jobs/{id}/logs");
    let all = eventually(async || {
        Some(rig.server.get(&path).await.ok()).filter(|lines| items(lines).len() == 3)
    })
    .await;
    let first = rig.server.get(&format!("{path}?limit=2")).await.ok();
    let rest =
        rig.server.get(&format!("{path}?limit=2&cursor={}", text(&first["next"]))).await.ok();
    assert_eq!([items(&first).clone(), items(&rest).clone()].concat(), *items(&all));
    assert!(rest["next"].is_null(), "{rest}");
}
