//! One action on all jobs that a filter finds: at once if they are few, else as a job of the server that is watched.

use std::time::Duration;

use mindflight_api::job::{BulkDone, BulkRequest, Job, JobAction, JobFilter};
use mindflight_api::{JobId, JobState};
use serde_json::json;

use super::describe::{self, verb};
use super::{made, watch};
use crate::connect::{Ended, Session};
use crate::output::Live;
use crate::parser::job::JobChange;
use crate::{Exit, Failure, Outcome, Output, Streams, codes};

/// How long a job that was told to stop may take to.
const STOPPING: Duration = Duration::from_secs(20);

pub(super) fn run(
    action: JobAction,
    filter: JobFilter,
    change: &JobChange,
    session: &Session,
    streams: &mut Streams<'_>,
) -> Outcome {
    let request = BulkRequest { action, filter };
    let start = || session.wait(session.client.jobs().bulk_job(&request));
    if change.detached {
        return made(&start()?);
    }
    let mut done = BulkDone::default();
    if !change.wait {
        done = session.wait(session.client.jobs().bulk(&request))?;
        if !done.more {
            return told(action, done, None);
        }
    }
    let job = start().map_err(|failure| {
        failure.line(format!("before that, {} jobs were {}", done.done, verb(action)))
    })?;
    watched(action, done, &job, session, streams)
}

/// Watches the job to its end. Ctrl-C ends it.
fn watched(
    action: JobAction,
    before: BulkDone,
    job: &Job,
    session: &Session,
    streams: &mut Streams<'_>,
) -> Outcome {
    let (id, jobs) = (job.id, session.client.jobs());
    let mut live = Live::new(session.for_people(), streams);
    let limit = session.timeout;
    let ended = session.patiently(limit, watch::watch(id, session, &mut live, streams));
    live.clear(streams);
    let goes_on = format!(
        "It goes on as the job {id}; watch it with `mindflight job watch {id}`, stop it with `mindflight job cancel {id}`."
    );
    match ended {
        Ended::Done(Ok(job)) => ended_as(action, before, &job),
        Ended::Done(Err(error)) => Err(session.failure(error).line(goes_on)),
        Ended::OutOfTime => {
            let detail = format!("not all jobs were {} in time", verb(action));
            Err(Failure::new(Exit::TimedOut, &codes::TIMED_OUT, detail).fix(goes_on))
        }
        Ended::Interrupted => {
            let stopped = session
                .wait(jobs.cancel(id))
                .and_then(|_| session.wait(jobs.wait(id, STOPPING)))
                .map_err(|failure| failure.line(goes_on))?;
            if stopped.state == JobState::Succeeded {
                return ended_as(action, before, &stopped);
            }
            let detail = format!("stopped: {}", how_far(action, before, &stopped));
            Err(Failure::new(Exit::Interrupted, &codes::INTERRUPTED, detail))
        }
    }
}

fn ended_as(action: JobAction, before: BulkDone, job: &Job) -> Outcome {
    if job.state != JobState::Succeeded {
        let far = how_far(action, before, job);
        let detail = format!("{far}; then the job {} {}", job.id, describe::sentence(job));
        return Err(Failure::new(Exit::No, &mindflight_api::codes::CONFLICT, detail)
            .fix(format!("`mindflight job retry {}` goes on there.", job.id)));
    }
    let number = |name: &str| job.result.as_ref().and_then(|result| result[name].as_u64());
    let (done, refused) =
        (number("done").unwrap_or_default(), number("refused").unwrap_or_default());
    let all = BulkDone {
        done: before.done + done,
        // Those that cannot be touched were met twice.
        refused: before.refused.max(refused),
        more: false,
    };
    told(action, all, Some(job.id))
}

fn how_far(action: JobAction, before: BulkDone, job: &Job) -> String {
    let message = job.progress.as_ref().and_then(|progress| progress.message.clone());
    let now = message.unwrap_or_else(|| format!("0 {}", verb(action)));
    match before.done {
        0 => now,
        first => format!("{first} {}, then {now}", verb(action)),
    }
}

fn told(action: JobAction, all: BulkDone, job: Option<JobId>) -> Outcome {
    let mut lines = vec![format!("{} {}", all.done, verb(action))];
    if all.refused > 0 {
        lines.push(format!("{} left as they are: their state does not allow it", all.refused));
    }
    let exit = match (all.done, all.refused) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Conflict,
        (_, _) => Exit::Partly,
    };
    let mut document = json!({"done": all.done, "refused": all.refused, "more": all.more});
    if let Some(job) = job {
        document["job"] = json!(job);
    }
    Ok(Output::text(lines, document).exit_with(exit))
}
