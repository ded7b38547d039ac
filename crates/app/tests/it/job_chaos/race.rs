//! The same jobs changed from several sides at once.

use std::collections::HashMap;

use mindflight_core::api::JobState;
use serde_json::{Value, json};

use super::{Site, listed, many};
use crate::jobs::{act, count, counted, made_all, sleep, text};

/// T22. Whoever is told that a job was cancelled does not find that it has succeeded, other than one that was too
/// far to be stopped.
#[tokio::test]
async fn cancelling_races_with_taking_and_ending_and_one_of_them_wins() {
    let site = Site::new().await;
    let (first, second) = (site.server(4).await, site.server(0).await);
    let mut jobs = many(60, &sleep(5));
    jobs.extend(many(60, &count("k")));
    let ids = made_all(&first, &jobs).await;
    let mut told = HashMap::new();
    // From the end, towards those that run.
    for id in ids.iter().rev() {
        let answer = act(&second, id, "cancel").await;
        let state = match answer.status {
            200 => text(&answer.body["state"]).to_owned(),
            409 => "ended".to_owned(),
            other => panic!("{other}: {}", answer.text),
        };
        told.insert(id.clone(), state);
    }
    site.all_end().await;
    let after = listed(&second).await;
    assert_eq!(after.len(), ids.len());
    for job in &after {
        match told[text(&job["id"])].as_str() {
            "cancelled" => assert_eq!(job["state"], "cancelled", "{job}"),
            "ended" => assert_eq!(job["state"], "succeeded", "{job}"),
            _ => assert!(job["state"] == "cancelled" || job["state"] == "succeeded", "{job}"),
        }
    }
    // What was stopped has not counted, and what has counted was not stopped.
    let done = |job: &&Value| job["kind"] == "demo.count" && job["state"] == "succeeded";
    assert_eq!(counted(&first, "k").await, after.iter().filter(done).count() as i64);
    assert_eq!(site.store.job_views().misplaced().await.unwrap(), []);
}

/// T10. Many jobs at once, from both ends, while they are taken and end.
#[tokio::test]
async fn bulk_actions_on_the_same_jobs_do_not_lock_each_other_out() {
    let site = Site::new().await;
    let (first, second) = (site.server(4).await, site.server(4).await);
    let ids = made_all(&first, &many(200, &count("k"))).await;
    let reversed: Vec<&String> = ids.iter().rev().collect();
    for round in 0..3 {
        let ask = |action: &str, ids: Value| json!({"action": action, "filter": {"ids": ids}});
        let (cancel, retry) = (ask("cancel", json!(ids)), ask("retry", json!(reversed)));
        let (one, other, third) = tokio::join!(
            first.post("/api/jobs/bulk", &cancel),
            second.post("/api/jobs/bulk", &retry),
            second.post("/api/jobs/bulk", &cancel),
        );
        for answer in [one, other, third] {
            assert_eq!(answer.status, 200, "{round}: {}", answer.text);
            let (done, refused) = (&answer.body["done"], &answer.body["refused"]);
            assert_eq!(done.as_u64().unwrap() + refused.as_u64().unwrap(), 200, "{round}");
        }
    }
    site.all_end().await;
    let succeeded = site.count(&[JobState::Succeeded]).await;
    let cancelled = site.count(&[JobState::Cancelled]).await;
    assert_eq!(succeeded + cancelled, 200);
    assert_eq!(counted(&first, "k").await, i64::try_from(succeeded).unwrap());
    assert_eq!(site.store.job_views().misplaced().await.unwrap(), []);
    for server in [&first, &second] {
        assert!(!server.log().contains("deadlock"), "{}", server.log());
    }
}
