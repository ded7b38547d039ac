//! `worker`: the processes that run jobs.

use mindflight_api::codes;
use mindflight_api::job::Worker;
use mindflight_client::Paging;

use crate::access::{value, values};
use crate::connect::Session;
use crate::job::time;
use crate::parser::queue::WorkerCommand;
use crate::{Column, Exit, Failure, Outcome, Output};

pub(crate) fn run(command: &WorkerCommand, session: &Session) -> Outcome {
    match command {
        WorkerCommand::List(pages) => {
            let page = session.wait(session.client.workers().list(&pages.paging()))?;
            Ok(Output::list(columns(), values(&page.items)?, page.next))
        }
        WorkerCommand::Show { id } => {
            let worker = find(*id, session)?;
            Ok(Output::text(lines(&worker), value(&worker)?))
        }
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("ID", "id"),
        Column::new("HOST", "host"),
        Column::new("PID", "pid"),
        Column::new("VERSION", "version"),
        Column::of_most("RUNNING", "running", "slots"),
        Column::time("STARTED", "started_at"),
        Column::time("BEAT", "beat_at"),
        Column::new("STOPPING", "stopping"),
    ]
}

/// The API lists workers and has no route for one: there are as many as processes.
fn find(id: i64, session: &Session) -> Result<Worker, Failure> {
    let mut paging = Paging::default();
    loop {
        let page = session.wait(session.client.workers().list(&paging))?;
        if let Some(worker) = page.items.into_iter().find(|worker| worker.id == id) {
            return Ok(worker);
        }
        if page.next.is_none() || page.next == paging.cursor {
            let detail = format!("no worker {id} lives");
            return Err(Failure::new(Exit::NotFound, &codes::NOT_FOUND, detail)
                .fix("`mindflight worker list` shows those that do."));
        }
        paging.cursor = page.next;
    }
}

fn lines(worker: &Worker) -> Vec<String> {
    let stopping = if worker.stopping { ", on its way down" } else { "" };
    vec![
        format!(
            "{}  {} (process {}), version {}",
            worker.id, worker.host, worker.pid, worker.version
        ),
        format!("{} of {} slots busy{stopping}", worker.running, worker.slots),
        format!("started {}, last beat {}", time(worker.started_at), time(worker.beat_at)),
        format!("kinds {}", worker.kinds.join(", ")),
    ]
}
