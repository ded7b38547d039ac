//! `job retry`, `job cancel`, `job delete`: jobs by their ids, or all that a filter finds.

use chrono::{DateTime, Utc};
use mindflight_api::job::{Delay, Job, JobAction, JobFilter, SnoozeRequest};
use mindflight_api::{JobId, JobState};
use mindflight_client::Paging;
use mindflight_client::jobs::Filter;
use serde_json::{Value, json};

use super::describe::{time, verb};
use super::{bulk, columns, filter};
use crate::access::{value, values};
use crate::connect::Session;
use crate::parser::job::{JobChange, JobSnooze};
use crate::{Column, Exit, Failure, Outcome, Output, Streams};

/// Jobs that `--dry-run` shows.
const SHOWN: u32 = 500;

/// What the words name.
enum Target {
    Ids(Vec<JobId>),
    Filter(JobFilter),
}

pub(super) fn run(
    action: JobAction,
    change: &JobChange,
    now: DateTime<Utc>,
    session: impl Fn() -> Result<Session, Failure>,
    streams: &mut Streams<'_>,
) -> Outcome {
    let target = target(&change.words, now)?;
    match target {
        Target::Ids(ids) if change.dry_run => rehearsed(action, jobs(&ids, &session()?)?, false),
        Target::Filter(filter) if change.dry_run => {
            let (jobs, more) = found(filter, &session()?)?;
            rehearsed(action, jobs, more)
        }
        Target::Ids(_) if change.wait || change.detached => {
            Err(Failure::usage("--wait and --async are for all jobs that a filter finds")
                .fix("Leave them out where jobs are named by their ids."))
        }
        Target::Ids(ids) => one_by_one(action, &ids, &session()?),
        Target::Filter(filter) if change.yes => {
            bulk::run(action, filter, change, &session()?, streams)
        }
        Target::Filter(_) => Err(Failure::usage(format!(
            "a filter may find many jobs, and all of them would be {}",
            verb(action)
        ))
        .fix("Look with --dry-run what it finds, then add --yes.")),
    }
}

fn target(words: &[String], now: DateTime<Utc>) -> Result<Target, Failure> {
    let ids: Vec<JobId> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if ids.len() == words.len() {
        return Ok(Target::Ids(ids));
    }
    // A word that was meant to be an id is told so; the others are filters.
    let looks_like_an_id =
        |word: &&String| word.parse::<JobId>().is_err() && !word.contains([':', '=']);
    if let Some(word) = words.iter().find(looks_like_an_id) {
        return Err(Failure::usage(format!("`{word}` is neither a job's id nor a filter"))
            .fix("Write a hyphenated UUID, as `mindflight job list` shows it, or a filter, as state:failed."));
    }
    if !ids.is_empty() {
        return Err(Failure::usage("ids and filters cannot be mixed")
            .fix("Give either; one command for each."));
    }
    filter::read_for_change(words, now).map(Target::Filter)
}

/// What happened to one job.
struct Touched {
    id: JobId,
    outcome: Result<Option<Job>, Failure>,
}

fn one_by_one(action: JobAction, ids: &[JobId], session: &Session) -> Outcome {
    if let [id] = ids {
        let job = touch(action, *id, session)?;
        let document = match &job {
            Some(job) => value(job)?,
            None => json!({"id": id, "deleted": true}),
        };
        return Ok(Output::text(vec![format!("{id} {}", became(action, job.as_ref()))], document));
    }
    let touched: Vec<Touched> =
        ids.iter().map(|id| Touched { id: *id, outcome: touch(action, *id, session) }).collect();
    let rows: Vec<Value> = touched.iter().map(|one| row(action, one)).collect();
    let columns =
        vec![Column::new("ID", "id"), Column::new("DONE", "done"), Column::new("NOW", "now")];
    let refused: Vec<&Failure> =
        touched.iter().filter_map(|one| one.outcome.as_ref().err()).collect();
    let exit = match refused.first() {
        None => Exit::Done,
        Some(first) if refused.len() == ids.len() => first.exit(),
        Some(_) => Exit::Partly,
    };
    Ok(Output::list(columns, rows, None).exit_with(exit))
}

fn touch(action: JobAction, id: JobId, session: &Session) -> Result<Option<Job>, Failure> {
    let jobs = session.client.jobs();
    match action {
        JobAction::Cancel => session.wait(jobs.cancel(id)).map(Some),
        JobAction::Retry => session.wait(jobs.retry(id)).map(Some),
        JobAction::Delete => session.wait(jobs.delete(id)).map(|()| None),
        JobAction::Snooze => Err(Failure::usage("jobs are put off with `mindflight job snooze`")),
    }
}

fn row(action: JobAction, one: &Touched) -> Value {
    match &one.outcome {
        Ok(job) => json!({
            "id": one.id, "done": true, "state": job.as_ref().map(|job| job.state),
            "now": became(action, job.as_ref()),
        }),
        Err(failure) => json!({
            "id": one.id, "done": false, "now": failure.problem().detail, "error": failure.problem(),
        }),
    }
}

/// What a job has become; a running one is only asked to stop.
fn became(action: JobAction, job: Option<&Job>) -> String {
    match job {
        None => verb(action).to_owned(),
        Some(job) if action == JobAction::Cancel && job.state == JobState::Running => {
            "is asked to stop; it is cancelled when it notices".to_owned()
        }
        Some(job) => format!("is {}", job.state.name()),
    }
}

fn jobs(ids: &[JobId], session: &Session) -> Result<Vec<Job>, Failure> {
    ids.iter().map(|id| session.wait(session.client.jobs().get(*id))).collect()
}

/// The newest jobs that fit, and whether there are more.
fn found(filter: JobFilter, session: &Session) -> Result<(Vec<Job>, bool), Failure> {
    let JobFilter { state, kind, queue, provider, tag, since, until, error, args, ids: _ } = filter;
    let paging = Paging { limit: Some(SHOWN), cursor: None };
    let args = args.into_iter().collect();
    let filter = Filter { state, kind, queue, provider, tag, since, until, error, args, paging };
    let answer = session.wait(session.client.jobs().list(&filter))?;
    Ok((answer.items, answer.next.is_some()))
}

fn rehearsed(action: JobAction, jobs: Vec<Job>, more: bool) -> Outcome {
    let all = jobs.len();
    let would: Vec<Job> = jobs.into_iter().filter(|job| job.actions.contains(&action)).collect();
    let refused = all - would.len();
    let mut output = Output::list(columns(), values(&would)?, None)
        .member("refused", json!(refused))
        .member("more", json!(more))
        .note(format!("{} would be {}; nothing was done", would.len(), verb(action)));
    if refused > 0 {
        output = output
            .note(format!("{refused} would be left as they are: their state does not allow it"));
    }
    Ok(if more {
        output.note(format!("more fit than the newest {SHOWN}, which were looked at"))
    } else {
        output
    })
}

pub(super) fn snooze(asked: &JobSnooze, session: &Session) -> Outcome {
    let span = asked.span.map(|span| Delay::Seconds(span.as_secs_f64()));
    let request = SnoozeRequest { span, until: asked.until };
    let job = session.wait(session.client.jobs().snooze(asked.id, &request))?;
    let until = time(job.run_at);
    Ok(Output::text(vec![format!("{} is put off until {until}", job.id)], value(&job)?))
}
