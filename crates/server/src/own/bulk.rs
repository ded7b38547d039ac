//! `mindflight.bulk`: one action on any number of jobs, a batch at a time, that goes on wherever it was interrupted.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::job::{JobAction, JobFilter};
use mindflight_api::{Scope, codes};
use mindflight_core::jobs::JobArgs;
use mindflight_core::ports::Record;
use mindflight_core::{Context, Error, Result};
use mindflight_store::job_views::{Bulk as Done, Errand, Errands, Reached};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Own;
use crate::routes::jobs::chosen;

/// The whole kind.
pub(crate) const KIND: &str = "mindflight.bulk";

/// Millions of jobs take minutes; what goes on for longer than this hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// How often in a row the database may fail before the attempt does, and how long to wait each time.
const MOST_MISSES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// What is done to which jobs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    /// `cancel`, `retry` or `delete`.
    action: JobAction,
    /// To which jobs; at least one member is needed.
    filter: JobFilter,
}

impl JobArgs for Bulk {
    const KIND: &'static str = "bulk";
}

/// What was done.
#[derive(Debug, Serialize)]
pub(super) struct Did {
    done: u64,
    refused: u64,
}

/// What the audit log calls an action on a job.
pub(crate) const fn act(action: JobAction) -> &'static str {
    match action {
        JobAction::Cancel => "job.cancel",
        JobAction::Retry => "job.retry",
        JobAction::Delete => "job.delete",
        JobAction::Snooze => "job.snooze",
    }
}

pub(super) async fn run(own: Arc<Own>, cx: Context, args: Bulk) -> Result<Did> {
    // As the caller who asked for it; a job that a provider makes has none.
    cx.caller().require(&Scope::JobsWrite).map_err(Error::permanent)?;
    let errand = errand(&cx, args).map_err(Error::permanent)?;
    let errands = own.store.job_views().errands();
    let reached = through(&own, &cx, &errand, &errands).await?;
    Ok(Did { done: reached.done, refused: reached.refused })
}

fn errand(cx: &Context, args: Bulk) -> Result<Errand> {
    let lease = cx.lease().ok_or_else(|| Error::internal("an attempt without a lease"))?;
    let detail = detail(args.action, &args.filter);
    let (action, filter) = (args.action, chosen(args.action, args.filter)?);
    let (act, target) = (act(action), lease.job.to_string());
    let record = Record { action: act, target, detail, ..cx.record("ok".to_owned()) };
    Ok(Errand { lease, action, filter, kind: KIND.to_owned(), record })
}

/// What the audit log says about the choice: of arguments only where they are, never what they are.
fn detail(action: JobAction, filter: &JobFilter) -> Value {
    let mut shown = json!(filter);
    if !filter.args.is_empty() {
        shown["args"] = json!(filter.args.keys().collect::<Vec<_>>());
    }
    json!({"action": action, "filter": shown})
}

async fn through(own: &Own, cx: &Context, errand: &Errand, errands: &Errands) -> Result<Reached> {
    let (mut reached, mut misses) = (None, 0);
    loop {
        if cx.is_cancelled() {
            return Err(stopped(own, errand, errands, reached).await);
        }
        let step = match &reached {
            None => errands.reached(errand).await.map(|now| (now, Done::default())),
            Some(Reached { is_over: true, .. }) => return Ok(reached.unwrap_or_default()),
            Some(before) => errands.step(errand, before).await,
        };
        match step.map_err(Error::from) {
            Ok((now, done)) => {
                tell(own, &done);
                (reached, misses) = (Some(now), 0);
            }
            // Nobody knows whether the batch was done: how far it is stands in the database.
            Err(error)
                if error.name() == codes::DATABASE_UNAVAILABLE.name && misses < MOST_MISSES =>
            {
                tracing::warn!(job = %errand.lease.job, error = %error, "a batch of a bulk action failed: {error}");
                misses += 1;
                reached = None;
                cx.sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Wakes whoever the batch concerns.
fn tell(own: &Own, done: &Done) {
    if done.done.done == 0 {
        return;
    }
    own.queue.ended(&done.queues);
    done.asked.iter().for_each(|job| own.queue.cancel(*job));
}

/// What the attempt ends with that was told to stop. If somebody cancelled it, that is where it ends.
async fn stopped(own: &Own, errand: &Errand, errands: &Errands, at: Option<Reached>) -> Error {
    let is_aborted = errands.is_cancelled(errand.lease.job).await.unwrap_or_default();
    if let Some(reached) = at.filter(|_| is_aborted) {
        let record = reached.record(&errand.record, codes::JOB_CANCELLED.name);
        if let Err(error) = own.audit(record).await {
            tracing::error!(error = %error, "the end of a bulk action was not recorded: {error}");
        }
    }
    Error::of(codes::JOB_CANCELLED, "the action was stopped; its progress says how far it came")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_does_not_see_arguments() {
        let filter: JobFilter =
            serde_json::from_value(json!({"kind": "mail.send", "args": {"to": "ada@x.org"}}))
                .unwrap();
        let detail = detail(JobAction::Cancel, &filter);
        let expected = json!({"action": "cancel", "filter": {"kind": "mail.send", "args": ["to"]}});
        assert_eq!(detail, expected);
    }
}
