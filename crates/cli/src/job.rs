//! `job`: list, show, watch, explain, make and manage jobs.

mod bulk;
mod change;
mod describe;
mod enqueue;
mod errors;
mod filter;
mod kinds;
mod logs;
mod watch;

use chrono::{DateTime, Utc};
use mindflight_api::job::{Job, JobAction, JobList as Answer};
use mindflight_api::{JobId, JobState, codes};
use mindflight_client::Paging;
use mindflight_client::jobs::Filter;
use serde_json::{Value, json};

use crate::access::{value, values};
use crate::clock::now;
use crate::connect::Session;
use crate::parser::job::{JobCommand, JobList};
use crate::{Column, Environment, Exit, Failure, Outcome, Output, Streams};
pub(crate) use describe::time;
pub(crate) use watch::watched_if_asked;

pub(crate) fn run(
    command: &JobCommand,
    session: impl Fn() -> Result<Session, Failure>,
    env: &Environment,
    streams: &mut Streams<'_>,
) -> Outcome {
    let now = now(env);
    match command {
        JobCommand::List(list) => {
            // What is wrong with the words themselves is said before a server is looked for.
            let filter = filter::read(&list.words, now)?;
            listed(filter, list, &session()?)
        }
        JobCommand::Stats { words } => {
            let filter = counted(words, now)?;
            stats(&filter, &session()?)
        }
        JobCommand::Show { id, result } => shown(*id, *result, &session()?),
        JobCommand::Why { id } => describe::why(*id, &session()?),
        JobCommand::Watch { id } => {
            let session = session()?;
            watch::until_ended(*id, session.timeout, &session, streams)
        }
        JobCommand::Errors(asked) => errors::run(asked, now, &session()?),
        JobCommand::Kinds { kind } => kinds::run(kind.as_deref(), &session()?),
        JobCommand::Logs(asked) => logs::run(asked, &session()?, streams),
        JobCommand::Enqueue(asked) => enqueue::run(asked, session, streams),
        JobCommand::Retry(change) => change::run(JobAction::Retry, change, now, session, streams),
        JobCommand::Cancel(change) => change::run(JobAction::Cancel, change, now, session, streams),
        JobCommand::Delete(change) => change::run(JobAction::Delete, change, now, session, streams),
        JobCommand::Snooze(asked) => change::snooze(asked, &session()?),
    }
}

fn listed(filter: Filter, list: &JobList, session: &Session) -> Outcome {
    let filter = Filter { paging: list.pages.paging(), ..filter };
    let answer = session.wait(session.client.jobs().list(&filter))?;
    let counts = counts(&answer);
    let mut output = Output::list(columns(), values(&answer.items)?, answer.next)
        .member("counts", json!(answer.counts))
        .member("counts_capped", json!(answer.counts_capped));
    if let Some(scanned) = answer.scanned {
        output = output
            .member("scanned", json!(scanned))
            .note(format!("looked at the newest {scanned} jobs that the other filters find"));
    }
    Ok(if counts.is_empty() { output } else { output.note(format!("in all: {counts}")) })
}

/// The counts in one line, in the order of a job's life.
fn counts(answer: &Answer) -> String {
    let count = |state: JobState| {
        let count = answer.counts.get(&state).filter(|count| **count > 0)?;
        let more = if answer.counts_capped.contains(&state) { "+" } else { "" };
        Some(format!("{count}{more} {}", state.name()))
    };
    JobState::ALL.into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

/// The table of jobs.
fn columns() -> Vec<Column> {
    vec![
        Column::new("ID", "id"),
        Column::new("STATE", "state"),
        Column::new("KIND", "kind"),
        Column::new("QUEUE", "queue"),
        Column::of_most("TRY", "attempt", "max_attempts"),
        Column::time("MADE", "created_at"),
        Column::sentence("REASON", "reason"),
    ]
}

/// Only what the server counts by: another filter would change the list and not the numbers.
fn counted(words: &[String], now: DateTime<Utc>) -> Result<Filter, Failure> {
    let filter = filter::read(words, now)?;
    let Filter { kind, queue, provider, .. } = filter.clone();
    let plain = Filter { kind, queue, provider, ..Filter::default() };
    if filter == plain {
        return Ok(plain);
    }
    Err(Failure::usage("jobs are counted by kind:NAME, queue:NAME and provider:NAME alone")
        .fix("Leave the other filters out, or use them with `mindflight job list`."))
}

fn stats(filter: &Filter, session: &Session) -> Outcome {
    // The counts come with every page; the shortest one will do.
    let paging = Paging { limit: Some(1), cursor: None };
    let filter = Filter { paging, ..filter.clone() };
    let answer = session.wait(session.client.jobs().list(&filter))?;
    let row = |state: &JobState| {
        let count = answer.counts.get(state).copied().unwrap_or_default();
        json!({"state": state, "count": count, "capped": answer.counts_capped.contains(state)})
    };
    let columns = vec![Column::new("STATE", "state"), Column::new("JOBS", "count")];
    let rows: Vec<Value> = JobState::ALL.iter().map(row).collect();
    let output = Output::list(columns, rows, None);
    if answer.counts_capped.is_empty() {
        return Ok(output);
    }
    let capped: Vec<&str> = answer.counts_capped.iter().map(|state| state.name()).collect();
    Ok(output.note(format!("there are more than were counted of: {}", capped.join(", "))))
}

fn shown(id: JobId, result: bool, session: &Session) -> Outcome {
    let job = session.wait(session.client.jobs().get(id))?;
    if !result {
        return Ok(Output::text(describe::lines(&job), value(&job)?));
    }
    if job.state == JobState::Succeeded {
        let result = job.result.unwrap_or_default();
        let text = result.as_str().map_or_else(|| format!("{result:#}"), str::to_owned);
        return Ok(Output::text(vec![text], result));
    }
    let detail = format!("{id} is {}; only a job that succeeded has a result", job.state.name());
    Err(Failure::new(Exit::Conflict, &codes::CONFLICT, detail).fix(if job.state.is_final() {
        format!("`mindflight job why {id}` says what happened.")
    } else {
        format!("Wait for it: `mindflight job watch {id}`.")
    }))
}

/// What a command says that made a job: its id alone, for `$(…)`.
pub(crate) fn made(job: &Job) -> Outcome {
    let id = job.id;
    let what = if job.existing {
        format!("there already, with the same unique key, and {}", job.state.name())
    } else {
        job.state.name().to_owned()
    };
    Ok(Output::plain(id.to_string(), value(job)?)
        .note(format!("{} is {what}; watch it with `mindflight job watch {id}`", job.kind)))
}
