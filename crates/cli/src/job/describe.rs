//! One job for people: what it is, why it is in its state, what to do next.

use chrono::{DateTime, SecondsFormat, Utc};
use mindflight_api::job::{Attempt, Job, JobAction};
use mindflight_api::{JobId, JobState};
use serde_json::json;

use crate::connect::Session;
use crate::output::span;
use crate::{Outcome, Output};

/// Everything about a job but its result.
pub(super) fn lines(job: &Job) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  {}", job.id, job.kind, state(job)),
        format!(
            "queue {}, priority {}, attempt {}/{}",
            job.queue, job.priority, job.attempt, job.max_attempts
        ),
        format!("made {}, due {}{}", time(job.created_at), time(job.run_at), ran(job)),
    ];
    if !job.tags.is_empty() {
        lines.push(format!("tags {}", job.tags.join(", ")));
    }
    lines.extend(graph(job));
    lines.push(format!("args {}", job.args));
    if let Some(progress) = progress(job) {
        lines.push(format!("progress {progress}"));
    }
    if let Some(error) = &job.error {
        lines.push(format!("error {} ({})", error.detail, error.code));
    }
    if let Some(fingerprint) = job.fingerprint {
        lines.push(format!("others that failed so: mindflight job list error:{fingerprint}"));
    }
    if let Some(result) = &job.result {
        let size = result.to_string().len();
        lines.push(format!("result {size} bytes: mindflight job show {} --result", job.id));
    }
    if !job.attempts.is_empty() {
        lines.push("attempts".to_owned());
        lines.extend(job.attempts.iter().map(attempt));
    }
    if !job.actions.is_empty() {
        let names: Vec<&str> = job.actions.iter().map(|action| verb(*action)).collect();
        lines.push(format!("may be: {}", names.join(", ")));
    }
    lines
}

/// `job why`: one sentence, then the next command.
pub(super) fn why(id: JobId, session: &Session) -> Outcome {
    let job = session.wait(session.client.jobs().get(id))?;
    let next = next(&job, session);
    let mut lines = vec![sentence(&job)];
    lines
        .extend(job.error.iter().filter_map(|error| Some(format!("fix: {}", error.fix.as_ref()?))));
    lines.push(format!("next: {next}"));
    let value = json!({
        "id": id, "state": job.state, "reason": job.reason, "error": job.error, "next": next,
    });
    Ok(Output::text(lines, value))
}

/// State and reason.
pub(super) fn sentence(job: &Job) -> String {
    let error = || job.error.as_ref().map(|error| format!("{} ({})", error.detail, error.code));
    let own = || match job.state {
        JobState::Scheduled => Some(format!("due at {}", time(job.run_at))),
        JobState::Queued => Some("waits for a worker".to_owned()),
        JobState::Retrying => Some(format!("the next attempt is due at {}", time(job.run_at))),
        JobState::Running => job.started_at.map(|at| format!("since {}", time(at))),
        JobState::Failed => error(),
        JobState::Succeeded | JobState::Cancelled => {
            job.finished_at.map(|at| format!("at {}", time(at)))
        }
        JobState::Blocked => None,
    };
    match job.reason.clone().or_else(own) {
        Some(reason) => format!("{}: {reason}", state(job)),
        None => state(job),
    }
}

/// The command that brings the job on.
fn next(job: &Job, session: &Session) -> String {
    let id = job.id;
    match job.state {
        JobState::Scheduled | JobState::Queued | JobState::Retrying => {
            waiting(job, session).unwrap_or_else(|| format!("mindflight job watch {id}"))
        }
        JobState::Blocked if unfinished(job).is_some() => {
            let id = unfinished(job).unwrap_or(id);
            format!("mindflight job why {id}")
        }
        JobState::Blocked => format!("mindflight job list state:running kind:{}", job.kind),
        JobState::Running if job.long_running => format!("mindflight job logs {id} -f"),
        JobState::Running => format!("mindflight job watch {id}"),
        JobState::Succeeded => format!("mindflight job show {id} --result"),
        JobState::Failed | JobState::Cancelled if job.actions.contains(&JobAction::Retry) => {
            format!("mindflight job retry {id}")
        }
        JobState::Failed | JobState::Cancelled => format!("mindflight job logs {id}"),
    }
}

/// What holds a waiting job up, as its queue shows it. Who may not read queues gets the plain advice.
fn waiting(job: &Job, session: &Session) -> Option<String> {
    let queue = session.wait(session.client.queues().get(&job.queue)).ok()?;
    if queue.paused_at.is_some() {
        Some(format!("mindflight queue resume {}", job.queue))
    } else if queue.workers == 0 {
        Some("mindflight worker list".to_owned())
    } else {
        None
    }
}

/// What it waits for, and what waits for it.
fn graph(job: &Job) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if !job.after.is_empty() {
        lines.push("after".to_owned());
    }
    lines.extend(job.after.iter().map(|parent| {
        format!("  {}  {}", parent.id, parent.state.map_or("forgotten", JobState::name))
    }));
    if !job.then.is_empty() {
        lines.push("then".to_owned());
    }
    lines.extend(job.then.iter().map(|id| format!("  {id}")));
    lines
}

/// The first job that it waits for and that has not ended.
fn unfinished(job: &Job) -> Option<JobId> {
    let is_open = |state: JobState| !state.is_final();
    job.after.iter().find(|parent| parent.state.is_some_and(is_open)).map(|parent| parent.id)
}

fn state(job: &Job) -> String {
    let long = if job.long_running { " for long" } else { "" };
    format!("{}{long}", job.state.name())
}

/// How far a job is, if it says so.
pub(super) fn progress(job: &Job) -> Option<String> {
    let progress = job.progress.as_ref()?;
    let share = match progress.total {
        Some(total) if total > 0.0 => {
            format!("{:.0} %", (progress.done / total * 100.0).clamp(0.0, 100.0))
        }
        Some(_) | None => format!("{}", progress.done),
    };
    Some(match &progress.message {
        Some(message) => format!("{share}  {message}"),
        None => share,
    })
}

/// How long the newest attempt took, if it has ended.
pub(super) fn took(job: &Job) -> Option<String> {
    let time = job.finished_at? - job.started_at?;
    u64::try_from(time.num_milliseconds()).ok().map(span)
}

fn ran(job: &Job) -> String {
    let started = job.started_at.map(|at| format!(", started {}", time(at)));
    let ended = job.finished_at.map(|at| format!(", ended {}", time(at)));
    let took = took(job).map(|took| format!(" after {took}"));
    [started, ended, took].into_iter().flatten().collect()
}

fn attempt(attempt: &Attempt) -> String {
    let state = serde_json::to_value(attempt.state).unwrap_or_default();
    let worker = attempt.worker.map(|id| format!(" on worker {id}"));
    let started = attempt.started_at.map(|at| format!(", started {}", time(at)));
    let ended = attempt.finished_at.map(|at| format!(", ended {}", time(at)));
    let error = attempt.error.as_ref().map(|error| format!(": {} ({})", error.detail, error.code));
    let rest: String = [worker, started, ended, error].into_iter().flatten().collect();
    format!("  {}  {}{rest}", attempt.attempt, state.as_str().unwrap_or_default())
}

pub(super) const fn verb(action: JobAction) -> &'static str {
    match action {
        JobAction::Cancel => "cancelled",
        JobAction::Retry => "retried",
        JobAction::Delete => "deleted",
        JobAction::Snooze => "put off",
    }
}

/// A time to the second.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
