//! Groups of failures, counted by several at the same time, and as a list.

use mindflight_api::error_group::ErrorGroup;
use mindflight_api::job::JobError;
use mindflight_api::{Fault, Retry};
use mindflight_store::job_views::ErrorFilter;
use mindflight_store::jobs::{Begin, Claim, Claimed, Completer, End, Finished, Lane};

use super::rig::Rig;

/// Words without anything that is replaced by a placeholder.
const WORDS: [&str; 5] = ["one", "two", "three", "four", "five"];

fn failure(word: &str) -> End {
    End::Failed(JobError {
        code: "broken".to_owned(),
        detail: format!("it broke: {word}"),
        fault: Fault::Upstream,
        retry: Retry::Same,
        fix: None,
    })
}

/// Ends these attempts in batches, in each of which the failures come in another order.
async fn end(mut completer: Completer, claimed: Vec<Claimed>, offset: usize) {
    for (round, batch) in claimed.chunks(WORDS.len()).enumerate() {
        let finished = batch.iter().enumerate().map(|(place, claimed)| Finished {
            lease: claimed.lease,
            kind: claimed.kind,
            end: failure(WORDS[(place + round + offset) % WORDS.len()]),
            is_tied: true,
            keeps_history: true,
            cause: None,
        });
        let batch: Vec<Finished> = finished.collect();
        assert_eq!(completer.complete(&batch).await.unwrap().count, batch.len());
        // What has ended is not counted twice.
        assert_eq!(completer.complete(&batch).await.unwrap().count, 0);
    }
}

async fn all(rig: &Rig, filter: &ErrorFilter) -> Vec<ErrorGroup> {
    rig.views.errors(filter, 100).await.unwrap()
}

#[tokio::test]
async fn those_who_end_attempts_at_the_same_time_count_each_of_them_once() {
    let mut rig = Rig::new().await;
    let worker = rig.worker(&["mail.send"]).await;
    let row = rig.row("mail.send").await;
    let rows: Vec<_> = (0..400)
        .map(|_| {
            let mut row = row.clone();
            row.id = mindflight_api::JobId::new();
            row
        })
        .collect();
    rig.insert(&rows).await;
    let (queue, kinds) = (row.queue, [row.kind]);
    let claim =
        Claim { queue, lane: Lane::Usual, limit: 400, worker, kinds: &kinds, begin: Begin::Start };
    let claimed = rig.claimer.claim(&claim).await.unwrap();
    assert_eq!(claimed.len(), 400);
    let jobs = rig.db.store().jobs();
    let part = |place: usize| {
        let part = claimed[place * 100..][..100].to_vec();
        end(jobs.completer().unwrap(), part, place)
    };
    tokio::join!(part(0), part(1), part(2), part(3));
    let groups = all(&rig, &ErrorFilter::default()).await;
    let counts: Vec<(u64, u64)> = groups.iter().map(|group| (group.attempts, group.jobs)).collect();
    assert_eq!(counts, [(80, 80); 5]);
    let patterns: Vec<&str> = groups.iter().map(|group| group.pattern.as_str()).collect();
    assert!(WORDS.iter().all(|word| patterns.contains(&format!("it broke: {word}").as_str())));
    rig.assert_sound().await;
}

#[tokio::test]
async fn groups_are_listed_page_by_page_by_kind_and_by_time() {
    let mut rig = Rig::new().await;
    for (kind, word) in [("mail.send", "one"), ("mail.send", "two"), ("mail.send", "three")] {
        rig.tried(kind, failure(word)).await;
    }
    let groups = all(&rig, &ErrorFilter::default()).await;
    let patterns: Vec<&str> = groups.iter().map(|group| group.pattern.as_str()).collect();
    assert_eq!(patterns, ["it broke: three", "it broke: two", "it broke: one"]);
    let first = &groups[0];
    let after = Some((first.last_at, first.fingerprint));
    let rest = all(&rig, &ErrorFilter { after, ..ErrorFilter::default() }).await;
    assert_eq!(rest, groups[1..]);
    let since = Some(groups[1].last_at);
    let recent = all(&rig, &ErrorFilter { since, ..ErrorFilter::default() }).await;
    assert_eq!(recent, groups[..2]);
    for (kind, count) in [("mail.send", 3), ("mail.other", 0)] {
        let filter = ErrorFilter { kind: Some(kind.to_owned()), ..ErrorFilter::default() };
        assert_eq!(all(&rig, &filter).await.len(), count, "{kind}");
    }
    let kind = Some("a\0b".to_owned());
    assert!(rig.views.errors(&ErrorFilter { kind, ..ErrorFilter::default() }, 1).await.is_err());
}
