//! Jobs in every state, made as the engine makes them.

use std::collections::HashMap;
use std::time::Duration;

use mindflight_api::job::JobError;
use mindflight_api::{Fault, InstanceId, JobId, JobState, Retry};
use mindflight_core::ports::Lease;
use mindflight_store::JobViews;
use mindflight_store::job_views::{Filter, View};
use mindflight_store::jobs::{
    Begin, Claim, Claimer, Completer, Due, End, Finished, Inserter, Keeper, Lane, Names, NewRow,
    Registration,
};
use mindflight_testapp::TestDb;
use serde_json::json;

/// How old a worker's last sign of life may be.
pub(super) const ALIVE: Duration = Duration::from_secs(20);

/// A database, and every role of the engine on it.
pub(super) struct Rig {
    pub(super) db: TestDb,
    pub(super) views: JobViews,
    pub(super) names: Names,
    pub(super) inserter: Inserter,
    pub(super) claimer: Claimer,
    pub(super) completer: Completer,
    pub(super) keeper: Keeper,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let db = TestDb::new().await;
        let jobs = db.store().jobs();
        Self {
            views: db.store().job_views(),
            names: jobs.names(),
            inserter: jobs.inserter().unwrap(),
            claimer: jobs.claimer().unwrap(),
            completer: jobs.completer().unwrap(),
            keeper: jobs.keeper().unwrap(),
            db,
        }
    }

    /// A row of this kind, in the queue of its provider.
    pub(super) async fn row(&self, kind: &str) -> NewRow {
        let queue = self.queue(kind).await;
        let number = self.names.kind(kind).await.unwrap();
        self.names.pair(queue, number).await.unwrap();
        NewRow {
            id: JobId::new(),
            kind: number,
            queue,
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

    pub(super) async fn queue(&self, kind: &str) -> i16 {
        let provider = kind.split_once('.').unwrap().0;
        self.names.queue(provider, provider != "brief").await.unwrap()
    }

    pub(super) async fn insert(&mut self, rows: &[NewRow]) -> HashMap<JobId, JobId> {
        self.inserter.insert(rows).await.unwrap()
    }

    /// A job of this kind, as `change` wants it.
    pub(super) async fn add(&mut self, kind: &str, change: impl FnOnce(&mut NewRow)) -> JobId {
        let mut row = self.row(kind).await;
        change(&mut row);
        assert!(self.insert(std::slice::from_ref(&row)).await.is_empty());
        row.id
    }

    /// A worker that can run these kinds.
    pub(super) async fn worker(&mut self, kinds: &[&str]) -> i64 {
        let mut numbers = Vec::new();
        for kind in kinds {
            numbers.push(self.names.kind(kind).await.unwrap());
        }
        let registration = Registration {
            instance: InstanceId::new(),
            holder: None,
            host: "a1".to_owned(),
            pid: 7,
            version: "0.1.0".to_owned(),
            slots: 8,
            kinds: numbers,
        };
        self.keeper.register(&registration).await.unwrap()
    }

    /// Takes the next job of this kind, if there is one.
    pub(super) async fn take(&mut self, worker: i64, kind: &str) -> Option<Lease> {
        let kinds = [self.names.kind(kind).await.unwrap()];
        let queue = self.queue(kind).await;
        let claim = Claim {
            queue,
            lane: Lane::Usual,
            limit: 1,
            worker,
            kinds: &kinds,
            begin: Begin::Start,
        };
        self.claimer.claim(&claim).await.unwrap().first().map(|claimed| claimed.lease)
    }

    /// Ends an attempt; whether its lease still held.
    pub(super) async fn end(&mut self, lease: Lease, end: End) -> bool {
        // The first kind that was named.
        let (kind, cause) = (1, None);
        let finished = Finished { lease, kind, end, is_tied: true, keeps_history: true, cause };
        self.completer.complete(&[finished]).await.unwrap().count == 1
    }

    /// A job that was tried once, with this end.
    pub(super) async fn tried(&mut self, kind: &str, end: End) -> JobId {
        let id = self.add(kind, |_| ()).await;
        let worker = self.worker(&[kind]).await;
        let lease = self.take(worker, kind).await.unwrap();
        assert_eq!(lease.job, id);
        assert!(self.end(lease, end).await);
        id
    }

    pub(super) async fn view(&self, id: JobId) -> View {
        self.views.get(id, ALIVE).await.unwrap().unwrap()
    }

    pub(super) async fn state(&self, id: JobId) -> JobState {
        self.view(id).await.state
    }

    /// The ids of what fits, newest first.
    pub(super) async fn find(&self, filter: &Filter) -> Vec<JobId> {
        let listed = self.views.list(filter, 500, ALIVE).await.unwrap();
        listed.items.into_iter().map(|view| view.id).collect()
    }

    /// Every job is in one place.
    pub(super) async fn assert_sound(&self) {
        assert_eq!(self.views.misplaced().await.unwrap(), []);
    }
}

pub(super) fn later() -> Due {
    Due::After(Duration::from_secs(3600))
}

pub(super) fn error(code: &str) -> JobError {
    let (code, detail) = (code.to_owned(), "it did not work".to_owned());
    JobError { code, detail, fault: Fault::Upstream, retry: Retry::Same, fix: None }
}

pub(super) fn succeeded() -> End {
    End::Succeeded(json!({"n": 1}).to_string())
}

pub(super) fn failed() -> End {
    End::Failed(error("upstream_error"))
}

pub(super) fn retried() -> End {
    End::Retry(Duration::from_secs(3600), error("upstream_error"))
}
