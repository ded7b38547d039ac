//! Jobs: enqueue, list, watch, cancel, retry, delete, and what they logged.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use mindflight_api::error_group::{ErrorGroup, Fingerprint};
use mindflight_api::job::{
    BulkDone, BulkRequest, Job, JobList, LogLine, NewJob, NewJobs, SnoozeRequest,
};
use mindflight_api::kind::JobKind;
use mindflight_api::{JobId, JobState, Page};
use reqwest::Method;

use crate::transport::{Query, Request, whole_seconds};
use crate::{Client, Paging, Result};

/// Which jobs are listed; by default all, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In any of these states.
    pub state: Vec<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this provider's kinds.
    pub provider: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Made at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before this time.
    pub until: Option<DateTime<Utc>>,
    /// Failed with this fingerprint.
    pub error: Option<Fingerprint>,
    /// With these arguments: a path with dots, and the value there.
    pub args: Vec<(String, String)>,
    /// Which page of them.
    pub paging: Paging,
}

/// Which failures are listed; by default all, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Seen at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Which page of them.
    pub paging: Paging,
}

impl ErrorFilter {
    fn query(&self) -> Query {
        let mut query = Query::new();
        query.extend(self.kind.clone().map(|kind| ("kind".into(), kind)));
        let since = self.since.map(|since| since.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        query.extend(since.map(|since| ("since".into(), since)));
        query.extend(self.paging.query());
        query
    }
}

/// The answer to a request that became a job.
#[derive(serde::Deserialize)]
struct Made {
    job: Job,
}

/// Jobs; see [`Client::jobs`].
#[derive(Debug, Clone, Copy)]
pub struct Jobs<'a>(pub(crate) &'a Client);

impl Jobs<'_> {
    /// Makes a job. Never repeated: without a unique key a second one would be made.
    ///
    /// # Errors
    /// If nobody has the kind, the arguments do not fit, or the server refuses or cannot be asked.
    pub async fn enqueue(&self, job: &NewJob) -> Result<Job> {
        self.0.json(self.0.post(&["api", "jobs"])?.body(job)?).await
    }

    /// Makes several jobs, all or none.
    ///
    /// # Errors
    /// As [`Jobs::enqueue`].
    pub async fn enqueue_all(&self, jobs: &[NewJob]) -> Result<NewJobs> {
        self.0.json(self.0.post(&["api", "jobs"])?.body(&jobs)?).await
    }

    /// One page of the jobs, newest first, and how many there are in each state.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, filter: &Filter) -> Result<JobList> {
        self.0.json(self.0.get(&["api", "jobs", "status"])?.query(filter.query())).await
    }

    /// One job, with its attempts.
    ///
    /// # Errors
    /// If there is no such job, or the server refuses or cannot be asked.
    pub async fn get(&self, id: JobId) -> Result<Job> {
        self.0.json(self.one(Method::GET, id, None)?).await
    }

    /// One job, once it has ended or `time` has passed, whichever is first; rounded up to seconds. A server may
    /// answer sooner: `next_poll_ms` says when it is worth asking again.
    ///
    /// # Errors
    /// As [`Jobs::get`].
    pub async fn wait(&self, id: JobId, time: Duration) -> Result<Job> {
        let seconds = whole_seconds(time);
        let request = self.one(Method::GET, id, None)?;
        let request = request.query(vec![("wait".into(), seconds.to_string())]);
        let timeout = self.0.settings.timeout.saturating_add(Duration::from_secs(seconds));
        self.0.json(request.timeout(timeout)).await
    }

    /// Stops a job: one that waits at once, one that runs as soon as its handler notices.
    ///
    /// # Errors
    /// If there is no such job, it has ended, or the server refuses or cannot be asked.
    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        self.0.json(self.one(Method::POST, id, Some("cancel"))?).await
    }

    /// Runs a job now, with fresh attempts.
    ///
    /// # Errors
    /// If there is no such job, its state does not allow it, or the server refuses or cannot be asked.
    pub async fn retry(&self, id: JobId) -> Result<Job> {
        self.0.json(self.one(Method::POST, id, Some("retry"))?).await
    }

    /// Forgets a job.
    ///
    /// # Errors
    /// If there is no such job, it is running, or the server refuses or cannot be asked.
    pub async fn delete(&self, id: JobId) -> Result<()> {
        self.0.done(self.one(Method::DELETE, id, None)?.repeatable()).await
    }

    /// One page of the lines that the job's handler logged, oldest first.
    ///
    /// # Errors
    /// If there is no such job, or the server refuses or cannot be asked.
    pub async fn logs(&self, id: JobId, paging: &Paging) -> Result<Page<LogLine>> {
        let request = self.one(Method::GET, id, Some("logs"))?;
        self.0.json(request.query(paging.query_as("after"))).await
    }

    /// Does something to every job that a filter finds, at most 1,000 at a time: `more` says to send it again.
    ///
    /// # Errors
    /// If the filter is empty, or the server refuses or cannot be asked.
    pub async fn bulk(&self, request: &BulkRequest) -> Result<BulkDone> {
        self.0.json(self.0.post(&["api", "jobs", "bulk"])?.body(request)?).await
    }

    /// Has the server do something to every job that a filter finds, however many: the job that does it. Its progress
    /// says how far it is, its result `{done, refused}` what it did; cancelling it stops it.
    ///
    /// # Errors
    /// As [`Jobs::bulk`].
    pub async fn bulk_job(&self, request: &BulkRequest) -> Result<Job> {
        let request = self.0.post(&["api", "jobs", "bulk"])?.body(request)?;
        let made: Made = self.0.json(request.prefer("respond-async".to_owned())).await?;
        Ok(made.job)
    }

    /// Has a job that does not run wait until another time.
    ///
    /// # Errors
    /// If there is no such job, it runs or has ended, or the server refuses or cannot be asked.
    pub async fn snooze(&self, id: JobId, request: &SnoozeRequest) -> Result<Job> {
        self.0.json(self.one(Method::POST, id, Some("snooze"))?.body(request)?).await
    }

    /// One page of how jobs failed, each failure that is the same once, newest first.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn errors(&self, filter: &ErrorFilter) -> Result<Page<ErrorGroup>> {
        self.0.json(self.0.get(&["api", "jobs", "errors"])?.query(filter.query())).await
    }

    /// The kinds of jobs that can be made there.
    ///
    /// # Errors
    /// As [`Jobs::errors`].
    pub async fn kinds(&self) -> Result<Page<JobKind>> {
        self.0.json(self.0.get(&["api", "jobs", "kinds"])?).await
    }

    /// One kind of jobs.
    ///
    /// # Errors
    /// If there is no such kind, or the server refuses or cannot be asked.
    pub async fn kind(&self, kind: &str) -> Result<JobKind> {
        self.0.json(self.0.get(&["api", "jobs", "kinds", kind])?).await
    }

    fn one(&self, method: Method, id: JobId, what: Option<&str>) -> Result<Request> {
        let id = id.to_string();
        let path = ["api", "jobs", &id].into_iter().chain(what);
        self.0.request(method, &path.collect::<Vec<_>>())
    }
}

impl Filter {
    fn query(&self) -> Query {
        let mut query = Query::new();
        if !self.state.is_empty() {
            let states: Vec<&str> = self.state.iter().map(|state| state.name()).collect();
            query.push(("state".into(), states.join(",")));
        }
        let words = [
            ("kind", &self.kind),
            ("queue", &self.queue),
            ("provider", &self.provider),
            ("tag", &self.tag),
        ];
        query.extend(
            words.into_iter().filter_map(|(name, word)| Some((name.into(), word.clone()?))),
        );
        let times = [("since", self.since), ("until", self.until)];
        query.extend(times.into_iter().filter_map(|(name, time)| {
            Some((name.into(), time?.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
        }));
        query.extend(self.error.map(|error| ("error".into(), error.to_string())));
        query.extend(
            self.args.iter().map(|(path, value)| (format!("args.{path}").into(), value.clone())),
        );
        query.extend(self.paging.query());
        query
    }
}
