//! `schedule`: what makes jobs by the clock.

use mindflight_api::codes;
use mindflight_api::job::Schedule;
use mindflight_client::Paging;
use serde_json::{Value, json};

use crate::access::{value, values};
use crate::connect::Session;
use crate::job::{time, watched_if_asked};
use crate::parser::queue::ScheduleCommand;
use crate::{Column, Exit, Failure, Outcome, Output, Streams};

pub(crate) fn run(
    command: &ScheduleCommand,
    session: &Session,
    streams: &mut Streams<'_>,
) -> Outcome {
    let schedules = session.client.schedules();
    match command {
        ScheduleCommand::List(pages) => {
            let page = session.wait(schedules.list(&pages.paging()))?;
            Ok(Output::list(columns(), values(&page.items)?, page.next))
        }
        ScheduleCommand::Show(schedule) => {
            let schedule = session.wait(schedules.get(schedule.id))?;
            Ok(Output::text(lines(&schedule), value(&schedule)?))
        }
        ScheduleCommand::Next { id } => {
            let all = match id {
                Some(id) => vec![session.wait(schedules.get(*id))?],
                None => all(session)?,
            };
            Ok(next(&all))
        }
        ScheduleCommand::Run { schedule, wait } => {
            let job = session.wait(schedules.run(schedule.id))?;
            watched_if_asked(&job, *wait, session, streams)
        }
        ScheduleCommand::Pause(schedule) => {
            let schedule = session.wait(schedules.pause(schedule.id))?;
            as_asked(&schedule, schedule.paused_at.is_some(), "paused")
        }
        ScheduleCommand::Resume(schedule) => {
            let schedule = session.wait(schedules.resume(schedule.id))?;
            as_asked(&schedule, schedule.paused_at.is_none(), "resumed")
        }
    }
}

fn all(session: &Session) -> Result<Vec<Schedule>, Failure> {
    let (mut all, mut paging) = (Vec::new(), Paging::default());
    loop {
        let page = session.wait(session.client.schedules().list(&paging))?;
        all.extend(page.items);
        if page.next.is_none() || page.next == paging.cursor {
            return Ok(all);
        }
        paging.cursor = page.next;
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("ID", "id"),
        Column::new("KIND", "kind"),
        Column::new("CRON", "cron"),
        Column::new("ZONE", "zone"),
        Column::new("MISSED", "missed"),
        Column::time("LAST", "last"),
        Column::time("PAUSED", "paused_at"),
    ]
}

fn lines(schedule: &Schedule) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}", schedule.id, schedule.kind),
        format!("{} in {}, missed times: {}", schedule.cron, schedule.zone, schedule.missed),
    ];
    lines.extend(schedule.last.map(|at| format!("last {}", time(at))));
    lines.extend(schedule.last_job.map(|id| format!("last job: mindflight job show {id}")));
    if !schedule.next.is_empty() {
        let times: Vec<String> = schedule.next.iter().map(|at| time(*at)).collect();
        lines.push(format!("next {}", times.join(", ")));
    }
    if let Some(at) = schedule.paused_at {
        let by = schedule.paused_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        lines.push(format!("paused since {}{by}", time(at)));
        lines.push(format!("next: mindflight schedule resume {}", schedule.id));
    }
    lines
}

/// The times of all schedules, in their order.
fn next(all: &[Schedule]) -> Output {
    let mut times: Vec<_> = all
        .iter()
        .flat_map(|schedule| schedule.next.iter().map(move |at| (*at, schedule)))
        .collect();
    times.sort_by_key(|(at, _)| *at);
    let row = |(at, schedule): &(_, &Schedule)| -> Value {
        json!({"at": at, "kind": schedule.kind, "zone": schedule.zone, "id": schedule.id})
    };
    let columns = vec![
        Column::time("AT", "at"),
        Column::new("KIND", "kind"),
        Column::new("ZONE", "zone"),
        Column::new("ID", "id"),
    ];
    let output = Output::list(columns, times.iter().map(row).collect(), None);
    let paused: Vec<&Schedule> =
        all.iter().filter(|schedule| schedule.paused_at.is_some()).collect();
    paused.iter().fold(output, |output, schedule| {
        output.note(format!("{} is paused: {}", schedule.kind, schedule.id))
    })
}

fn as_asked(schedule: &Schedule, done: bool, word: &str) -> Outcome {
    if done {
        let line = format!("{} ({}) is {word}", schedule.kind, schedule.id);
        return Ok(Output::text(vec![line], value(schedule)?));
    }
    let detail = format!("{} was to be {word}, and is not", schedule.id);
    Err(Failure::new(Exit::Conflict, &codes::CONFLICT, detail))
}
