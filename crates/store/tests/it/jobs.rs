//! The roles of the job engine, one statement at a time.

use std::time::Duration;

use mindflight_api::job::JobError;
use mindflight_api::{Code, InstanceId, JobId, codes};
use mindflight_core::Caller;
use mindflight_core::caller::Origin;
use mindflight_core::ports::{Clock as _, Lease, Record, SystemClock};
use mindflight_store::job_views::Cancel;
use mindflight_store::jobs::{
    Begin, Claim, Claimed, Claimer, Completer, Crash, Due, End, Finished, Keeper, Lane, NewRow,
    Registration,
};
use mindflight_testapp::TestDb;
use uuid::Uuid;

use crate::past::other;

const QUEUE: i16 = 1;
const KIND: i32 = 1;

pub(crate) struct Roles {
    pub(crate) db: TestDb,
    claimer: Claimer,
    pub(crate) completer: Completer,
    pub(crate) keeper: Keeper,
    worker: i64,
}

pub(crate) fn error(code: Code) -> JobError {
    JobError {
        code: code.name.to_owned(),
        detail: "for a test".to_owned(),
        fault: code.fault,
        retry: code.retry,
        fix: None,
    }
}

/// A job that is due.
pub(crate) fn row() -> NewRow {
    NewRow {
        id: JobId::new(),
        kind: KIND,
        queue: QUEUE,
        priority: 5,
        max_attempts: 3,
        due: Due::Now,
        args: "{}".to_owned(),
        meta: None,
        needs_meta: false,
        unique: None,
        gate: None,
        outer_gate: None,
        after: Vec::new(),
        is_awaited: false,
    }
}

/// Who acts.
pub(crate) fn record() -> Record {
    Record {
        at: SystemClock.now(),
        action: "job.test",
        target: "it".to_owned(),
        outcome: "ok".to_owned(),
        detail: Default::default(),
        caller: Caller::public(),
        origin: Origin { request: mindflight_api::RequestId::new(), ip: None },
    }
}

pub(crate) fn crash() -> Crash {
    Crash { budget: 2, lost: error(codes::WORKER_LOST), cancelled: error(codes::JOB_CANCELLED) }
}

impl Roles {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let jobs = db.store().jobs();
        let names = jobs.names();
        assert_eq!(names.queue("mail", true).await.unwrap(), QUEUE);
        assert_eq!(names.kind("mail.send").await.unwrap(), KIND);
        let (claimer, completer, keeper) =
            (jobs.claimer().unwrap(), jobs.completer().unwrap(), jobs.keeper().unwrap());
        let mut roles = Self { db, claimer, completer, keeper, worker: 0 };
        roles.worker = roles.worker().await;
        roles
    }

    /// Another worker, that lives: its number.
    pub(crate) async fn renew(&mut self) {
        self.worker = self.worker().await;
    }

    async fn worker(&mut self) -> i64 {
        let registration = Registration {
            instance: InstanceId::new(),
            holder: None,
            host: "here".to_owned(),
            pid: 1,
            version: "1".to_owned(),
            slots: 8,
            kinds: vec![KIND],
        };
        self.keeper.register(&registration).await.unwrap()
    }

    pub(crate) async fn make(
        &self,
        count: usize,
        change: impl Fn(usize, &mut NewRow),
    ) -> Vec<JobId> {
        let mut rows: Vec<NewRow> = (0..count).map(|_| row()).collect();
        rows.iter_mut().enumerate().for_each(|(number, row)| change(number, row));
        let mut inserter = self.db.store().jobs().inserter().unwrap();
        assert!(inserter.insert(&rows).await.unwrap().is_empty());
        // The same rows again make nothing.
        assert!(inserter.insert_again(&rows).await.unwrap().is_empty());
        rows.iter().map(|row| row.id).collect()
    }

    pub(crate) async fn take(
        &mut self,
        limit: i64,
        change: impl FnOnce(&mut Claim<'_>),
    ) -> Vec<Claimed> {
        let (lane, worker) = (Lane::Usual, self.worker);
        let mut claim =
            Claim { queue: QUEUE, lane, limit, worker, kinds: &[KIND], begin: Begin::Start };
        change(&mut claim);
        self.claimer.claim(&claim).await.unwrap()
    }

    async fn end(&mut self, lease: Lease, end: End) -> usize {
        let (kind, cause) = (KIND, None);
        let finished = Finished { lease, kind, end, is_tied: true, keeps_history: true, cause };
        self.completer.complete(&[finished]).await.unwrap().count
    }

    /// The number of the worker.
    pub(crate) fn number(&self) -> i64 {
        self.worker
    }

    pub(crate) async fn assert_placed(&self) {
        assert!(self.db.store().job_views().misplaced().await.unwrap().is_empty());
    }
}

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|job| job.lease.job).collect()
}

#[tokio::test]
async fn a_claim_takes_in_order_and_can_begin_in_the_middle() {
    let mut roles = Roles::new().await;
    let priorities = [5, 0, 9, 5, 1];
    let made = roles.make(5, |number, row| row.priority = priorities[number]).await;
    let first = roles.take(2, |_| ()).await;
    assert_eq!(ids(&first), [made[1], made[4]]);
    let last = first.last().unwrap();
    let begin = Begin::After(last.lane, last.lease.job.uuid());
    let late = roles.make(1, |_, row| row.priority = 0).await;
    let next = roles.take(2, |claim| claim.begin = begin).await;
    assert_eq!(ids(&next), [made[0], made[3]], "what is before the start is not looked at");
    let within = Begin::Within(9, Uuid::nil());
    let other = Begin::Within(9, made[2].uuid());
    assert!(roles.take(9, |claim| claim.begin = other).await.is_empty());
    assert_eq!(ids(&roles.take(9, |claim| claim.begin = within).await), [made[2]], "no other lane");
    assert_eq!(ids(&roles.take(9, |_| ()).await), [late[0]]);
    roles.assert_placed().await;
}

/// What is ended together keeps its own results, texts as they were given.
#[tokio::test]
async fn each_job_of_a_batch_keeps_its_own_result() {
    let mut roles = Roles::new().await;
    let texts = [r#"{"b": 1.50, "a": "\"é\n"}"#, "null", "[1,2]", r#"{"b": 1.50, "a": "\"é\n"}"#];
    roles.make(4, |_, _| ()).await;
    let claimed = roles.take(4, |_| ()).await;
    let batch: Vec<Finished> = claimed
        .iter()
        .zip(texts)
        .map(|(job, text)| Finished {
            lease: job.lease,
            kind: KIND,
            end: End::Succeeded(text.to_owned()),
            is_tied: false,
            keeps_history: true,
            cause: None,
        })
        .collect();
    assert_eq!(roles.completer.complete(&batch[..3]).await.unwrap().count, 3);
    assert_eq!(roles.completer.complete(&batch).await.unwrap().count, 1, "one is left");
    let mut other = other(&roles.db).await;
    for (job, text) in claimed.iter().zip(texts) {
        let kept: String =
            sqlx::query_scalar("SELECT result::text FROM mindflight.outcome WHERE job = $1")
                .bind(job.lease.job.uuid())
                .fetch_one(&mut other)
                .await
                .unwrap();
        assert_eq!(kept, text);
    }
    roles.assert_placed().await;
}

/// T2: whoever is off the list takes nothing, and a lease is one attempt of one worker.
#[tokio::test]
async fn only_the_holder_of_the_very_lease_ends_an_attempt() {
    let mut roles = Roles::new().await;
    roles.make(1, |_, _| ()).await;
    assert!(roles.take(1, |claim| claim.worker += 1000).await.is_empty());
    let lease = roles.take(1, |_| ()).await[0].lease;
    let done = || End::Succeeded("null".to_owned());
    for wrong in [
        Lease { worker: lease.worker + 1, ..lease },
        Lease { attempt: lease.attempt + 1, ..lease },
        Lease { job: JobId::new(), ..lease },
    ] {
        assert_eq!(roles.end(wrong, done()).await, 0);
        assert_eq!(roles.end(wrong, End::Returned).await, 0);
    }
    assert_eq!(roles.end(lease, done()).await, 1);
    assert_eq!(roles.end(lease, End::Returned).await, 0);
    roles.assert_placed().await;
}

/// T12: slots are what `ready` and `lease` use, whatever moves between them.
#[tokio::test]
async fn a_gate_lets_in_as_many_as_it_has_slots() {
    let mut roles = Roles::new().await;
    let gate = roles.db.store().jobs().names().gate("mail.send", 2).await.unwrap();
    let made = roles.make(5, |_, row| row.gate = Some(gate)).await;
    let taken = roles.take(9, |_| ()).await;
    assert_eq!(ids(&taken), made[..2]);
    assert!(roles.take(9, |_| ()).await.is_empty());
    // One goes back and keeps its slot; one waits for its next attempt without.
    roles.claimer.give_back(&[taken[0].lease]).await.unwrap();
    let later = End::Retry(Duration::from_secs(3600), error(codes::UPSTREAM));
    assert_eq!(roles.end(taken[1].lease, later).await, 1);
    assert_eq!(ids(&roles.take(9, |_| ()).await), [made[0], made[2]]);
    assert!(roles.take(9, |_| ()).await.is_empty());
    roles.assert_placed().await;
}

/// T22: whoever asks before the end is written gets what was asked for.
#[tokio::test]
async fn an_attempt_that_fails_after_its_job_was_cancelled_is_the_last() {
    let mut roles = Roles::new().await;
    let made = roles.make(3, |_, _| ()).await;
    let views = roles.db.store().job_views();
    for end in [
        End::Retry(Duration::from_millis(1), error(codes::UPSTREAM)),
        End::Snooze(Duration::from_millis(1)),
        End::Returned,
    ] {
        let lease = roles.take(1, |_| ()).await[0].lease;
        let asked = views.cancel(lease.job, None, &record()).await.unwrap();
        assert_eq!(asked, Some(Cancel::Asked));
        assert_eq!(roles.end(lease, end).await, 1);
    }
    let counts = views.counts(None, None, None).await.unwrap().counts;
    assert_eq!(counts.get(&mindflight_api::JobState::Cancelled), Some(&(made.len() as u64)));
    roles.assert_placed().await;
}

/// T9: a crash in company costs little, one alone costs half of all.
#[tokio::test]
async fn a_rescue_charges_whoever_was_alone() {
    let mut roles = Roles::new().await;
    roles.make(2, |_, _| ()).await;
    // The first time it is nobody's fault, and they run as before.
    for _ in 0..2 {
        assert_eq!(roles.take(9, |_| ()).await.len(), 2);
        let rescued = roles.keeper.rescue(Duration::ZERO, &crash()).await.unwrap();
        assert_eq!((rescued.again, rescued.ended, rescued.workers.len()), (2, 0, 1));
        roles.worker = roles.worker().await;
    }
    // Each runs alone from now on; two crashes alone are the end.
    for (again, ended) in [(1, 0), (0, 1)] {
        roles.worker = roles.worker().await;
        assert!(roles.take(9, |_| ()).await.is_empty(), "they are no usual jobs");
        let alone = roles.take(1, |claim| claim.lane = Lane::Suspect).await;
        assert_eq!(alone.len(), 1);
        let rescued = roles.keeper.rescue(Duration::ZERO, &crash()).await.unwrap();
        assert_eq!((rescued.again, rescued.ended), (again, ended));
    }
    assert_eq!(roles.keeper.rescue(Duration::ZERO, &crash()).await.unwrap(), Default::default());
    roles.assert_placed().await;
}
