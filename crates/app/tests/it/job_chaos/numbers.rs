//! T4: a database that crashes a moment after workers were put on its list, and after claims that it need not remember.

use mindflight_core::api::InstanceId;
use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use mindflight_store::jobs::{Begin, Claim, Lane, Registration};
use serde_json::{Value, json};

use super::cut::{open, shut_down_at_once};
use super::{QUEUE, Site, counted_once, described, listed, many};
use crate::jobs::{count, counted, made_all, setting, sleep};
use crate::rig::eventually;
use crate::start::open_folder;

/// Makes the database of this test.
async fn database(url: &str) {
    let mut admin = Admin::connect(&Settings::new(url)).await.unwrap();
    admin.create_database("jobs", None).await.unwrap();
}

/// A worker that takes some jobs: its number, and how many it got.
async fn come_and_take(site: &Site) -> (i64, usize) {
    let jobs = site.store.jobs();
    let (mut keeper, mut claimer) = (jobs.keeper().unwrap(), jobs.claimer().unwrap());
    let names = jobs.names();
    let queue = names.queue(QUEUE, true).await.unwrap();
    let kinds = [names.kind("demo.count").await.unwrap()];
    let registration = Registration {
        instance: InstanceId::new(),
        holder: None,
        host: "here".to_owned(),
        pid: 1,
        version: "1".to_owned(),
        slots: 8,
        kinds: kinds.to_vec(),
    };
    let worker = keeper.register(&registration).await.unwrap();
    let claim =
        Claim { queue, lane: Lane::Usual, limit: 20, worker, kinds: &kinds, begin: Begin::Start };
    (worker, claimer.claim(&claim).await.unwrap().len())
}

#[tokio::test]
async fn no_number_of_a_worker_is_given_twice_however_soon_the_database_crashes() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let mut cluster = open(&dir);
    database(&cluster.url("postgres")).await;
    let site = Site::on(&cluster.url("jobs")).await;
    let maker = site.server(0).await;
    made_all(&maker, &many(80, &count("k"))).await;
    maker.terminate().await.unwrap();
    let mut numbers: Vec<i64> = Vec::new();
    for round in 0..3 {
        let (worker, taken) = come_and_take(&site).await;
        assert_eq!(taken, 20, "round {round}");
        assert!(numbers.iter().all(|before| worker > *before), "{worker} after {numbers:?}");
        numbers.push(worker);
        shut_down_at_once(cluster);
        cluster = open(&dir);
        eventually(async || site.store.job_views().misplaced().await.ok()).await;
        assert_eq!(site.store.job_views().misplaced().await.unwrap(), [], "round {round}");
    }
    // Whether a claim was remembered or not, its jobs run, and once.
    let server = site.server(20).await;
    site.all_succeed(80).await;
    counted_once(&listed(&server).await);
    assert_eq!(counted(&server, "k").await, 80);
    for job in described(&server).await {
        let mut known =
            job["attempts"].as_array().unwrap().iter().map(|one| one["worker"].as_i64());
        let last = known.next_back().flatten().unwrap();
        assert!(numbers.iter().all(|before| last > *before), "{job}");
    }
    server.terminate().await.unwrap();
    site.store.close().await;
    cluster.stop().unwrap();
}

/// Whoever comes back takes nobody for dead who was away as well.
#[tokio::test]
async fn nobody_is_taken_for_dead_when_the_database_comes_back() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let mut cluster = open(&dir);
    database(&cluster.url("postgres")).await;
    let site = Site::on(&cluster.url("jobs")).await;
    let patient = async || {
        site.with(|launch| {
            let launch = setting(launch, "FENCE_AFTER", "40s");
            let launch = setting(launch, "DEAD_AFTER", "50s");
            setting(launch, "WORKERS", "10")
        })
        .await
    };
    let (one, other) = (patient().await, patient().await);
    let mut job = sleep(400);
    job["max_attempts"] = json!(100);
    made_all(&one, &many(40, &job)).await;
    site.until(5, &[mindflight_core::api::JobState::Succeeded]).await;
    for _ in 0..3 {
        shut_down_at_once(cluster);
        cluster = open(&dir);
    }
    site.all_succeed(40).await;
    let crashed = |job: &Value| crate::jobs::ends(job).contains(&"crashed");
    let jobs = described(&one).await;
    assert!(!jobs.iter().any(crashed), "{jobs:#?}");
    for server in [one, other] {
        assert!(!server.log().contains("are dead"), "{}", server.log());
        server.terminate().await.unwrap();
    }
    site.store.close().await;
    cluster.stop().unwrap();
}
