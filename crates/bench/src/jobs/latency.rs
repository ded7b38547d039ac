//! How soon a job starts when the server has nothing else to do: one job every 20 ms.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};

use super::Bench;
use super::producer::runtime;
use super::rig::{Rig, Shape};
use super::sheet::Sheet;
use super::wire::{Talk, id};

const CALLS: usize = 200;

const PAUSE: Duration = Duration::from_millis(20);

/// Calls before those that count.
const UNCOUNTED: usize = 20;

/// The best of the others, from before the call to the handler's start: p50, p95, p99 in milliseconds.
const PEER: [f64; 3] = [1.46, 1.79, 3.95];

const PARTS: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// One call, on the clock that callers and database share, in seconds.
struct Call {
    id: String,
    begun: f64,
    took: f64,
}

/// What the database wrote down of a job.
struct Times {
    created: f64,
    claimed: f64,
    finished: f64,
}

pub(super) fn run(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let mut rig = Rig::start(bench, Shape { processes: 1, keeps_history: true })?;
    let calls = runtime()?.block_on(make(bench, &rig))?;
    rig.wait_until_done()?;
    let times = times(&mut rig)?;
    let mut seen = Vec::with_capacity(calls.len());
    for call in calls.iter().skip(UNCOUNTED) {
        let times = times.get(&call.id).with_context(|| format!("job {} has no end", call.id))?;
        seen.push((call, times));
    }
    let figure = |of: &dyn Fn(&Call, &Times) -> f64| -> Vec<f64> {
        seen.iter().map(|(call, times)| of(call, times) * 1e3).collect()
    };
    let started = figure(&|call, times| times.claimed - call.begun);
    report(sheet, "call begun → claimed", started, Some(PEER))?;
    report(sheet, "call begun → ended", figure(&|call, times| times.finished - call.begun), None)?;
    report(sheet, "made → claimed", figure(&|_, times| times.claimed - times.created), None)?;
    report(sheet, "the call alone", figure(&|call, _| call.took), None)?;
    rig.stop()
}

async fn make(bench: &Bench, rig: &Rig<'_>) -> Result<Vec<Call>> {
    let requests = rig.requests(&bench.kind.one());
    let (address, request) = requests.first().context("there is no server")?;
    let mut talk = Talk::open(*address).await?;
    let mut calls = Vec::with_capacity(CALLS + UNCOUNTED);
    let start = Instant::now();
    for number in 0..CALLS + UNCOUNTED {
        tokio::time::sleep_until((start + PAUSE * u32::try_from(number)?).into()).await;
        let (begun, at) = (SystemTime::now(), Instant::now());
        let body = talk.ask(request).await?;
        let took = at.elapsed().as_secs_f64();
        let begun = begun.duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
        calls.push(Call { id: id(body)?, begun, took });
    }
    Ok(calls)
}

fn times(rig: &mut Rig<'_>) -> Result<HashMap<String, Times>> {
    let rows = rig.database.rows(
        "SELECT job.id, extract(epoch FROM job.created_at), extract(epoch FROM outcome.started_at), \
         extract(epoch FROM outcome.finished_at) \
         FROM mindflight.job JOIN mindflight.outcome ON outcome.job = job.id",
    )?;
    rows.iter()
        .map(|row| read(row).with_context(|| format!("not the times of a job: {row:?}")))
        .collect()
}

fn read(row: &[String]) -> Option<(String, Times)> {
    let [id, created, claimed, finished] = row else { return None };
    let times = Times {
        created: created.parse().ok()?,
        claimed: claimed.parse().ok()?,
        finished: finished.parse().ok()?,
    };
    Some((id.clone(), times))
}

fn report(
    sheet: &mut Sheet,
    what: &str,
    mut values: Vec<f64>,
    peer: Option<[f64; 3]>,
) -> Result<()> {
    ensure!(!values.is_empty(), "there is nothing to measure");
    values.sort_by(f64::total_cmp);
    for (number, (name, part)) in PARTS.into_iter().enumerate() {
        let name = format!("idle, {what}, {name} ms");
        sheet.beside(&name, 2, percentile(&values, part), peer.map(|peer| peer[number]));
    }
    Ok(())
}

/// The value that this part of all does not exceed. The values are sorted.
fn percentile(sorted: &[f64], part: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), Some(100.0));
        assert_eq!(percentile(&values, 0.95), Some(190.0));
        assert_eq!(percentile(&values, 0.99), Some(198.0));
        assert_eq!(percentile(&values, 1.0), Some(200.0));
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn the_times_of_a_job_are_read_from_a_row() {
        let row = ["018f", "10.5", "10.6", "10.75"].map(str::to_owned);
        let (id, times) = read(&row).unwrap();
        assert_eq!(id, "018f");
        assert_eq!((times.created, times.claimed, times.finished), (10.5, 10.6, 10.75));
        assert!(read(&row[..3]).is_none());
        assert!(read(&["a", "1", "", "2"].map(str::to_owned)).is_none());
    }
}
