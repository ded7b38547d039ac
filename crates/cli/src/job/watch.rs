//! Watching a job until it has ended.

use std::time::Duration;

use mindflight_api::job::Job;
use mindflight_api::{JobId, JobState};
use mindflight_client::Error;
use tokio::time::{Instant, sleep};

use super::{describe, made};
use crate::access::value;
use crate::connect::{Ended, Session};
use crate::output::{Live, span};
use crate::parser::job::Wait;
use crate::{Exit, Failure, Outcome, Output, Streams, codes};

/// How often something is written where no line can be rewritten.
const PLAIN_PACE: Duration = Duration::from_secs(10);
/// The longest that one request waits while a person looks.
const LONGEST: Duration = Duration::from_secs(20);
/// How long a server may be away before the watching is given up.
const AWAY: Duration = Duration::from_secs(60);
/// Before a server is asked again that did not answer.
const SHORTEST: Duration = Duration::from_millis(200);
/// Between two questions when the server does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches the job that was made, if `--wait` says so; otherwise prints its id.
pub(crate) fn watched_if_asked(
    job: &Job,
    wait: Wait,
    session: &Session,
    streams: &mut Streams<'_>,
) -> Outcome {
    match wait.wait {
        Some(limit) => until_ended(job.id, limit.or(session.timeout), session, streams),
        None => made(job),
    }
}

/// Watches until the job has ended, `limit` has passed, or Ctrl-C.
pub(super) fn until_ended(
    id: JobId,
    limit: Option<Duration>,
    session: &Session,
    streams: &mut Streams<'_>,
) -> Outcome {
    let mut live = Live::new(session.for_people(), streams);
    let ended = session.patiently(limit, watch(id, session, &mut live, streams));
    live.clear(streams);
    let again = format!("The job goes on; watch it with `mindflight job watch {id}`.");
    match ended {
        Ended::Done(Ok(job)) => answer(&job),
        Ended::Done(Err(error)) => {
            let failure = session.failure(error);
            let asked_for =
                matches!(failure.exit(), Exit::NotFound | Exit::NotAllowed | Exit::Usage);
            Err(if asked_for { failure } else { failure.line(again) })
        }
        Ended::OutOfTime => {
            let time =
                span(u64::try_from(limit.unwrap_or_default().as_millis()).unwrap_or(u64::MAX));
            let detail = format!("{id} has not ended within {time}");
            Err(Failure::new(Exit::TimedOut, &codes::TIMED_OUT, detail).fix(again))
        }
        Ended::Interrupted => {
            let detail = format!("{id} is no longer watched");
            Err(Failure::new(Exit::Interrupted, &codes::INTERRUPTED, detail).fix(again))
        }
    }
}

pub(super) async fn watch(
    id: JobId,
    session: &Session,
    live: &mut Live,
    streams: &mut Streams<'_>,
) -> Result<Job, Error> {
    let began = Instant::now();
    let jobs = session.client.jobs();
    let mut job = jobs.get(id).await?;
    let mut away = None;
    while !job.state.is_final() {
        if away.is_none() {
            live.show(&line(&job, live.is_looked_at().then(|| began.elapsed())), streams);
        }
        let pause = job.next_poll_ms.map_or(PAUSE, Duration::from_millis);
        let wait = if live.is_looked_at() {
            pause.clamp(Duration::from_secs(1), LONGEST)
        } else {
            PLAIN_PACE
        };
        let asked = Instant::now();
        match jobs.wait(id, wait).await {
            Ok(now) => {
                job = now;
                away = None;
            }
            // The job is in the database: it outlives the server that was asked.
            Err(error) if passes(&error) && since(&mut away) < AWAY => {
                live.show(&format!("{id}  the server does not answer; trying again"), streams);
                sleep(SHORTEST).await;
            }
            Err(error) => return Err(error),
        }
        // A server that answers at once is not asked again at once.
        if !job.state.is_final() {
            sleep(pause.saturating_sub(asked.elapsed())).await;
        }
    }
    Ok(job)
}

/// How long something has lasted that begins now, unless it has begun.
fn since(began: &mut Option<Instant>) -> Duration {
    began.get_or_insert_with(Instant::now).elapsed()
}

/// Whether a server that restarts, or one beside it, would mend that.
fn passes(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Broken { .. } | Error::Timeout { .. } => true,
        Error::Api(problem) => problem.status == 503,
        Error::NotOurs { .. }
        | Error::Decode { .. }
        | Error::Encode(_)
        | Error::Address { .. }
        | Error::Name { .. }
        | Error::InvalidKey
        | Error::Setup(_) => false,
    }
}

/// Where the job is; the time only where the line is rewritten, as elsewhere each would be a new line.
fn line(job: &Job, watched: Option<Duration>) -> String {
    let mut parts = vec![job.id.to_string(), job.state.name().to_owned()];
    if job.attempt > 1 {
        parts.push(format!("{}/{}", job.attempt, job.max_attempts));
    }
    parts.extend(watched.map(|time| format!("{} s", time.as_secs())));
    let waits = !matches!(job.state, JobState::Running);
    parts.extend(if waits { job.reason.clone() } else { describe::progress(job) });
    parts.join("  ")
}

fn answer(job: &Job) -> Outcome {
    let id = job.id;
    let took = describe::took(job).map(|took| format!(" in {took}")).unwrap_or_default();
    let output = |lines: Vec<String>| Ok(Output::text(lines, value(job)?));
    if job.state == JobState::Succeeded {
        return output(vec![
            format!("{id} succeeded{took}"),
            format!("result: mindflight job show {id} --result"),
        ]);
    }
    let lines =
        vec![format!("{id} {}", describe::sentence(job)), format!("why: mindflight job why {id}")];
    Ok(output(lines)?.exit_with(Exit::No))
}
