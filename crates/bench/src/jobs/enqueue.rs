//! How fast jobs are made: many in a call, and one in a call. Nothing runs them meanwhile.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Bench;
use super::producer::{End, Plan, Produced, run};
use super::rig::{Meter, Rig, Shape, Used};
use super::sheet::Sheet;

/// Jobs in one call: as many as are allowed.
pub(crate) const CALL: u32 = 1000;

/// Callers that send such calls.
const CALLERS: [usize; 2] = [1, 4];

/// Callers that send one job a call; the peers' figure is that of the middle one.
const SINGLES: [(usize, Option<f64>); 3] = [(1, None), (16, Some(4285.0)), (64, None)];

const PEER_BULK: f64 = 78_300.0;

/// One server that keeps what ends: its queue is paused, so nothing does.
const SHAPE: Shape = Shape { processes: 1, keeps_history: true };

/// `bulk`: preloads, and never runs.
pub(super) fn bulk(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    for callers in CALLERS {
        let mut rig = Rig::start(bench, SHAPE)?;
        rig.pause()?;
        let (_, used) = preload(bench, &mut rig, callers)?;
        let name = format!("bulk, calls of 1,000, callers: {callers}, ");
        let peer = Some(PEER_BULK).filter(|_| callers > 1);
        sheet.beside(&format!("{name}jobs/s"), 0, Some(each(&used, bench.jobs)), peer);
        costs(sheet, &name, &used, bench.jobs);
        rig.stop()?;
    }
    Ok(())
}

/// Makes all the jobs of a drain; they have to be there afterwards.
pub(super) fn preload(
    bench: &Bench,
    rig: &mut Rig<'_>,
    callers: usize,
) -> Result<(Produced, Used)> {
    let before = rig.meter()?;
    let produced = run(Plan {
        requests: rig.requests(&bench.kind.several(CALL)),
        callers,
        end: End::Calls(bench.jobs / u64::from(CALL)),
        rate: None,
    })?;
    let used = rig.meter()?.since(&before);
    made(bench, rig, bench.jobs)?;
    Ok((produced, used))
}

/// `single`: the rate at which small calls are answered, when each answer means that the job is durable.
pub(super) fn single(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let mut rig = Rig::start(bench, SHAPE)?;
    rig.pause()?;
    let mut all = 0;
    for (callers, peer) in SINGLES {
        let before: Meter = rig.meter()?;
        let end = End::After(Duration::from_secs(bench.seconds));
        let requests = rig.requests(&bench.kind.one());
        let produced = run(Plan { requests, callers, end, rate: None })?;
        let used = rig.meter()?.since(&before);
        all += produced.calls;
        made(bench, &mut rig, all)?;
        let name = name(callers);
        sheet.beside(&format!("{name}jobs/s"), 0, Some(produced.rate()), peer);
        sheet.add(&format!("{name}p50 ms"), 2, Some(produced.latency(0.5)));
        sheet.add(&format!("{name}p99 ms"), 2, Some(produced.latency(0.99)));
        costs(sheet, &name, &used, produced.calls);
        rig.settle()?;
    }
    rig.stop()
}

fn name(callers: usize) -> String {
    format!("single, callers: {callers}, ")
}

/// What jobs cost the machine.
pub(super) fn costs(sheet: &mut Sheet, name: &str, used: &Used, jobs: u64) {
    let hundred_thousand = |cpu: Duration| cpu.as_secs_f64() / jobs as f64 * 1e5;
    let postgres = used.postgres.map(hundred_thousand);
    sheet.add(&format!("{name}PostgreSQL CPU s/100k"), 2, postgres);
    sheet.add(&format!("{name}mindflight CPU s/100k"), 2, used.servers.map(hundred_thousand));
    sheet.add(&format!("{name}WAL bytes/job"), 0, Some(used.wal / jobs as f64));
}

/// Jobs a second.
fn each(used: &Used, jobs: u64) -> f64 {
    jobs as f64 / used.time.as_secs_f64()
}

/// As many jobs have to be there as were answered for.
fn made(bench: &Bench, rig: &mut Rig<'_>, expected: u64) -> Result<()> {
    let found: u64 = rig.database.value(&bench.count("job"))?;
    ensure!(found == expected, "{expected} jobs were answered for, and {found} are there");
    Ok(())
}

impl Bench {
    /// Counts the rows of a table that belong to jobs of the measured kind.
    pub(super) fn count(&self, table: &str) -> String {
        let name = &self.kind.name;
        format!(
            "SELECT count(*) FROM mindflight.{table} AS counted \
             JOIN mindflight.kind ON kind.id = counted.kind WHERE kind.name = '{name}'"
        )
    }
}

/// Prints singles beside what PostgreSQL gives for the same number of durable rows.
pub(super) fn compare(sheet: &Sheet, floor: &str) {
    let Some(bare) = sheet.median(floor) else {
        println!("no `pgbench`: nothing to compare small calls with");
        return;
    };
    for (callers, _) in SINGLES {
        if let Some(rate) = sheet.median(&format!("{}jobs/s", name(callers))) {
            println!("{:.2} of the bare insert's rate with callers: {callers}", rate / bare);
        }
    }
}
