//! The ways in which jobs are made: by a statement, by `COPY`, and at once in the hands of a worker.

use std::time::Duration;

use mindflight_api::{JobId, JobState};
use mindflight_store::Error;
use mindflight_store::jobs::{Due, End, Finished, NewRow, UniqueKey};
use serde_json::json;

use crate::jobs::{Roles, record, row};

/// More than one statement would make.
const MANY: usize = 2500;

/// Every third has arguments that are too large to stand beside its place, every fifth something else to know.
fn rows() -> Vec<NewRow> {
    let mut rows: Vec<NewRow> = (0..MANY).map(|_| row()).collect();
    for (number, row) in rows.iter_mut().enumerate() {
        row.args = json!({"n": number, "text": "ä\t\\N"}).to_string();
        if number % 3 == 0 {
            row.args = json!({"n": number, "text": "x".repeat(2000)}).to_string();
        }
        if number % 5 == 0 {
            (row.meta, row.needs_meta) = (Some(json!({"tags": ["ä", number]})), true);
        }
        row.priority = u8::try_from(number % 10).unwrap();
    }
    rows
}

#[tokio::test]
async fn many_jobs_that_are_copied_are_what_they_were() {
    let mut roles = Roles::new().await;
    let rows = rows();
    let mut inserter = roles.db.store().jobs().inserter().unwrap();
    assert!(inserter.insert(&rows).await.unwrap().is_empty());
    // What was made is not made again, however it was made.
    assert!(inserter.insert_again(&rows).await.unwrap().is_empty());
    let mut taken = Vec::new();
    while taken.len() < MANY {
        let claimed = roles.take(500, |_| ()).await;
        assert!(!claimed.is_empty(), "only {} of {MANY}", taken.len());
        taken.extend(claimed);
    }
    let mut rows = rows;
    rows.sort_by_key(|row| (row.priority, row.id));
    for (row, job) in rows.iter().zip(&taken) {
        assert_eq!((row.id, i16::from(row.priority)), (job.lease.job, job.lane));
        assert_eq!((&row.args, row.max_attempts), (&job.args, job.max_attempts));
        if row.needs_meta {
            assert_eq!(row.meta, job.meta);
        }
    }
    roles.assert_placed().await;
}

#[tokio::test]
async fn a_copy_of_which_one_row_is_refused_makes_nothing() {
    let roles = Roles::new().await;
    let mut rows = rows();
    rows[MANY - 1].args = "{".to_owned();
    let mut inserter = roles.db.store().jobs().inserter().unwrap();
    assert!(inserter.insert(&rows).await.is_err());
    let views = roles.db.store().job_views();
    let view = views.get(rows[0].id, Duration::from_secs(20)).await.unwrap();
    assert!(view.is_none(), "{view:?}");
    // The connection is as good as new.
    assert!(inserter.insert(&rows[..MANY - 1]).await.unwrap().is_empty());
    roles.assert_placed().await;
}

#[tokio::test]
async fn what_is_refused_keeps_nobody_else_waiting() {
    let roles = Roles::new().await;
    let key = UniqueKey { key: "one".to_owned(), until_start: false, expires_at: None };
    let mut refused = row();
    (refused.unique, refused.after) = (Some(key.clone()), vec![JobId::new()]);
    let mut inserter = roles.db.store().jobs().inserter().unwrap();
    let error = inserter.insert(&[refused]).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    // The first connection is there still, and does nothing.
    let mut other = roles.db.store().jobs().inserter().unwrap();
    let mut row = row();
    row.unique = Some(key);
    assert!(other.insert(&[row]).await.unwrap().is_empty());
    drop(inserter);
    roles.assert_placed().await;
}

#[tokio::test]
async fn a_job_that_starts_at_once_is_its_workers_and_waits_nowhere() {
    let mut roles = Roles::new().await;
    let rows: Vec<NewRow> = (0..3).map(|_| row()).collect();
    let mut inserter = roles.db.store().jobs().inserter().unwrap();
    let worker = roles.number();
    let started = inserter.start(&rows, worker).await.unwrap();
    let ids: Vec<JobId> = started.iter().map(|job| job.lease.job).collect();
    assert_eq!(ids, rows.iter().map(|row| row.id).collect::<Vec<_>>());
    assert!(roles.take(10, |_| ()).await.is_empty());
    assert!(inserter.insert_again(&rows).await.unwrap().is_empty());
    let ends: Vec<Finished> = started
        .iter()
        .map(|job| Finished {
            lease: job.lease,
            kind: job.kind,
            end: End::Succeeded("1".to_owned()),
            is_tied: false,
            keeps_history: true,
            cause: None,
        })
        .collect();
    assert_eq!(roles.completer.complete(&ends).await.unwrap().count, 3);
    // The same again changes nothing.
    assert_eq!(roles.completer.complete(&ends).await.unwrap().count, 0);
    roles.assert_placed().await;
}

#[tokio::test]
async fn nothing_starts_at_once_for_the_dead_or_in_a_paused_queue() {
    let mut roles = Roles::new().await;
    let mut inserter = roles.db.store().jobs().inserter().unwrap();
    let rows = [row(), row()];
    assert!(inserter.start(&rows[..1], i64::MAX).await.unwrap().is_empty());
    let views = roles.db.store().job_views();
    views.pause_queue("mail", (None, None), &record()).await.unwrap();
    assert!(inserter.start(&rows[1..], roles.number()).await.unwrap().is_empty());
    views.resume_queue("mail", &record()).await.unwrap();
    let waiting: Vec<JobId> =
        roles.take(10, |_| ()).await.iter().map(|job| job.lease.job).collect();
    assert_eq!(waiting, rows.iter().map(|row| row.id).collect::<Vec<_>>());
    for row in &rows {
        let view = views.get(row.id, Duration::from_secs(20)).await.unwrap().unwrap();
        assert_eq!(view.state, JobState::Running);
    }
    roles.assert_placed().await;
}

#[test]
fn only_what_nothing_holds_back_is_plain() {
    assert!(row().is_plain());
    let held: [fn(&mut NewRow); 4] = [
        |row| row.due = Due::After(Duration::from_secs(1)),
        |row| row.gate = Some(1),
        |row| row.after = vec![JobId::new()],
        |row| row.is_awaited = true,
    ];
    for hold in held {
        let mut row = row();
        hold(&mut row);
        assert!(!row.is_plain(), "{row:?}");
    }
}
