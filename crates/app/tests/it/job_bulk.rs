//! One action on any number of jobs as a job of its own; jobs that are put off by hand.

use mindflight_store::admin::Admin;
use mindflight_testapp::{Answer, Instance, Launch};
use serde_json::{Value, json};

use crate::jobs::{
    act, acted, ended, ends, enqueue, idle, items, job, made, once, running, sleep, text, watchful,
};
use crate::rig::{Rig, command, eventually, start};

/// Fails as long as fewer than two wait for locks in this database.
const TWO_WAIT: &str = "
    SELECT 1 / (count(*) / 2)
    FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";
const ONE_WAITS: &str = "
    SELECT 1 / count(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// A job that is not due.
fn late() -> Value {
    json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"})
}

async fn rig() -> Rig {
    Rig::with(watchful).await
}

async fn many(server: &Instance, count: usize) {
    for _ in 0..count / 1000 {
        assert_eq!(enqueue(server, &json!(vec![late(); 1000])).await.status, 201);
    }
    let rest = vec![late(); count % 1000];
    if !rest.is_empty() {
        assert_eq!(enqueue(server, &json!(rest)).await.status, 201);
    }
}

async fn ask(server: &Instance, action: &str, filter: &Value) -> Answer {
    let body = json!({"action": action, "filter": filter});
    let call = server.call("POST", "/api/jobs/bulk").header("prefer", "respond-async");
    call.json(&body).send().await
}

/// Asks for it, and gives the id of the job that does it.
async fn asked(server: &Instance, action: &str, filter: Value) -> String {
    let answer = ask(server, action, &filter).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    text(&answer.body["job"]["id"]).to_owned()
}

async fn admin(rig: &Rig) -> Admin {
    Admin::connect(&rig.db.settings()).await.unwrap()
}

async fn in_state(server: &Instance, state: &str) -> Value {
    let path = format!("/api/jobs?kind=demo.sleep&state={state}&limit=1");
    server.get(&path).await.ok()["counts"][state].clone()
}

#[tokio::test]
async fn any_number_of_jobs_is_changed_by_a_job_that_says_how_far_it_is() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let other = start(idle(watchful(Launch::serve(crate::rig::BINARY, rig.db.url())))).await;
    let other = other.with_key(&key);
    many(&other, 1300).await;
    let answer = ask(&other, "cancel", &json!({"kind": "demo.sleep"})).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let made = &answer.body["job"];
    let expected = (&json!("mindflight.bulk"), &json!("mindflight"), &json!("mindflight"));
    assert_eq!((&made["kind"], &made["provider"], &made["queue"]), expected);
    let id = text(&made["id"]);
    assert_eq!(answer.header("location"), format!("/api/jobs/{id}"));
    let done = ended(&other, id).await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["result"], json!({"done": 1300, "refused": 0}));
    let progress = json!({"done": 1300.0, "total": 1300.0, "message": "1300 cancelled"});
    assert_eq!(done["progress"], progress);
    assert_eq!(in_state(&other, "cancelled").await, 1300);
    let list = other.get("/api/jobs?kind=mindflight.bulk").await.ok();
    assert_eq!(items(&list).len(), 1);
    let again = asked(&other, "delete", json!({"kind": "demo.sleep"})).await;
    assert_eq!(ended(&other, &again).await["result"], json!({"done": 1300, "refused": 0}));
    assert_eq!(in_state(&other, "cancelled").await, 0);
    let audit = other.get("/api/audit?action=job.bulk").await.ok();
    let rows: Vec<&str> = items(&audit).iter().map(|row| text(&row["target"])).collect();
    assert_eq!(rows, [again.as_str(), id]);
    let detail = &items(&audit)[1]["detail"];
    let filter = json!({"kind": "demo.sleep"});
    let expected = json!({"action": "cancel", "filter": filter, "done": 1300, "refused": 0});
    assert_eq!(detail, &expected);
    let batches = other.get(&format!("/api/audit?action=job.cancel&target={id}")).await.ok();
    let sum: u64 = items(&batches).iter().filter_map(|row| row["detail"]["done"].as_u64()).sum();
    assert_eq!((items(&batches).len(), sum), (3, 1300));
    let providers = other.get("/api/providers").await.ok();
    assert!(items(&providers).iter().all(|one| one["name"] != "mindflight"), "{providers}");
}

/// T1, for an action on many jobs: the last batch is held up, so that the server dies in the middle.
#[tokio::test]
async fn a_bulk_action_goes_on_when_its_server_is_killed() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    many(&rig.server, 1700).await;
    let mut lock = admin(&rig).await;
    let oldest = "BEGIN; SELECT FROM mindflight.scheduled ORDER BY id LIMIT 1 FOR UPDATE";
    lock.run(oldest).await.unwrap();
    let id = asked(&rig.server, "cancel", json!({"kind": "demo.sleep"})).await;
    let far = once(&rig.server, &id, |job| job["progress"]["done"] == 1500.0).await;
    assert_eq!(far["progress"]["total"], 1700.0, "{far}");
    let mut look = admin(&rig).await;
    eventually(async || look.run(ONE_WAITS).await.ok()).await;
    let Rig { server, db } = rig;
    server.kill().await.unwrap();
    lock.run("ROLLBACK").await.unwrap();
    let second = start(watchful(Launch::serve(crate::rig::BINARY, db.url()))).await.with_key(&key);
    let done = ended(&second, &id).await;
    assert_eq!(done["result"], json!({"done": 1700, "refused": 0}), "{done}");
    assert_eq!(ends(&done), ["crashed", "succeeded"]);
    assert_eq!(in_state(&second, "cancelled").await, 1700);
    let batches = second.get(&format!("/api/audit?action=job.cancel&target={id}")).await.ok();
    let sum: u64 = items(&batches).iter().filter_map(|row| row["detail"]["done"].as_u64()).sum();
    assert_eq!(sum, 1700, "nothing is done twice");
    drop((second, db));
}

/// The first batch is held up, so that it is stopped with most of the work before it.
#[tokio::test]
async fn a_bulk_action_that_is_cancelled_stops_and_says_how_far_it_came() {
    let rig = rig().await;
    many(&rig.server, 6000).await;
    let mut lock = admin(&rig).await;
    let newest = "BEGIN; SELECT FROM mindflight.scheduled ORDER BY id DESC LIMIT 1 FOR UPDATE";
    lock.run(newest).await.unwrap();
    let id = asked(&rig.server, "cancel", json!({"kind": "demo.sleep"})).await;
    running(&rig.server, &id).await;
    let mut look = admin(&rig).await;
    eventually(async || look.run(ONE_WAITS).await.ok()).await;
    let release = async {
        eventually(async || look.run(TWO_WAIT).await.ok()).await;
        lock.run("ROLLBACK").await.unwrap();
    };
    let (asked, ()) = tokio::join!(act(&rig.server, &id, "cancel"), release);
    let _ = asked.ok();
    let stopped = ended(&rig.server, &id).await;
    assert_eq!(stopped["state"], "cancelled", "{stopped}");
    let done = stopped["progress"]["done"].as_f64().unwrap();
    assert!((500.0..6000.0).contains(&done), "{stopped}");
    assert_eq!(in_state(&rig.server, "cancelled").await.as_f64(), Some(done));
    let audit = rig.server.get("/api/audit?action=job.bulk").await.ok();
    let row = &items(&audit)[0];
    assert_eq!(
        (&row["outcome"], row["detail"]["done"].as_f64()),
        (&json!("job_cancelled"), Some(done))
    );
    // A retry by hand goes on there.
    acted(&rig.server, &id, "retry").await;
    assert_eq!(ended(&rig.server, &id).await["result"], json!({"done": 6000, "refused": 0}));
}

#[tokio::test]
async fn a_bulk_action_needs_the_scope_and_a_filter_that_says_something() {
    let rig = rig().await;
    let reader = rig.key("jobs:read").await;
    let body = json!({"action": "delete", "filter": {"kind": "demo.sleep"}});
    let call = rig.server.call("POST", "/api/jobs/bulk").key(&reader);
    let refused = call.header("prefer", "respond-async").json(&body).send().await;
    assert!(refused.problem(403, "forbidden").contains("jobs:write"));
    let empty = ask(&rig.server, "delete", &json!({})).await;
    assert!(empty.problem(422, "invalid_body").contains("at least one member"));
    let snooze = ask(&rig.server, "snooze", &json!({"kind": "demo.sleep"})).await;
    assert!(snooze.problem(422, "invalid_body").contains("one by one"));
    // The kind can be asked for as any other; its handler looks again.
    let args = json!({"action": "delete", "filter": {}});
    let direct = made(&rig.server, &json!({"kind": "mindflight.bulk", "args": args})).await;
    let failed = ended(&rig.server, &direct).await;
    assert_eq!(
        (&failed["state"], &failed["error"]["code"]),
        (&json!("failed"), &json!("invalid_body"))
    );
}

#[tokio::test]
async fn jobs_are_chosen_by_an_argument() {
    let rig = rig().await;
    let of = |ms: u64| json!({"kind": "demo.sleep", "args": {"ms": ms}, "delay": "1h"});
    let seven = made(&rig.server, &of(7)).await;
    let eight = made(&rig.server, &of(8)).await;
    let body = json!({"action": "cancel", "filter": {"args": {"ms": "7"}}});
    let done = rig.server.post("/api/jobs/bulk", &body).await.ok();
    assert_eq!(done, json!({"done": 1, "refused": 0, "more": false}));
    assert_eq!(job(&rig.server, &seven).await["state"], "cancelled");
    assert_eq!(job(&rig.server, &eight).await["state"], "scheduled");
}

#[tokio::test]
async fn a_job_is_put_off_by_hand_and_runs_when_it_is_due() {
    let rig = rig().await;
    rig.server.call("POST", "/api/queues/demo/pause").send().await;
    let late = made(&rig.server, &late()).await;
    crate::jobs::post(&rig.server, "/api/queues/demo/pause").await;
    let id = made(&rig.server, &sleep(0)).await;
    let snooze = async |id: &str, body: Value| {
        rig.server.post(&format!("/api/jobs/{id}/snooze"), &body).await
    };
    let off = snooze(&id, json!({"for": "1h"})).await.ok();
    assert_eq!(off["state"], "scheduled", "{off}");
    assert!(text(&off["reason"]).starts_with("not due until"), "{off}");
    assert_eq!(off["actions"], json!(["cancel", "retry", "snooze"]));
    crate::jobs::post(&rig.server, "/api/queues/demo/resume").await;
    // Sooner than the other one that is not due.
    let _ = snooze(&id, json!({"for": 0.1})).await.ok();
    assert_eq!(ended(&rig.server, &id).await["state"], "succeeded");
    let ended_one = snooze(&id, json!({"for": "1h"})).await;
    assert!(ended_one.problem(409, "conflict").contains("is succeeded: it cannot be put off"));
    let wrong = snooze(&late, json!({"for": "soon"})).await;
    assert!(wrong.problem(422, "invalid_body").contains("10m"));
    let id = made(&rig.server, &sleep(60_000)).await;
    running(&rig.server, &id).await;
    let refused = snooze(&id, json!({"until": "2030-01-01T00:00:00Z"})).await;
    assert_eq!(refused.body["fix"], "Cancel it, or let it end.", "{}", refused.text);
    let audit = rig.server.get("/api/audit?action=job.snooze").await.ok();
    assert_eq!(items(&audit).len(), 2, "{audit}");
}

/// How a command ended: its code, and what it printed for programs and for people.
async fn run(rig: &Rig, line: &str) -> (Option<i32>, String, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let launch = command(&words).env("MINDFLIGHT_URL", rig.server.url());
    let output = launch.env("MINDFLIGHT_KEY", &rig.key("admin").await).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn many_jobs_are_changed_and_one_is_put_off_on_the_command_line() {
    let rig = rig().await;
    many(&rig.server, 1100).await;
    let (code, out, err) = run(&rig, "job cancel kind:demo.sleep --yes").await;
    assert_eq!((code, out.as_str()), (Some(0), "1100 cancelled\n"), "{err}");
    let (code, out, err) = run(&rig, "job delete kind:demo.sleep --yes --async").await;
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = run(&rig, &format!("job watch {}", out.trim())).await;
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(in_state(&rig.server, "cancelled").await, 0);
    let id = made(&rig.server, &late()).await;
    let (code, out, err) = run(&rig, &format!("job snooze {id} --until 2030-01-31")).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("is put off until 2030-01-31"), "{out}");
    assert_eq!(text(&job(&rig.server, &id).await["run_at"]), "2030-01-31T00:00:00Z");
}
