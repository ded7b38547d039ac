//! Failures as groups, kinds as they are treated, and what the operator says of them: over HTTP and on the command line.

use mindflight_testapp::Launch;
use serde_json::{Value, json};

use crate::jobs::{ended, items, made, made_all, setting, text, watchful};
use crate::rig::{Rig, command, eventually};

fn fail(message: &str) -> Value {
    json!({"kind": "demo.fail", "args": {"message": message}})
}

/// How a command ended, and what it printed for programs.
async fn run(rig: &Rig, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let launch: Launch = command(arguments).env("MINDFLIGHT_URL", rig.server.url());
    let key = rig.key("admin").await;
    let output = launch.env("MINDFLIGHT_KEY", &key).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let out = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), out, text(&output.stderr))
}

#[tokio::test]
async fn failures_that_are_the_same_are_found_counted_and_retried_together() {
    let rig = Rig::with(watchful).await;
    let bodies: Vec<Value> = (1..=5).map(|n| fail(&format!("no account {n} at 10:0{n}"))).collect();
    let ids = made_all(&rig.server, &bodies).await;
    let other = made(&rig.server, &fail("the disk is full")).await;
    let flaky = json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 2}});
    let flaky = made(&rig.server, &flaky).await;
    for id in ids.iter().chain([&other, &flaky]) {
        ended(&rig.server, id).await;
    }
    let groups = rig.server.get("/api/jobs/errors").await.ok();
    let find = |pattern: &str| {
        let found = items(&groups).iter().find(|group| group["pattern"] == pattern);
        found.unwrap_or_else(|| panic!("no `{pattern}` in {groups}")).clone()
    };
    assert_eq!(items(&groups).len(), 3, "{groups}");
    let accounts = find("no account <number> at <number>");
    assert_eq!((&accounts["attempts"], &accounts["jobs"]), (&json!(5), &json!(5)), "{accounts}");
    assert_eq!(
        (&accounts["kind"], &accounts["code"]),
        (&json!("demo.fail"), &json!("demo.failed"))
    );
    let flakes = find("failure <number> of <number>, as asked");
    assert_eq!((&flakes["attempts"], &flakes["jobs"]), (&json!(2), &json!(0)), "{flakes}");
    let fingerprint = text(&accounts["fingerprint"]).to_owned();
    let job = rig.server.get(&format!("/api/jobs/{}", ids[0])).await.ok();
    assert_eq!(job["fingerprint"], fingerprint, "{job}");
    // The jobs of a group, here and on the command line.
    let listed = rig.server.get(&format!("/api/jobs/status?error={fingerprint}")).await.ok();
    assert_eq!(items(&listed).len(), 5, "{listed}");
    let waiting = format!("/api/jobs/status?error={fingerprint}&state=queued");
    assert!(items(&rig.server.get(&waiting).await.ok()).is_empty());
    let (code, out, err) = run(&rig, &["job", "errors", "--kind", "demo.fail", "-o", "json"]).await;
    assert_eq!((code, items(&out).len()), (Some(0), 2), "{out}{err}");
    let word = format!("error:{fingerprint}");
    let (code, out, err) = run(&rig, &["job", "list", &word, "-o", "json"]).await;
    assert_eq!((code, items(&out).len()), (Some(0), 5), "{out}{err}");
    let (code, out, err) = run(&rig, &["job", "retry", &word, "--yes", "-o", "json"]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    // They fail again, and count again.
    eventually(async || {
        let groups = rig.server.get("/api/jobs/errors?kind=demo.fail&limit=500").await.ok();
        let same = |group: &&Value| group["fingerprint"] == fingerprint;
        let group = items(&groups).iter().find(same)?;
        (group["attempts"] == 10).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pages_and_mistakes_of_the_list_of_failures() {
    let rig = Rig::with(watchful).await;
    for message in ["one", "two", "three"] {
        let id = made(&rig.server, &fail(message)).await;
        ended(&rig.server, &id).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/jobs/errors?limit=2".to_owned();
    loop {
        let page = rig.server.get(&path).await.ok();
        seen.extend(items(&page).iter().map(|group| text(&group["pattern"]).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/jobs/errors?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["three", "two", "one"]);
    for (path, code, part) in [
        ("/api/jobs/errors?cursor=7", "invalid_cursor", "`cursor`"),
        ("/api/jobs/errors?since=yesterday", "invalid_query", "`since`"),
        ("/api/jobs/errors?kin=a", "invalid_query", "kind"),
        ("/api/jobs/status?error=7", "invalid_query", "16 hexadecimal digits"),
    ] {
        let answer = rig.server.get(path).await;
        assert!(answer.problem(400, code).contains(part), "{path}: {}", answer.text);
    }
    let nobody = rig.server.get("/api/jobs/kinds/demo.slep").await;
    assert!(nobody.problem(404, "not_found").contains("did you mean `demo.sleep`?"));
}

#[tokio::test]
async fn a_kind_is_treated_as_the_operator_says() {
    let kinds = json!({
        "demo.flaky": {"max_attempts": 2, "backoff": {"steps": ["1ms", "2ms"]}, "rate": "1000/1s"},
        "demo.sleep": {"priority": 1, "concurrency": 7, "deadline": "30s"},
        "demo.nobody": {"priority": 1},
    });
    let rig = Rig::with(|launch| setting(watchful(launch), "KINDS", &kinds.to_string())).await;
    let flaky = json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 9}});
    let id = made(&rig.server, &flaky).await;
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(2)), "{job}");
    let kind = eventually(async || {
        let kind = rig.server.get("/api/jobs/kinds/demo.flaky").await.ok();
        Some(kind).filter(|kind| kind["workers"] == 1)
    })
    .await;
    assert_eq!(kind["overrides"], json!(["max_attempts", "backoff", "rate"]), "{kind}");
    assert_eq!((&kind["max_attempts"], &kind["rate"]), (&json!(2), &json!("1000/1s")));
    assert_eq!(kind["backoff"]["steps_ms"], json!([1, 2]));
    assert_eq!((&kind["provider"], &kind["queue"]), (&json!("demo"), &json!("demo")));
    assert!(kind["args"]["properties"]["fail_times"].is_object(), "{kind}");
    let list = rig.server.get("/api/jobs/kinds").await.ok();
    let names: Vec<&str> = items(&list).iter().map(|kind| text(&kind["kind"])).collect();
    assert!(names.is_sorted() && names.contains(&"demo.sleep"), "{names:?}");
    let tick = items(&list).iter().find(|kind| kind["kind"] == "demo.tick").unwrap();
    assert_eq!(tick["schedules"][0]["cron"], "* * * * *", "{tick}");
    let (code, out, err) = run(&rig, &["job", "kinds", "demo.sleep", "-o", "json"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        (&out["priority"], &out["concurrency"], &out["deadline_ms"]),
        (&json!(1), &json!(7), &json!(30_000)),
        "{out}"
    );
    let (code, _, err) = run(&rig, &["job", "kinds"]).await;
    assert_eq!(code, Some(0), "{err}");
}

#[tokio::test]
async fn mistakes_in_what_is_said_of_kinds_are_named_with_their_paths() {
    let kinds = json!({
        "sleep": {"priority": 1},
        "demo.sleep": {"max_attempts": 0, "rate": "fast", "backof": {}, "deadline": "0s"},
        "demo.flaky": {"backoff": {"factor": 0.5, "jitter": 2, "steps": ["soon"]}},
    });
    let check = command(&["config", "check"]).env("MINDFLIGHT_JOBS__KINDS", &kinds.to_string());
    let output = check.output().await.unwrap();
    assert_ne!(output.status.code(), Some(0));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for part in [
        "jobs.kinds.sleep",
        "provider.kind",
        "jobs.kinds.demo.sleep.max_attempts",
        "jobs.kinds.demo.sleep.rate",
        "100/1m",
        "did you mean `jobs.kinds.demo.sleep.backoff`?",
        "jobs.kinds.demo.sleep.deadline",
        "jobs.kinds.demo.flaky.backoff.factor",
        "jobs.kinds.demo.flaky.backoff.jitter",
        "jobs.kinds.demo.flaky.backoff.steps.0",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
}
