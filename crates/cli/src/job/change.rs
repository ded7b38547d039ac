//! `job retry`, `job cancel`, `job delete`: jobs by their ids, or all that a filter finds.

use chrono::{DateTime, Utc};
use mindflight_api::job::{BulkDone, BulkRequest, Job, JobAction, JobFilter};
use mindflight_api::{JobId, JobState};
use mindflight_client::Paging;
use mindflight_client::jobs::Filter;
use serde_json::{Value, json};

use super::describe::verb;
use super::{columns, filter};
use crate::access::{value, values};
use crate::connect::Session;
use crate::parser::job::JobChange;
use crate::{Column, Exit, Failure, Outcome, Output};

/// Requests of one command, 1,000 jobs each: jobs that come back as fast as they are touched must not keep it for ever.
const ROUNDS: u32 = 1_000;
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
) -> Outcome {
    let target = target(&change.words, now)?;
    match target {
        Target::Ids(ids) if change.dry_run => rehearsed(action, jobs(&ids, &session()?)?, false),
        Target::Filter(filter) if change.dry_run => {
            let (jobs, more) = found(filter, &session()?)?;
            rehearsed(action, jobs, more)
        }
        Target::Ids(ids) => one_by_one(action, &ids, &session()?),
        Target::Filter(filter) if change.yes => all_that_fit(action, filter, &session()?),
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

fn all_that_fit(action: JobAction, filter: JobFilter, session: &Session) -> Outcome {
    let request = BulkRequest { action, filter };
    let mut all = BulkDone::default();
    for _ in 0..ROUNDS {
        let round = session.wait(session.client.jobs().bulk(&request)).map_err(|failure| {
            failure.line(format!("before that, {} jobs were {}", all.done, verb(action)))
        })?;
        all.done += round.done;
        // A job that cannot be touched is met again in each round.
        all.refused = all.refused.max(round.refused);
        all.more = round.more;
        if !round.more || round.done == 0 {
            break;
        }
    }
    let mut lines = vec![format!("{} {}", all.done, verb(action))];
    if all.refused > 0 {
        lines.push(format!("{} left as they are: their state does not allow it", all.refused));
    }
    if all.more {
        lines.push("more may fit: narrow the filter, or do it again".to_owned());
    }
    let exit = match (all.done, all.refused, all.more) {
        (_, 0, false) => Exit::Done,
        (0, _, _) => Exit::Conflict,
        (_, _, _) => Exit::Partly,
    };
    Ok(Output::text(lines, value(&all)?).exit_with(exit))
}

fn jobs(ids: &[JobId], session: &Session) -> Result<Vec<Job>, Failure> {
    ids.iter().map(|id| session.wait(session.client.jobs().get(*id))).collect()
}

/// The newest jobs that fit, and whether there are more.
fn found(filter: JobFilter, session: &Session) -> Result<(Vec<Job>, bool), Failure> {
    let JobFilter { state, kind, queue, provider, tag, since, until, ids: _ } = filter;
    let paging = Paging { limit: Some(SHOWN), cursor: None };
    let filter =
        Filter { state, kind, queue, provider, tag, since, until, args: Vec::new(), paging };
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
