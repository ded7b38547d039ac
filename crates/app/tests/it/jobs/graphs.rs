//! Jobs that wait for others, and what makes jobs the same, over HTTP and on the command line.

use mindflight_testapp::{Answer, Launch};
use serde_json::{Value, json};

use super::{
    acted, ended, enqueue, idle, items, job, made, once, reason, rig, running, sleep, text,
};
use crate::rig::{BINARY, Rig, command, start};

/// A job that adds numbers, and what the jobs gave that it waited for.
fn sum(numbers: &[i64], more: &Value) -> Value {
    let mut job = json!({"kind": "demo.sum", "args": {"numbers": numbers}});
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

fn ids(made: &Value) -> Vec<String> {
    items(made).iter().map(|job| text(&job["id"]).to_owned()).collect()
}

/// Place and words of the one mistake.
#[track_caller]
fn mistake(refused: &Answer) -> (String, String) {
    let detail = refused.problem(422, "invalid_body");
    let errors = refused.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{}", refused.text);
    (text(&errors[0]["pointer"]).to_owned(), detail.to_owned())
}

async fn run(rig: &Rig, arguments: &[&str]) -> (Option<i32>, String, String) {
    let launch: Launch = command(arguments).env("MINDFLIGHT_URL", rig.server.url());
    let output = launch.env("MINDFLIGHT_KEY", &rig.key("admin").await).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_graph_is_made_in_one_call_and_its_results_come_together() {
    let rig = rig().await;
    let graph = json!([
        sum(&[100], &json!({"after": ["left", "right"]})),
        sum(&[1, 2], &json!({"name": "left", "after": ["top"]})),
        sum(&[3], &json!({"name": "right", "after": ["top"]})),
        {"name": "top", "kind": "demo.sleep", "args": {"ms": 300}},
    ]);
    let made = enqueue(&rig.server, &graph).await.ok();
    let all = ids(&made);
    let states: Vec<&str> = items(&made).iter().map(|job| text(&job["state"])).collect();
    assert_eq!(states[..3], ["blocked"; 3], "{made}");
    assert!(items(&made)[0]["name"].is_null(), "{made}");
    let waiting = job(&rig.server, &all[0]).await;
    assert_eq!(waiting["after"][1]["id"], json!(all[2]), "{waiting}");
    let end = ended(&rig.server, &all[0]).await;
    assert_eq!(end["result"], json!({"sum": 106, "parents": 2, "failed": 0}), "{end}");
    let parents =
        json!([{"id": all[1], "state": "succeeded"}, {"id": all[2], "state": "succeeded"}]);
    assert_eq!(end["after"], parents);
    let mut then: Vec<&str> = all[1..3].iter().map(String::as_str).collect();
    then.sort_unstable();
    assert_eq!(job(&rig.server, &all[3]).await["then"], json!(then));
}

#[tokio::test]
async fn what_waits_for_a_failure_is_cancelled_unless_it_says_otherwise() {
    let rig = rig().await;
    let graph = json!([
        {"name": "bad", "kind": "demo.fail"},
        sum(&[1], &json!({"name": "minding", "after": ["bad"]})),
        sum(&[2], &json!({"after": ["minding"]})),
        sum(&[3], &json!({"after": ["bad", "minding"], "on_failure": "run"})),
    ]);
    let all = ids(&enqueue(&rig.server, &graph).await.ok());
    for id in &all[1..3] {
        let end = ended(&rig.server, id).await;
        assert_eq!(
            (&end["state"], &end["error"]["code"]),
            (&json!("cancelled"), &json!("job_parent_failed"))
        );
    }
    assert!(reason(&job(&rig.server, &all[1]).await).contains(&all[0]));
    let end = ended(&rig.server, &all[3]).await;
    assert_eq!(end["result"], json!({"sum": 3, "parents": 2, "failed": 2}), "{end}");
    let cancelled = rig.server.get("/api/jobs?state=cancelled").await.ok();
    assert_eq!(items(&cancelled).len(), 2, "{cancelled}");
}

#[tokio::test]
async fn jobs_that_wait_are_blocked_in_lists_and_counts_and_may_be_cancelled() {
    let rig = Rig::with(|launch| idle(super::watchful(launch))).await;
    let first = made(&rig.server, &sleep(0)).await;
    let chain = made(&rig.server, &sum(&[], &json!({"after": [first]}))).await;
    let last = made(&rig.server, &sum(&[], &json!({"after": [chain, first]}))).await;
    let list = rig.server.get("/api/jobs?state=blocked").await.ok();
    assert_eq!((items(&list).len(), &list["counts"]["blocked"]), (2, &json!(2)), "{list}");
    assert_eq!(rig.server.get("/api/jobs?state=scheduled,retrying").await.ok()["items"], json!([]));
    assert_eq!(rig.server.get("/api/queues/demo").await.ok()["blocked"], 2);
    let waiting = job(&rig.server, &last).await;
    assert_eq!(
        (reason(&waiting), &waiting["actions"]),
        ("waits for 2 of 2 jobs", &json!(["cancel"]))
    );
    let refused = super::act(&rig.server, &last, "retry").await;
    let _ = refused.problem(409, "conflict");
    acted(&rig.server, &first, "cancel").await;
    for id in [&chain, &last] {
        assert_eq!(job(&rig.server, id).await["state"], "cancelled");
    }
    acted(&rig.server, &last, "retry").await;
    assert_eq!(job(&rig.server, &last).await["state"], "queued");
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_refused_with_its_place() {
    let rig = rig().await;
    let server = &rig.server;
    let absent = "01a1fe3d-d7c3-74b4-9cf4-6ae3c09894f5";
    let refused = enqueue(server, &json!([sleep(0), sum(&[], &json!({"after": [absent]}))])).await;
    let (pointer, detail) = mistake(&refused);
    assert_eq!(pointer, "/1/after/0");
    assert!(detail.contains(absent), "{detail}");
    let named = |name: &str, after: &str| sum(&[], &json!({"name": name, "after": [after]}));
    let circle = enqueue(server, &json!([named("a", "b"), named("b", "a")])).await;
    assert!(mistake(&circle).1.contains("would wait for itself"), "{}", circle.text);
    let (pointer, detail) = mistake(&enqueue(server, &json!([named("a", "bb")])).await);
    assert_eq!(pointer, "/0/after/0");
    assert!(detail.contains("\"bb\" is no id"), "{detail}");
    let late = sum(&[], &json!({"after": [absent], "delay": "5m"}));
    assert_eq!(mistake(&enqueue(server, &late).await).0, "/after");
    assert_eq!(items(&server.get("/api/jobs?kind=demo.sum").await.ok()).len(), 0);
    // Another's job is not there for who may not read all.
    let owned = made(server, &sleep(0)).await;
    let writer = rig.key("jobs:write").await;
    let body = sum(&[], &json!({"after": [owned]}));
    let refused = server.call("POST", "/api/jobs").key(&writer).json(&body).send().await;
    assert!(mistake(&refused).1.contains(&owned), "{}", refused.text);
    let own = server.call("POST", "/api/jobs").key(&writer).json(&sleep(0)).send().await.ok();
    let body = sum(&[], &json!({"after": [own["id"]]}));
    let taken = server.call("POST", "/api/jobs").key(&writer).json(&body).send().await;
    assert_eq!(taken.status, 201, "{}", taken.text);
}

#[tokio::test]
async fn jobs_after_others_are_made_and_shown_on_the_command_line() {
    let rig = rig().await;
    let held = made(&rig.server, &sleep(60_000)).await;
    running(&rig.server, &held).await;
    let other = made(&rig.server, &sum(&[7], &json!({}))).await;
    let arguments =
        ["job", "enqueue", "demo.sum", "--after", &held, "--after", &other, "--on-failure", "run"];
    let (code, out, err) = run(&rig, &arguments).await;
    assert_eq!(code, Some(0), "{err}");
    let waiting = out.trim().to_owned();
    ended(&rig.server, &other).await;
    let (code, out, _) = run(&rig, &["job", "why", &waiting]).await;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("waits for 1 of 2 jobs"), "{out}");
    assert!(out.contains(&format!("next: mindflight job why {held}")), "{out}");
    let (_, out, _) = run(&rig, &["job", "show", &waiting]).await;
    assert!(out.contains(&format!("after\n  {held}  running\n  {other}  succeeded")), "{out}");
    let (_, out, _) = run(&rig, &["job", "show", &held]).await;
    assert!(out.contains(&format!("then\n  {waiting}")), "{out}");
    acted(&rig.server, &held, "cancel").await;
    let end = ended(&rig.server, &waiting).await;
    assert_eq!(end["result"], json!({"sum": 7, "parents": 2, "failed": 1}), "{end}");
    let (code, _, err) = run(&rig, &["job", "enqueue", "demo.sum", "--on-failure", "run"]).await;
    assert_eq!(code, Some(2), "{err}");
}

#[tokio::test]
async fn graphs_go_on_when_their_instance_is_killed() {
    let rig = rig().await;
    let victim = start(super::watchful(Launch::serve(BINARY, rig.db.url()))).await;
    let victim = victim.with_key(&rig.key("admin").await);
    let mut graph: Vec<Value> = (0..20)
        .map(|n| json!({"name": n.to_string(), "kind": "demo.count", "args": {"key": "graph"}}))
        .collect();
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    graph.push(sum(&[], &json!({"name": "all", "after": names})));
    graph.push(sum(&[1], &json!({"after": ["all"]})));
    let all = ids(&enqueue(&victim, &json!(graph)).await.ok());
    once(&rig.server, &all[3], |job| job["state"] == "succeeded").await;
    victim.kill().await.unwrap();
    let end = ended(&rig.server, &all[21]).await;
    // 1 + 2 + … + 20, and one more.
    assert_eq!(end["result"], json!({"sum": 211, "parents": 1, "failed": 0}), "{end}");
}

#[tokio::test]
async fn a_job_says_what_makes_it_the_same_as_another() {
    let rig = rig().await;
    let server = &rig.server;
    let with = |unique: Value, ms: u64| json!({"kind": "demo.sleep", "args": {"ms": ms}, "unique": unique});
    let century = "36500d";
    let refused = enqueue(server, &with(json!({"period": century}), 0)).await;
    assert_eq!(mistake(&refused).0, "/unique/period");
    let decade = json!({"key": "k", "period": "3650d", "release": "period"});
    let first = made(server, &with(decade.clone(), 0)).await;
    ended(server, &first).await;
    let again = enqueue(server, &with(decade.clone(), 1)).await;
    assert_eq!((again.status, &again.body["existing"]), (200, &json!(true)), "{}", again.text);
    assert_eq!(text(&again.body["id"]), first);
    let by_args = json!({"args": ["ms"]});
    let second = made(server, &with(by_args.clone(), 2)).await;
    ended(server, &second).await;
    let third = enqueue(server, &with(by_args, 2)).await;
    assert_eq!(third.status, 201, "it has ended: {}", third.text);
    let both = json!({"kind": "demo.sleep", "args": {"ms": 0}, "unique": {}, "unique_key": "k"});
    assert_eq!(mistake(&enqueue(server, &both).await).0, "/unique");
    let arguments = [
        "job",
        "enqueue",
        "demo.sleep",
        "ms=5",
        "--unique-key",
        "cli",
        "--unique-period",
        "3650d",
        "--unique-release",
        "period",
    ];
    let (code, first, err) = run(&rig, &arguments).await;
    assert_eq!(code, Some(0), "{err}");
    ended(server, first.trim()).await;
    let (code, second, _) = run(&rig, &arguments).await;
    assert_eq!((code, second), (Some(0), first));
}
