//! A queue that is full, worked off as fast as it goes: the rate of the engine itself.

use anyhow::{Context as _, Result, ensure};

use super::Bench;
use super::enqueue::{costs, preload};
use super::rig::{Rig, Shape, Used};
use super::sheet::Sheet;

/// Callers that fill the queue.
pub(super) const CALLERS: usize = 4;

/// What the best of the others need or reach, with two processes: jobs a second, CPU, bytes of log.
struct Peer {
    rate: f64,
    postgres: f64,
    wal: f64,
}

const WITH_HISTORY: Peer = Peer { rate: 34_200.0, postgres: 3.91, wal: 2346.0 };
const WITHOUT_HISTORY: Peer = Peer { rate: 77_000.0, postgres: 1.2, wal: 1390.0 };

/// Fills the queue while it is paused, lets it go, and waits until all can see that nothing is left.
pub(super) fn run(bench: &Bench, shape: Shape, sheet: &mut Sheet) -> Result<()> {
    let mut rig = Rig::start(bench, shape)?;
    rig.pause()?;
    let (_, made) = preload(bench, &mut rig, CALLERS)?;
    rig.settle()?;
    let used = work_off(&mut rig)?;
    check(bench, shape, &mut rig)?;

    let name = name(shape);
    let peer = if shape.keeps_history { WITH_HISTORY } else { WITHOUT_HISTORY };
    let jobs = bench.jobs as f64;
    let rate = Some(jobs / used.time.as_secs_f64());
    sheet.beside(&format!("{name}jobs/s"), 0, rate, Some(peer.rate));
    if shape.keeps_history {
        sheet.beside(&format!("{name}from first start, jobs/s"), 0, span(bench, &mut rig)?, None);
    }
    let postgres = used.postgres.map(|cpu| cpu.as_secs_f64() / jobs * 1e5);
    sheet.beside(&format!("{name}run, PostgreSQL CPU s/100k"), 2, postgres, Some(peer.postgres));
    let servers = used.servers.map(|cpu| cpu.as_secs_f64() / jobs * 1e5);
    sheet.add(&format!("{name}run, mindflight CPU s/100k"), 2, servers);
    sheet.add(&format!("{name}run, WAL bytes/job"), 0, Some(used.wal / jobs));
    let wal = Some((made.wal + used.wal) / jobs);
    sheet.beside(&format!("{name}all, WAL bytes/job"), 0, wal, Some(peer.wal));
    costs(sheet, &format!("{name}enqueue, "), &made, bench.jobs);
    rig.stop()
}

/// Lets the paused queue go, and waits until all can see that nothing is left.
pub(super) fn work_off(rig: &mut Rig<'_>) -> Result<Used> {
    let before = rig.meter()?;
    rig.resume()?;
    rig.wait_until_done()?;
    Ok(rig.meter()?.since(&before))
}

fn name(shape: Shape) -> String {
    let history = if shape.keeps_history { "history" } else { "no history" };
    let processes = if shape.processes == 1 { "1 process" } else { "2 processes" };
    format!("drain, {history}, {processes}, ")
}

/// From the first start to the last end, on the database's clock.
fn span(bench: &Bench, rig: &mut Rig<'_>) -> Result<Option<f64>> {
    let seconds: f64 = rig
        .database
        .value(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM mindflight.outcome",
        )
        .context("nothing was started")?;
    Ok(Some(bench.jobs as f64 / seconds))
}

/// Every job ended once, and was started once.
pub(super) fn check(bench: &Bench, shape: Shape, rig: &mut Rig<'_>) -> Result<()> {
    let attempts: u64 = rig.database.value("SELECT count(*) FROM mindflight.attempt")?;
    ensure!(attempts == 0, "{attempts} attempts failed, crashed or were handed back");
    let left: u64 = rig.database.value(&bench.count("job"))?;
    let kept = if shape.keeps_history { bench.jobs } else { 0 };
    ensure!(left == kept, "{left} bodies are kept instead of {kept}");
    let ended: u64 = rig.database.value(&bench.count("outcome"))?;
    ensure!(ended == kept, "{ended} ends are kept instead of {kept}");
    let right = format!("{} AND state = 0 AND attempt = 1", bench.count("outcome"));
    let right: u64 = rig.database.value(&right)?;
    ensure!(right == kept, "only {right} of {kept} jobs succeeded at their first start");
    Ok(())
}
