//! Lists and counts.

use std::time::Duration;

use mindflight_api::{JobId, JobState};
use mindflight_store::job_views::Filter;
use mindflight_store::jobs::NewRow;
use serde_json::json;

use super::rig::{ALIVE, Rig, failed, later, retried, succeeded};
use crate::access::record;

/// One job in each state, in the order of the states.
async fn one_of_each(rig: &mut Rig) -> Vec<JobId> {
    let scheduled = rig.add("mail.send", |row| row.due = later()).await;
    let gate = rig.names.gate("mail.report", 1).await.unwrap();
    let retrying = rig.tried("mail.send", retried()).await;
    let succeeded = rig.tried("mail.send", succeeded()).await;
    let failed = rig.tried("mail.send", failed()).await;
    let cancelled = rig.add("mail.send", |_| ()).await;
    rig.views.cancel(cancelled, None, &record("job.cancel")).await.unwrap();
    let running = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let worker = rig.worker(&["mail.report"]).await;
    rig.take(worker, "mail.report").await.unwrap();
    let blocked = rig.add("mail.report", |row| row.gate = Some(gate)).await;
    let queued = rig.add("mail.send", |_| ()).await;
    vec![scheduled, queued, blocked, running, retrying, succeeded, failed, cancelled]
}

#[tokio::test]
async fn each_state_is_listed_and_counted() {
    let mut rig = Rig::new().await;
    let jobs = one_of_each(&mut rig).await;
    let mut newest_first = jobs.clone();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(rig.find(&Filter::default()).await, newest_first);
    for (state, id) in JobState::ALL.into_iter().zip(&jobs) {
        let filter = Filter { states: vec![state], ..Filter::default() };
        let listed = rig.views.list(&filter, 10, ALIVE).await.unwrap();
        assert_eq!(listed.scanned, None);
        let found: Vec<_> = listed.items.iter().map(|view| (view.id, view.state)).collect();
        assert_eq!(found, [(*id, state)]);
        let named = Filter { ids: Some(jobs.clone()), ..filter };
        assert_eq!(rig.find(&named).await, [*id]);
    }
    let two = vec![JobState::Running, JobState::Failed];
    let two = Filter { states: two, ..Filter::default() };
    assert_eq!(rig.find(&two).await, [jobs[3], jobs[6]]);
    let all = Filter { states: JobState::ALL.to_vec(), ..Filter::default() };
    assert_eq!(rig.find(&all).await, newest_first);
    let counts = rig.views.counts(None, None, None).await.unwrap();
    assert!(counts.counts.values().all(|count| *count == 1) && counts.counts.len() == 8);
    assert!(counts.capped.is_empty());
    let counts = rig.views.counts(Some("mail.report"), Some("mail"), Some("mail")).await.unwrap();
    let some: Vec<_> = counts.counts.into_iter().filter(|(_, count)| *count == 1).collect();
    assert_eq!(some, [(JobState::Blocked, 1), (JobState::Running, 1)]);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_filter_finds_what_it_describes_and_nothing_else() {
    let mut rig = Rig::new().await;
    let plain = rig.add("mail.send", |_| ()).await;
    let marked = rig
        .add("mail.sync", |row| {
            row.args = json!({"account": {"id": 777}, "folder": "inbox"}).to_string();
            row.meta = Some(json!({"tags": ["vip", "nightly"], "owner": "user:1"}));
        })
        .await;
    let other = rig.add("mailer.send", |_| ()).await;
    let path = |path: &str, value: &str| Filter {
        args: Some((path.split('.').map(str::to_owned).collect(), value.to_owned())),
        ..Filter::default()
    };
    let some = |text: &str| Some(text.to_owned());
    let none: &[JobId] = &[];
    for (filter, expected) in [
        (Filter { kind: some("mail.send"), ..Filter::default() }, &[plain] as &[_]),
        (Filter { kind: some("mail.nothing"), ..Filter::default() }, none),
        (Filter { queue: some("mailer"), ..Filter::default() }, &[other]),
        (Filter { provider: some("mail"), ..Filter::default() }, &[marked, plain]),
        (Filter { tag: some("nightly"), ..Filter::default() }, &[marked]),
        (Filter { tag: some("night"), ..Filter::default() }, none),
        (Filter { owner: some("user:1"), ..Filter::default() }, &[marked]),
        (
            Filter { ids: Some(vec![other, plain, JobId::new()]), ..Filter::default() },
            &[other, plain],
        ),
        (Filter { ids: Some(vec![]), ..Filter::default() }, none),
        (path("folder", "inbox"), &[marked]),
        (path("account.id", "777"), &[marked]),
        (path("account.name", "777"), none),
        (Filter { after: Some(other), ..Filter::default() }, &[marked, plain]),
    ] {
        assert_eq!(rig.find(&filter).await, expected, "{filter:?}");
        let queued = Filter { states: vec![JobState::Queued], ..filter };
        assert_eq!(rig.find(&queued).await, expected, "{queued:?}");
    }
}

#[tokio::test]
async fn a_tool_is_found_by_its_provider() {
    let mut rig = Rig::new().await;
    let queue = rig.names.queue("demo", true).await.unwrap();
    let kind = rig.names.kind("demo_add").await.unwrap();
    let row = NewRow { queue, kind, ..rig.row("demo.sleep").await };
    rig.insert(std::slice::from_ref(&row)).await;
    let of = |name: &str| Filter { provider: Some(name.to_owned()), ..Filter::default() };
    assert_eq!(rig.find(&of("demo")).await, [row.id]);
    assert!(rig.find(&of("dem")).await.is_empty());
}

#[tokio::test]
async fn time_is_what_the_ids_say() {
    let mut rig = Rig::new().await;
    let old = rig.row("mail.send").await;
    let made = |millis: u128| JobId::from(uuid::Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62));
    let rows: Vec<NewRow> =
        [1000, 2000, 3000].map(|millis| NewRow { id: made(millis), ..old.clone() }).into();
    rig.insert(&rows).await;
    let time = |millis| chrono::DateTime::from_timestamp_millis(millis);
    let filter = Filter { since: time(2000), until: time(3000), ..Filter::default() };
    assert_eq!(rig.find(&filter).await, [rows[1].id]);
    let filter = Filter { since: time(1001), after: Some(rows[2].id), ..Filter::default() };
    assert_eq!(rig.find(&filter).await, [rows[1].id]);
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap() {
    let mut rig = Rig::new().await;
    let mut all = Vec::new();
    for n in 0..25 {
        all.push(rig.add("mail.send", |row| row.priority = n % 10).await);
    }
    all.reverse();
    for states in [vec![], vec![JobState::Queued]] {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let filter = Filter { states: states.clone(), after, ..Filter::default() };
            let page = rig.views.list(&filter, 10, ALIVE).await.unwrap().items;
            seen.extend(page.iter().map(|view| view.id));
            after = page.last().map(|view| view.id);
            if page.len() < 10 {
                break;
            }
        }
        assert_eq!(seen, all);
    }
}

#[tokio::test]
async fn a_rare_tag_is_found_behind_many_jobs_and_the_answer_says_how_far_it_looked() {
    let mut rig = Rig::new().await;
    let rare = rig.add("mail.send", |row| row.meta = Some(json!({"tags": ["rare"]}))).await;
    let like = rig.row("mail.send").await;
    let rows: Vec<NewRow> =
        (0..3000).map(|_| NewRow { id: JobId::new(), ..like.clone() }).collect();
    rig.insert(&rows).await;
    for states in [vec![], vec![JobState::Queued]] {
        let filter = Filter { states, tag: Some("rare".to_owned()), ..Filter::default() };
        let listed = rig.views.list(&filter, 1, ALIVE).await.unwrap();
        assert_eq!(listed.items.iter().map(|view| view.id).collect::<Vec<_>>(), [rare]);
        assert_eq!(listed.scanned, Some(3001));
    }
    let filter = Filter { kind: Some("mail.send".to_owned()), ..Filter::default() };
    let listed = rig.views.list(&filter, 5, ALIVE).await.unwrap();
    assert_eq!((listed.items.len(), listed.scanned), (5, Some(512)), "it stops once it has enough");
}

#[tokio::test]
async fn more_than_ten_thousand_are_not_counted() {
    let mut rig = Rig::new().await;
    let like = rig.row("mail.send").await;
    let rows: Vec<NewRow> =
        (0..10_050).map(|_| NewRow { id: JobId::new(), ..like.clone() }).collect();
    rig.insert(&rows).await;
    let counts = rig.views.counts(None, None, None).await.unwrap();
    assert_eq!((counts.counts[&JobState::Queued], counts.capped), (10_000, vec![JobState::Queued]));
    let counts = rig.views.counts(Some("mail.sync"), None, None).await.unwrap();
    assert_eq!((counts.counts[&JobState::Queued], counts.capped), (0, vec![]));
    assert_eq!(rig.views.queues(Duration::ZERO).await.unwrap()[0].queued, 10_000);
}

#[tokio::test]
async fn a_filter_with_a_nul_is_refused() {
    let rig = Rig::new().await;
    let filter = Filter { tag: Some("a\0".to_owned()), ..Filter::default() };
    assert!(rig.views.list(&filter, 1, ALIVE).await.is_err());
    assert!(rig.views.counts(Some("\0"), None, None).await.is_err());
}
