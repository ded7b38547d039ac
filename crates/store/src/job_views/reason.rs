//! Why a job does not run, or how it ended, in one sentence: the first of the reasons that holds.

use chrono::{DateTime, Utc};
use mindflight_api::JobState;

use super::{Gate, Paused, View, Waits};

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
        return format!("put off until {at}");
    }
    let code = view.error.as_ref().map(|error| format!(" ({})", error.code)).unwrap_or_default();
    format!("attempt {} of {} failed{code}: next try at {at}", view.attempt, view.max_attempts)
}

fn waiting(view: &View, provider: Option<&str>) -> String {
    if let Some(waits) = view.waits {
        return is_early(waits);
    }
    if let Some(paused) = &view.paused {
        return is_paused(view, paused);
    }
    if view.kind_workers == Some(0) {
        let why = provider.unwrap_or("start a server that has its provider and runs jobs");
        return format!("no live worker runs `{}`: {why}", view.kind);
    }
    if let Some(held) = view.gate.as_ref().and_then(|gate| held(gate, view.now)) {
        return held;
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

/// The last of what it waits for ends just now, if none is left.
fn is_early(Waits { unfinished, all }: Waits) -> String {
    let jobs = if all == 1 { "job" } else { "jobs" };
    format!("waits for {unfinished} of {all} {jobs}")
}

fn held(gate: &Gate, now: DateTime<Utc>) -> Option<String> {
    let Gate { name, is_queue, slots, used, rate, wakes_at } = gate;
    let name = if *is_queue { format!("the queue `{name}`") } else { format!("`{name}`") };
    match (slots, rate) {
        (Some(slots), rate) if used >= slots || rate.is_none() => {
            Some(format!("at the limit of {name}: {used} of {slots} running"))
        }
        (_, Some(rate)) => {
            let next = wakes_at.map(|at| clock(at, now, SECONDS));
            let next = next.map(|at| format!("; the next may start at {at}")).unwrap_or_default();
            Some(format!("held by the rate of {name}: {}{next}", rate.in_words()))
        }
        (Some(_) | None, None) => None,
    }
}

fn is_paused(view: &View, paused: &Paused) -> String {
    let by = paused.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = paused.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let since = clock(paused.at, view.now, MINUTES);
    let until = paused.until.map(|at| clock(at, view.now, SECONDS));
    let until = until.map(|at| format!(" until {at}")).unwrap_or_default();
    format!("queue `{}` is paused{by} since {since}{until}{why}", view.queue)
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
