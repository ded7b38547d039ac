//! Jobs that wait for others, in a kit.

use mindflight_api::JobId;
use mindflight_core::policy::{JobState, Release, Unique};
use mindflight_core::ports::{EnqueueOptions, OnFailure};
use serde_json::json;
use std::time::Duration;

use crate::works::{Flaky, Gather, Refuse, Split, kit};

#[tokio::test]
async fn a_job_runs_after_those_it_waits_for_and_sees_how_they_ended() {
    let kit = kit().await;
    kit.jobs().enqueue(&Split { parts: 3 });
    let drained = kit.run_until_idle().await;
    drained.assert_all_succeeded();
    let gathered = drained.of::<Gather>();
    let done = json!(["succeeded", null]);
    assert_eq!(gathered[0].result, Some(json!([done, done, done])));
    assert_eq!(drained.jobs().last().map(|job| job.id), Some(gathered[0].id));
}

#[tokio::test]
async fn what_waits_for_a_failed_job_is_cancelled_or_runs() {
    let kit = kit().await;
    let jobs = kit.jobs();
    let refused = jobs.enqueue(&Refuse {});
    let after = |parent: JobId| EnqueueOptions::after([parent]);
    let minding = jobs.enqueue_with(&Gather {}, after(refused)).unwrap();
    let below = jobs.enqueue_with(&Gather {}, after(minding)).unwrap();
    let options = EnqueueOptions { on_failure: OnFailure::Run, ..after(refused) };
    let running = jobs.enqueue_with(&Gather {}, options).unwrap();
    let drained = kit.run_until_idle().await;
    for job in [minding, below] {
        let job = drained.job(job).unwrap();
        let code = job.error.as_ref().map(|error| error.name());
        assert_eq!(
            (job.state, code, job.attempts),
            (JobState::Cancelled, Some("job_parent_failed"), 0)
        );
    }
    let result = drained.job(running).unwrap().result.clone();
    assert_eq!(result, Some(json!([["failed", "provider_error"]])));
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_refused_as_on_a_server() {
    let kit = kit().await;
    let [a, b] = [JobId::new(), JobId::new()];
    let refused = |options: EnqueueOptions| {
        let error = kit.jobs().enqueue_with(&Gather {}, options).unwrap_err();
        assert_eq!(error.status(), 422);
        error.detail().to_owned()
    };
    assert!(refused(EnqueueOptions::after([a])).contains(&a.to_string()));
    let circle = EnqueueOptions { id: Some(b), ..EnqueueOptions::after([b]) };
    assert!(refused(circle).contains("wait for itself"));
    let late = EnqueueOptions { delay: Some(Duration::ZERO), ..EnqueueOptions::after([a]) };
    assert!(refused(late).contains("together"));
}

#[tokio::test]
async fn graphs_of_a_crash_matrix_are_the_same_in_every_run() {
    let kit = kit().await;
    let matrix = kit.crash_matrix(&Split { parts: 2 }).await;
    // A crash after they were made makes them again: it is no transaction.
    let first = matrix.smooth().jobs.clone();
    assert_eq!(first[2].options.after.len(), 2);
    let same = matrix.crashes().iter().filter(|crash| crash.effects.jobs == first).count();
    assert!(same >= 1, "{matrix:?}");
}

#[tokio::test]
async fn a_key_of_a_period_is_taken_until_it_is_over() {
    let kit = kit().await;
    let period = Some(Duration::from_secs(3600));
    let unique = Unique { period, release: Release::Period, ..Unique::default() };
    let options = || EnqueueOptions { unique: Some(unique.clone()), ..EnqueueOptions::default() };
    let make = || kit.jobs().enqueue_with(&Flaky { times: 0 }, options()).unwrap();
    let first = make();
    kit.run_until_idle().await.assert_all_succeeded();
    assert_eq!(make(), first);
    kit.clock().advance(Duration::from_secs(3600)).await;
    assert_ne!(make(), first);
}
