//! A transaction that nobody ends: while it lives, no row that was deleted since can be taken away.

use anyhow::{Context as _, Result};

use super::Bench;
use super::drain::{CALLERS, check, work_off};
use super::enqueue::preload;
use super::psql::Psql;
use super::rig::{Rig, Shape};
use super::sheet::Sheet;
use super::steady;

/// What figures begin with, without such a transaction and with one.
pub(super) const FREE: &str = "horizon free";
pub(super) const HELD: &str = "horizon held";

const SHAPE: Shape = Shape { processes: 1, keeps_history: true };

/// It has a snapshot, and a number of its own.
const HOLD: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current(), count(*) FROM pg_class";

/// The drain and the steady rate after it, both times on a new database.
pub(super) fn run(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    for name in [FREE, HELD] {
        let mut rig = Rig::start(bench, SHAPE)?;
        rig.pause()?;
        preload(bench, &mut rig, CALLERS)?;
        rig.settle()?;
        let session = if name == HELD { Some(hold(&rig)?) } else { None };
        let used = work_off(&mut rig)?;
        check(bench, SHAPE, &mut rig)?;
        let rate = bench.jobs as f64 / used.time.as_secs_f64();
        sheet.add(&format!("{name}, drain, jobs/s"), 0, Some(rate));
        // What was deleted while it was drained is still in the way if the horizon is held.
        rig.forget()?;
        steady::singles(bench, &mut rig, name, bench.kind.provider(), sheet)?;
        drop(session);
        rig.stop()?;
    }
    Ok(())
}

fn hold(rig: &Rig<'_>) -> Result<Psql> {
    let mut session = rig.session()?;
    session.run(HOLD).context("the horizon cannot be held")?;
    Ok(session)
}
