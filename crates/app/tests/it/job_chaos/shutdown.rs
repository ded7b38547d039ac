//! T23: servers that are told to end while they have jobs.

use mindflight_core::api::JobState;
use rustix::process::Signal;

use super::{Site, described, many};
use crate::jobs::{ended, ends, made, made_all, once, running, setting, sleep, watchful};

#[tokio::test]
async fn who_is_told_to_end_under_load_gives_back_what_it_has_not_started() {
    let site = Site::new().await;
    let first = site.server(5).await;
    made_all(&first, &many(200, &sleep(20))).await;
    site.until(40, &[JobState::Succeeded]).await;
    let second = site.server(20).await;
    let (status, log) = first.terminate().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("has left"), "{log}");
    site.all_succeed(200).await;
    for job in described(&second).await {
        assert_eq!((job["attempt"].as_u64(), ends(&job)), (Some(1), vec!["succeeded"]), "{job}");
    }
}

#[tokio::test]
async fn a_job_that_outlasts_the_grace_goes_back_and_the_attempt_does_not_count() {
    let site = Site::new().await;
    let first = site.with(|launch| setting(launch, "GRACE", "100ms")).await;
    let id = made(&first, &many(1, &sleep(600_000))[0]).await;
    running(&first, &id).await;
    let (status, log) = first.terminate().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    let second = site.server(2).await;
    let job = once(&second, &id, |job| job["attempt"] == 2 && job["state"] == "running").await;
    assert_eq!(ends(&job), ["returned", "running"], "{job}");
    assert_eq!(job["max_attempts"], 11, "one more, for the one that does not count: {job}");
    crate::jobs::acted(&second, &id, "cancel").await;
    assert_eq!(ends(&ended(&second, &id).await), ["returned", "cancelled"]);
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_running_jobs() {
    let site = Site::new().await;
    let mut first = site.with(|launch| setting(watchful(launch), "GRACE", "10m")).await;
    let id = made(&first, &many(1, &sleep(600_000))[0]).await;
    running(&first, &id).await;
    first.signal(Signal::TERM);
    first.wait_for_log("stopping: nothing new").await;
    first.signal(Signal::TERM);
    let (status, log) = first.wait().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("a second signal"), "{log}");
    let second = site.server(2).await;
    let job = once(&second, &id, |job| job["attempt"] == 2 && job["state"] == "running").await;
    assert_eq!(ends(&job), ["returned", "running"], "{job}");
}
