//! Jobs that are made to wait for others while those end, die, or are cancelled: nothing waits for ever.

use mindflight_api::{JobId, JobState};
use mindflight_core::ports::{EnqueueOptions, NewJob};

use crate::bench::{Note, Wait};
use crate::graphs::{after, ids, join, make, node, note};
use crate::rig::{Rig, eventually, quick, record};

/// Each round makes jobs that wait for three others, while two engines run and end those.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_made_while_its_parents_end_is_let_go() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    for round in 0..150 {
        let [one, two, three] = ids();
        let jobs = [one, two, three]
            .map(|id| node(id, &note(&round.to_string()), EnqueueOptions::default()));
        make(&rig.engine, jobs.to_vec()).await.unwrap();
        let (first, next) = (join(&format!("a{round}")), join(&format!("b{round}")));
        let (a, b) = tokio::join!(
            rig.engine.enqueue_with(&first, after(&[one, two, three])),
            second.enqueue_with(&next, after(&[three, one])),
        );
        let last = join(&format!("c{round}"));
        rig.engine.enqueue_with(&last, after(&[a, b, two])).await;
    }
    rig.succeed(150 * 6).await;
}

/// Several wait for one; it is cancelled while they are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_made_while_its_parent_is_cancelled_is_cancelled_too() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let mut jobs = Vec::new();
    for round in 0..60 {
        let parent = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
        let one = join(&round.to_string());
        let (first, next, _) = tokio::join!(
            rig.engine.enqueue_with(&one, after(&[parent])),
            second.enqueue_with(&one, after(&[parent])),
            rig.cancel(parent, &second),
        );
        jobs.extend([first, next]);
    }
    for job in jobs {
        rig.reaches(job, JobState::Cancelled).await;
    }
    rig.assert_placed().await;
}

/// Engines die one after another with graphs half done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphs_of_dead_engines_are_done_by_others() {
    let rig = Rig::new().await;
    let mut ends: Vec<JobId> = Vec::new();
    for round in 0..3 {
        let second = rig.second(quick()).await;
        for _ in 0..10 {
            let parents: [JobId; 8] = ids();
            let mut jobs: Vec<NewJob> = parents
                .iter()
                .map(|id| node(*id, &Note { key: "n".to_owned(), n: 0 }, EnqueueOptions::default()))
                .collect();
            let [middle, end] = ids();
            jobs.push(node(middle, &join("middle"), after(&parents)));
            jobs.push(node(end, &join("end"), after(&[middle, parents[0]])));
            make(&second, jobs).await.unwrap();
            ends.push(end);
        }
        let some = round * 100 + 15;
        eventually("some have ended", async || rig.count(JobState::Succeeded).await > some).await;
        drop(second);
    }
    for end in ends {
        rig.reaches(end, JobState::Succeeded).await;
    }
    rig.succeed(300).await;
}

/// A job that dies with its process for good is a failed one.
#[tokio::test]
async fn what_waits_for_a_job_that_is_lost_is_cancelled() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let doomed = crate::bench::Doomed { key: "d".to_owned(), n: 0 };
    let lost = second.enqueue(&doomed).await;
    let waiting = second.enqueue_with(&join("waiting"), after(&[lost])).await;
    rig.reaches(lost, JobState::Running).await;
    drop(second);
    let _third = rig.second(quick()).await;
    rig.reaches(lost, JobState::Failed).await;
    let view = rig.reaches(waiting, JobState::Cancelled).await;
    assert_eq!(view.error.map(|error| error.code).as_deref(), Some("job_parent_failed"));
    rig.assert_placed().await;
}

/// A parent is started again by hand while others are made to wait for it and for more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_parent_that_is_retried_meanwhile_is_waited_for_or_not_but_not_for_ever() {
    use mindflight_core::ports::OnFailure;
    let rig = Rig::new().await;
    let views = rig.db.store().job_views();
    let mut joined = Vec::new();
    for round in 0..40 {
        let key = format!("f{round}");
        let failed = rig.engine.enqueue(&crate::bench::Flaky { key, n: 5 }).await;
        rig.reaches(failed, JobState::Failed).await;
        let other = rig.engine.enqueue(&note("other")).await;
        let options = EnqueueOptions { on_failure: OnFailure::Run, ..after(&[failed, other]) };
        let record = record();
        let one = join(&round.to_string());
        let (retried, waiting) =
            tokio::join!(views.retry(failed, &record), rig.engine.enqueue_with(&one, options));
        retried.unwrap();
        joined.push(waiting);
    }
    for job in joined {
        rig.reaches(job, JobState::Succeeded).await;
    }
    rig.assert_placed().await;
}
