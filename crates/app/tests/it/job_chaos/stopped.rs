//! Processes that are stopped for so long that others take their jobs, and then go on.

use mindflight_core::api::JobState;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Site, described, many, worker};
use crate::jobs::{
    count, counted, ended, ends, items, made, made_all, running, setting, sleep, text,
};
use crate::rig::eventually;

/// The number under which a process runs jobs.
async fn number(server: &mindflight_testapp::Instance, pid: i32) -> Option<i64> {
    let list = server.get("/api/workers").await.ok();
    let worker = items(&list).iter().find(|worker| worker["pid"] == pid)?;
    worker["id"].as_i64()
}

/// What others must not change any more: how a job ended, and who tried it.
/// Without the progress, which is written a moment later than the end.
fn kept(jobs: &[Value]) -> Vec<[&Value; 6]> {
    let members = ["id", "state", "attempt", "attempts", "result", "finished_at"];
    jobs.iter().map(|job| members.map(|member| &job[member])).collect()
}

/// T2.
#[tokio::test]
async fn a_worker_that_was_stopped_past_its_lease_writes_nothing_and_begins_anew() {
    let site = Site::new().await;
    let stopped = site.server(200).await;
    let old = eventually(async || number(&stopped, stopped.pid()).await).await;
    let mut jobs = many(2, &sleep(700));
    jobs.extend(many(
        1,
        &json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 0}, "delay": 0.2}),
    ));
    let mut counts = count("k");
    counts["delay"] = json!(0.2);
    jobs.extend(many(1, &counts));
    made_all(&stopped, &jobs).await;
    // The last two cannot end before they are taken over.
    let mut admin = site.admin().await;
    admin.run("BEGIN; LOCK TABLE mindflight.memory IN EXCLUSIVE MODE").await.unwrap();
    site.until(4, &[JobState::Running]).await;
    stopped.signal(Signal::STOP);
    let other = site.server(200).await;
    let new = eventually(async || number(&other, other.pid()).await).await;
    // The database's own session of the stopped process gets its row now, and holds it.
    admin.run("ROLLBACK").await.unwrap();
    site.all_succeed(4).await;
    let before = described(&other).await;
    for job in &before {
        assert_eq!(ends(job).first(), Some(&"crashed"), "{job}");
        assert_eq!(ends(job).last(), Some(&"succeeded"), "{job}");
        assert_eq!(worker(job, 0), old, "{job}");
        assert_eq!(worker(job, ends(job).len() - 1), new, "{job}");
    }
    stopped.signal(Signal::CONT);
    let again =
        eventually(async || number(&other, stopped.pid()).await.filter(|number| *number != old))
            .await;
    // Whatever it had to say about its old jobs was said before, or is refused.
    other.terminate().await.unwrap();
    let id = made(&stopped, &many(1, &sleep(0))[0]).await;
    let job = ended(&stopped, &id).await;
    assert_eq!((&job["state"], worker(&job, 0)), (&json!("succeeded"), again));
    let after: Vec<Value> =
        described(&stopped).await.into_iter().filter(|job| text(&job["id"]) != id).collect();
    assert_eq!(kept(&after), kept(&before));
    assert_eq!(counted(&stopped, "k").await, 1);
    assert_eq!(site.store.job_views().misplaced().await.unwrap(), []);
}

/// T3. Ten times as long.
#[tokio::test]
async fn a_job_may_run_much_longer_than_a_silent_worker_lives() {
    let site = Site::new().await;
    let strict = async || {
        site.with(|launch| {
            let launch = setting(launch, "BEAT", "50ms");
            let launch = setting(launch, "FENCE_AFTER", "300ms");
            setting(launch, "DEAD_AFTER", "400ms")
        })
        .await
    };
    let long = strict().await;
    let id = made(&long, &many(1, &sleep(4000))[0]).await;
    running(&long, &id).await;
    let other = strict().await;
    let job = ended(&other, &id).await;
    assert_eq!(ends(&job), ["succeeded"], "{job}");
}
