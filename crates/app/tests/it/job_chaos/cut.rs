//! Databases that cut connections, or go down and come back.

use std::path::Path;
use std::time::Instant;

use mindflight_core::api::JobState;
use mindflight_embedded_postgres::{Cluster, Options};
use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{PATIENCE, Site, counted_once, listed, many};
use crate::jobs::{count, counted, enqueue, made_all, sleep, text};
use crate::rig::eventually;
use crate::start::open_folder;

/// Cuts the connections whose names are so; fails if there are none.
macro_rules! cut {
    ($names:literal) => {
        concat!(
            "SELECT 1 / count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity ",
            "WHERE datname = current_database() AND application_name ",
            $names
        )
    };
}

/// Of every role, and of the pool.
const CUTS: [&str; 6] = [
    cut!("LIKE '%-claimer'"),
    cut!("LIKE '%-completer'"),
    cut!("LIKE '%-keeper'"),
    cut!("LIKE '%-inserter'"),
    cut!("LIKE '%-recorder'"),
    cut!("NOT LIKE '%-%'"),
];

/// A job that is tried more often than anybody should need who is not cut off all the time.
fn patient(mut job: Value) -> Value {
    job["max_attempts"] = json!(100);
    job
}

/// Makes jobs until told to stop, however many answers are lost; the ids of those that were answered.
async fn made_meanwhile(
    server: &mindflight_testapp::Instance,
    mut goes_on: impl FnMut() -> bool,
) -> Vec<String> {
    let mut made = Vec::new();
    // Those that sleep give every role something to do.
    let jobs = json!([many(4, &patient(count("k"))), many(1, &patient(sleep(10)))].concat());
    while goes_on() {
        let answer = enqueue(server, &jobs).await;
        match answer.status {
            201 => made.extend(
                answer.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|job| text(&job["id"]).to_owned()),
            ),
            503 => {}
            other => panic!("{other}: {}", answer.text),
        }
    }
    made
}

/// T25: whatever was under way on the connection, done or not, no job is lost and none counts twice.
#[tokio::test]
async fn jobs_are_done_once_while_the_connections_of_every_role_are_cut() {
    let site = Site::new().await;
    let server = site.server(20).await;
    made_all(&server, &many(250, &patient(count("k")))).await;
    made_all(&server, &many(250, &patient(sleep(20)))).await;
    let cuts = std::cell::Cell::new(0);
    let cutting = async {
        let mut admin = site.admin().await;
        for _ in 0..4 {
            for cut in CUTS {
                // Once it is back, it is cut again.
                let end = Instant::now() + PATIENCE;
                while admin.run(cut).await.is_err() {
                    assert!(Instant::now() < end, "{cut}: {}", server.log());
                }
                cuts.set(cuts.get() + 1);
            }
        }
    };
    let (made, ()) = tokio::join!(made_meanwhile(&server, || cuts.get() < 24), cutting);
    // Of those whose answers were lost nobody knows how many there are.
    site.all_end().await;
    let jobs = listed(&server).await;
    site.all_succeed(jobs.len() as u64).await;
    let counts: Vec<Value> =
        jobs.iter().filter(|job| job["kind"] == "demo.count").cloned().collect();
    counted_once(&counts);
    assert_eq!(counted(&server, "k").await, counts.len() as i64);
    for id in made {
        assert!(jobs.iter().any(|job| text(&job["id"]) == id), "{id} was answered, and is gone");
    }
}

/// A server of the test's own, which keeps what it has said it keeps.
pub(crate) fn open(dir: &Path) -> Cluster {
    let mut options = Options::from_env(dir.to_owned());
    options.durable = false;
    options.settings.push(("synchronous_commit".to_owned(), "on".to_owned()));
    Cluster::open(&options).unwrap()
}

/// As a crash would: no connection is told, and nothing is written that was not.
pub(crate) fn shut_down_at_once(cluster: Cluster) {
    let pid = Pid::from_raw(i32::try_from(cluster.postmaster_pid()).unwrap()).unwrap();
    kill_process(pid, Signal::QUIT).unwrap();
    while cluster.is_running() {
        std::thread::yield_now();
    }
}

/// T4.
#[tokio::test]
async fn jobs_go_on_by_themselves_when_the_database_was_restarted() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let mut cluster = open(&dir);
    let mut admin = Admin::connect(&Settings::new(cluster.url("postgres"))).await.unwrap();
    admin.create_database("jobs", None).await.unwrap();
    drop(admin);
    let site = Site::on(&cluster.url("jobs")).await;
    let server = site.server(20).await;
    made_all(&server, &many(400, &patient(count("k")))).await;
    made_all(&server, &many(40, &patient(sleep(200)))).await;
    for done in [30, 200] {
        site.until(done, &[JobState::Succeeded]).await;
        shut_down_at_once(cluster);
        cluster = open(&dir);
    }
    site.all_succeed(440).await;
    let jobs = listed(&server).await;
    let counts: Vec<Value> =
        jobs.iter().filter(|job| job["kind"] == "demo.count").cloned().collect();
    counted_once(&counts);
    eventually(async || (server.get("/health").await.status == 200).then_some(())).await;
    assert_eq!(counted(&server, "k").await, 400);
    server.terminate().await.unwrap();
    site.store.close().await;
    cluster.stop().unwrap();
}
