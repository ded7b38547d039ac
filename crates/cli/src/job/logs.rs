//! What a job's handler logged, and what it logs until it has ended.

use std::time::Duration;

use mindflight_api::JobId;
use mindflight_api::job::LogLine;
use mindflight_client::{Error, Paging};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::describe::time;
use crate::access::{value, values};
use crate::connect::{Ended, Session};
use crate::output::print_now;
use crate::parser::Form;
use crate::parser::job::JobLogs;
use crate::{Column, Exit, Failure, Outcome, Output, Streams, codes};

/// How often a job that logs nothing is asked.
const PACE: Duration = Duration::from_secs(1);

pub(super) fn run(asked: &JobLogs, session: &Session, streams: &mut Streams<'_>) -> Outcome {
    if asked.follow {
        return followed(asked, session, streams);
    }
    let page = session.wait(session.client.jobs().logs(asked.id, &asked.pages.paging()))?;
    Ok(Output::list(columns(), values(&page.items)?, page.next))
}

fn columns() -> Vec<Column> {
    vec![Column::time("AT", "at"), Column::new("TRY", "attempt"), Column::new("LINE", "line")]
}

/// One document cannot be written before its end is known, so JSON comes when the job has ended.
fn followed(asked: &JobLogs, session: &Session, streams: &mut Streams<'_>) -> Outcome {
    let mut follower = Follower {
        id: asked.id,
        session,
        paging: asked.pages.paging(),
        seen: 0,
        kept: Vec::new(),
        read: true,
    };
    let ended = session.patiently(session.timeout, follower.run(streams));
    let again =
        || format!("The job goes on; `mindflight job logs {} -f` follows it again.", asked.id);
    match ended {
        Ended::Done(Err(error)) => Err(session.failure(error)),
        Ended::Done(Ok(())) if session.form == Form::Json => {
            Ok(Output::list(columns(), values(&follower.kept)?, None))
        }
        Ended::Done(Ok(())) if session.form == Form::Jsonl => {
            print_now(
                &json!({"type": "end", "reason": "complete", "next": null}).to_string(),
                streams,
            );
            Ok(Output::nothing())
        }
        Ended::Done(Ok(())) => Ok(Output::nothing()),
        Ended::OutOfTime => {
            let detail = format!("{} has not ended in the given time", asked.id);
            Err(Failure::new(Exit::TimedOut, &codes::TIMED_OUT, detail).fix(again()))
        }
        Ended::Interrupted => {
            let detail = format!("{} is no longer followed", asked.id);
            Err(Failure::new(Exit::Interrupted, &codes::INTERRUPTED, detail).fix(again()))
        }
    }
}

/// Reads on from where it was.
struct Follower<'a> {
    id: JobId,
    session: &'a Session,
    paging: Paging,
    /// Lines after the cursor that were shown: the last page has no cursor of its own, so it is read again.
    seen: usize,
    kept: Vec<LogLine>,
    /// Whether someone still reads what is printed.
    read: bool,
}

impl Follower<'_> {
    async fn run(&mut self, streams: &mut Streams<'_>) -> Result<(), Error> {
        let jobs = self.session.client.jobs();
        let mut job = jobs.get(self.id).await?;
        loop {
            // Asked before the lines are read: what an ended job logged is all there.
            let ended = job.state.is_final();
            self.drain(streams).await?;
            if ended || !self.read {
                return Ok(());
            }
            let pace = job.next_poll_ms.map_or(PACE, |ms| PACE.min(Duration::from_millis(ms)));
            let asked = Instant::now();
            job = jobs.wait(self.id, PACE).await?;
            if !job.state.is_final() {
                sleep(pace.saturating_sub(asked.elapsed())).await;
            }
        }
    }

    async fn drain(&mut self, streams: &mut Streams<'_>) -> Result<(), Error> {
        loop {
            let page = self.session.client.jobs().logs(self.id, &self.paging).await?;
            for line in page.items.iter().skip(self.seen) {
                self.show(line, streams);
            }
            self.seen = page.items.len();
            let Some(next) = page.next else {
                return Ok(());
            };
            // A cursor that does not move would be read for ever.
            if self.paging.cursor.as_ref() == Some(&next) {
                return Ok(());
            }
            self.paging.cursor = Some(next);
            self.seen = 0;
        }
    }

    fn show(&mut self, line: &LogLine, streams: &mut Streams<'_>) {
        let text = match self.session.form {
            Form::Json => return self.kept.push(line.clone()),
            Form::Jsonl => value(line).map(|value| value.to_string()).unwrap_or_default(),
            Form::Name => line.line.clone(),
            Form::Table => format!("{}  {}  {}", time(line.at), line.attempt, line.line),
        };
        self.read = self.read && print_now(&text, streams);
    }
}
