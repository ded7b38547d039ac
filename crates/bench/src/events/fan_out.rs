//! From publishers at every server to subscribers at every server.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Bench;
use super::message::now;
use super::publisher::{Plan, publish};
use super::rig::{Rig, Used};
use super::subscribers::{Crowd, Tally};
use crate::jobs::sheet::Sheet;

/// What is sent within this time does not count: connections open, statements are prepared, caches fill.
const WARM_UP: Duration = Duration::from_secs(1);

/// What is published.
pub(super) struct Load {
    pub(super) name: &'static str,
    /// Events a second.
    pub(super) rate: f64,
    /// Events of one call.
    pub(super) events: u32,
}

pub(super) fn run(bench: &Bench, load: Load, sheet: &mut Sheet) -> Result<()> {
    let rig = Rig::start(bench, bench.instances)?;
    let crowd = Crowd::gather(rig.targets(), bench.subscribers)?;
    let before = rig.meter();
    let begun = now();
    crowd.count_from(begun + u64::try_from(WARM_UP.as_nanos())?);
    let time = WARM_UP + Duration::from_secs(bench.seconds);
    let plan = Plan { targets: rig.targets(), rate: load.rate, events: load.events, time };
    let published = publish(plan)?;
    let tally = crowd.ended()?;
    let used = rig.meter().since(&before);
    let name = |what: &str| format!("{}, {what}", load.name);
    let ms = |time: Duration| Some(time.as_secs_f64() * 1e3);
    sheet.add(
        &name("published/s"),
        0,
        Some(published.events as f64 / published.time.as_secs_f64()),
    );
    sheet.add(&name("the call, p50 ms"), 2, ms(published.latencies.quantile(0.5)));
    sheet.add(&name("the call, p99 ms"), 2, ms(published.latencies.quantile(0.99)));
    for (part, percentile) in [(0.5, "p50"), (0.99, "p99"), (1.0, "max")] {
        let what = name(&format!("publish → receive, {percentile} ms"));
        sheet.add(&what, 2, ms(tally.latencies.quantile(part)));
    }
    let counted = tally.latencies.total() as f64;
    let counted_time = published.time.saturating_sub(WARM_UP).as_secs_f64();
    sheet.add(&name("deliveries/s"), 0, Some(counted / counted_time));
    sheet.add(&name("holes"), 0, Some(tally.holes as f64));
    sheet.add(&name("doubles"), 0, Some(tally.doubles as f64));
    costs(sheet, &name, &used, tally.deliveries);
    is_whole(&tally, published.last)?;
    rig.stop()
}

fn costs(sheet: &mut Sheet, name: &dyn Fn(&str) -> String, used: &Used, deliveries: u64) {
    let thousand = |cpu: Duration| cpu.as_secs_f64() * 1e3 / deliveries as f64 * 1e3;
    let servers = used.servers.map(thousand);
    sheet.add(&name("mindflight CPU ms/1,000 deliveries"), 3, servers);
    sheet.add(&name("mindflight CPU % of a core"), 0, used.percent(used.servers));
    sheet.add(&name("PostgreSQL CPU % of a core"), 0, used.percent(used.postgres));
    sheet.add(&name("callers' CPU % of a core"), 0, used.percent(used.own));
}

fn is_whole(tally: &Tally, last: u64) -> Result<()> {
    ensure!(
        tally.holes == 0 && tally.doubles == 0,
        "subscribers missed {} positions and were given {} twice or too late",
        tally.holes,
        tally.doubles
    );
    let elsewhere = tally.ends.iter().filter(|end| **end != last).count();
    ensure!(elsewhere == 0, "{elsewhere} subscribers did not end at the last position, {last}");
    Ok(())
}
