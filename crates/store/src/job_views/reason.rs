//! Why a job does not run, or how it ended, in one sentence: the first of the reasons that holds.

use chrono::{DateTime, Utc};
use mindflight_api::JobState;

use super::{Gate, Paused, View};

/// As many jobs ahead are counted.
const MOST_AHEAD: u64 = 1000;

/// Why a job does not run, or how it ended; `None` when there is nothing to say. `provider` is what is known here
/// about its provider not serving.
#[must_use]
pub fn reason(view: &View, provider: Option<&str>) -> Option<String> {
    match view.state {
        JobState::Scheduled => Some(not_due(view)),
        JobState::Retrying => Some(retrying(view)),
        JobState::Queued | JobState::Blocked => Some(waiting(view, provider)),
        JobState::Running => view.cancel_requested.then(|| asked_to_stop(view)),
        JobState::Failed => Some(failed(view)),
        JobState::Cancelled => view.error.as_ref().map(|error| error.detail.clone()),
        JobState::Succeeded => None,
    }
}

fn not_due(view: &View) -> String {
    let at = view.run_at.map_or_else(|| "its time".to_owned(), |at| clock(at, view.now, SECONDS));
    format!("not due until {at}")
}

fn retrying(view: &View) -> String {
    let at = view.run_at.map_or_else(|| "once due".to_owned(), |at| clock(at, view.now, SECONDS));
    if view.is_put_off {
        return format!("put off by its handler until {at}");
    }
    let code = view.error.as_ref().map(|error| format!(" ({})", error.code)).unwrap_or_default();
    format!("attempt {} of {} failed{code}: next try at {at}", view.attempt, view.max_attempts)
}

fn waiting(view: &View, provider: Option<&str>) -> String {
    if let Some(paused) = &view.paused {
        return is_paused(view, paused);
    }
    if view.kind_workers == Some(0) {
        let why = provider.unwrap_or("start a server that has its provider and runs jobs");
        return format!("no live worker runs `{}`: {why}", view.kind);
    }
    if let Some(Gate { name, slots, used }) = &view.gate {
        return format!("at the limit of `{name}`: {used} of {slots} running");
    }
    if view.runs_alone {
        return "it was running when a worker died, so it waits until it can run alone".to_owned();
    }
    let queue = &view.queue;
    match view.ahead {
        None => format!("waits for a free worker in the queue `{queue}`"),
        Some(0) => format!("next in the queue `{queue}`, as soon as a worker is free"),
        Some(1) => format!("1 job is ahead of it in the queue `{queue}`"),
        Some(n) if n < MOST_AHEAD => format!("{n} jobs are ahead of it in the queue `{queue}`"),
        Some(_) => format!("1,000 jobs or more are ahead of it in the queue `{queue}`"),
    }
}

fn is_paused(view: &View, paused: &Paused) -> String {
    let by = paused.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = paused.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let since = clock(paused.at, view.now, MINUTES);
    format!("queue `{}` is paused{by} since {since}{why}", view.queue)
}

fn asked_to_stop(view: &View) -> String {
    match &view.worker {
        Some((_, Some(host))) => format!("asked to stop; its worker on {host} has been told"),
        Some(_) | None => "asked to stop; its worker has been told".to_owned(),
    }
}

fn failed(view: &View) -> String {
    let attempts = match view.attempt {
        1 => "1 attempt".to_owned(),
        n => format!("{n} attempts"),
    };
    match &view.error {
        Some(error) => format!("failed after {attempts} ({}): {}", error.code, error.detail),
        None => format!("failed after {attempts}"),
    }
}

const SECONDS: &str = "%H:%M:%S UTC";
const MINUTES: &str = "%H:%M UTC";

/// A time as people say it: with its day if that is not today.
fn clock(time: DateTime<Utc>, now: DateTime<Utc>, format: &str) -> String {
    let day = if time.date_naive() == now.date_naive() { "" } else { "%Y-%m-%d " };
    time.format(&format!("{day}{format}")).to_string()
}

#[cfg(test)]
mod tests;
