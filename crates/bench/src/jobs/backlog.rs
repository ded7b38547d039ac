//! Many jobs that wait: whether the first of them are run as fast as if there were no others, whether other queues
//! notice, and how long lists take.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use super::Bench;
use super::producer::{End, Plan, run as produce, runtime};
use super::psql::Psql;
use super::rig::{Rig, Shape};
use super::sheet::Sheet;
use super::steady;
use super::wire::Talk;

/// What figures begin with, without the others and with them.
pub(super) const EMPTY: &str = "no backlog";
pub(super) const FULL: &str = "backlog";

/// Lists and counts as operators ask for them; `{kind}` and `{queue}` stand for the measured ones.
pub(super) const LISTS: [&str; 10] = [
    "/api/jobs/status?limit=50",
    "/api/jobs/status?state=queued",
    "/api/jobs/status?state=running",
    "/api/jobs/status?state=failed",
    "/api/jobs/status?state=succeeded",
    "/api/jobs/status?kind={kind}",
    "/api/jobs/status?queue={queue}",
    "/api/jobs/status?queue={queue}&state=queued",
    "/api/queues",
    "/api/queues/{queue}",
];

/// How often each of them is asked for.
const CALLS: u64 = 20;

/// The queue beside the long one.
const BESIDE: &str = "beside";

/// Rows that are made in one statement.
const CHUNK: u64 = 500_000;

/// Jobs that are made in what counts as one millisecond: so the ids are in order, and none is of the future.
const A_MILLISECOND: u64 = 1000;

/// An id of version 7 for each number, as the program's own are: time, version, order, variant, rest.
const ID: &str = "(lpad(to_hex({base} + i / 1000), 12, '0') || '7' || lpad(to_hex(i % 1000), 3, '0') || \
    '8' || lpad(to_hex(i), 15, '0'))::uuid";

const BODIES: &str = "INSERT INTO mindflight.job (id, kind, queue, priority, max_attempts, args) \
    SELECT {id}, kind, queue, priority, max_attempts, args FROM model, {numbers}";

const PLACES: &str = "INSERT INTO mindflight.ready \
    (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, args) \
    SELECT queue, lane, {id}, kind, attempt, crashes, max_attempts, is_unique, args \
    FROM model, {numbers}";

pub(super) fn run(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let mut rig = Rig::start(bench, Shape { processes: 1, keeps_history: true })?;
    beside(bench, &mut rig, EMPTY, sheet)?;
    drain(bench, &mut rig, EMPTY, bench.jobs, sheet)?;
    rig.forget()?;
    drain(bench, &mut rig, FULL, bench.backlog, sheet)?;
    rig.discard()
}

/// Fills the queue while it is paused, looks around if it is long, and times the first jobs of it.
fn drain(
    bench: &Bench,
    rig: &mut Rig<'_>,
    name: &str,
    count: u64,
    sheet: &mut Sheet,
) -> Result<()> {
    rig.pause()?;
    let begun = Instant::now();
    let filled = fill(bench, rig, count)?;
    if name == FULL {
        println!("  {count} jobs were made in {:.0} s", begun.elapsed().as_secs_f64());
    }
    rig.settle()?;
    if name == FULL {
        lists(bench, rig, sheet)?;
        beside(bench, rig, FULL, sheet)?;
    }
    let rate = work_off(rig, &filled)?;
    sheet.add(&format!("{name}, drain, jobs/s"), 0, Some(rate));
    Ok(())
}

/// A steady rate in another queue.
fn beside(bench: &Bench, rig: &mut Rig<'_>, name: &str, sheet: &mut Sheet) -> Result<()> {
    steady::singles(bench, rig, name, BESIDE, sheet)?;
    // The bodies of those that wait stay.
    let queue = rig.queue(BESIDE)?;
    rig.database.run(&format!("DELETE FROM mindflight.job WHERE queue = {queue}"))?;
    rig.database.run("TRUNCATE mindflight.outcome")?;
    rig.settle()
}

/// A long queue, and the last of the jobs that are measured.
struct Filled {
    queue: i16,
    lane: i16,
    last: String,
}

/// Makes jobs as copies of one that the server made, so that they are what it would have made.
fn fill(bench: &Bench, rig: &mut Rig<'_>, count: u64) -> Result<Filled> {
    let plan = Plan {
        requests: rig.requests(&bench.kind.one()),
        callers: 1,
        end: End::Calls(1),
        rate: None,
    };
    produce(plan)?;
    let (mut bodies, mut places) = (model(rig, "job")?, model(rig, "ready")?);
    // The whole of it in the past, also of the job that they are copies of.
    let length = count.div_ceil(A_MILLISECOND);
    let base: u64 = places.value(&format!(
        "SELECT floor(1000 * extract(epoch FROM clock_timestamp()))::bigint - 1000 - {length}"
    ))?;
    let id = ID.replace("{base}", &base.to_string());
    // Nobody takes them while the queue is paused, so both sides of a job can be made at the same time.
    std::thread::scope(|scope| {
        let bodies = scope.spawn(|| copy(&mut bodies, BODIES, &id, count));
        copy(&mut places, PLACES, &id, count)?;
        bodies.join().map_err(|_| anyhow!("making jobs crashed"))?
    })?;
    let last = bench.jobs.min(count) - 1;
    Ok(Filled {
        queue: rig.queue(bench.kind.provider())?,
        lane: places.value("SELECT lane FROM model")?,
        last: places.value(&format!("SELECT {id} FROM (SELECT {last}::bigint AS i) AS number"))?,
    })
}

/// A session that has the row to be copied.
fn model(rig: &Rig<'_>, table: &str) -> Result<Psql> {
    let mut session = rig.session()?;
    session.run("SET synchronous_commit = off")?;
    session.run(&format!("CREATE TEMPORARY TABLE model AS SELECT * FROM mindflight.{table}"))?;
    Ok(session)
}

/// Copies the row for each number below `count`.
fn copy(session: &mut Psql, statement: &str, id: &str, count: u64) -> Result<()> {
    let statement = statement.replace("{id}", id);
    let mut from = 0;
    while from < count {
        let to = count.min(from + CHUNK);
        let numbers = format!("generate_series({from}::bigint, {}::bigint) AS i", to - 1);
        session.run(&statement.replace("{numbers}", &numbers))?;
        from = to;
    }
    Ok(())
}

/// Lets the queue go until the last of the measured jobs has been taken; from the first start to the last end.
fn work_off(rig: &mut Rig<'_>, filled: &Filled) -> Result<f64> {
    let Filled { queue, lane, last } = filled;
    rig.resume()?;
    rig.wait_while(&format!(
        "SELECT EXISTS (SELECT FROM mindflight.ready \
         WHERE queue = {queue} AND lane = {lane} AND id = '{last}')"
    ))?;
    rig.pause()?;
    rig.wait_while("SELECT EXISTS (SELECT FROM mindflight.lease)")?;
    rig.database
        .value(&format!(
            "SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at)) \
             FROM mindflight.outcome WHERE queue = {queue} AND state = 0"
        ))
        .context("nothing was run")
}

fn lists(bench: &Bench, rig: &Rig<'_>, sheet: &mut Sheet) -> Result<()> {
    for path in LISTS {
        let filled =
            path.replace("{kind}", &bench.kind.name).replace("{queue}", bench.kind.provider());
        match ask(rig, &filled) {
            Ok(mut took) => {
                took.sort_unstable();
                let milliseconds = |at: usize| took.get(at).map(|took| took.as_secs_f64() * 1e3);
                sheet.add(&format!("{FULL}, GET {path}, p50 ms"), 1, milliseconds(took.len() / 2));
                sheet.add(&slowest(path), 1, milliseconds(took.len().saturating_sub(1)));
            }
            // Making the jobs took minutes: what else is to be seen is still looked at.
            Err(error) => println!("  GET {filled}: {error:#}"),
        }
    }
    Ok(())
}

/// The name of the figure of the longest answer.
pub(super) fn slowest(path: &str) -> String {
    format!("{FULL}, GET {path}, max ms")
}

/// How long each of some answers took.
fn ask(rig: &Rig<'_>, path: &str) -> Result<Vec<Duration>> {
    let target = rig.targets().into_iter().next().context("there is no server")?;
    let request = target.get(path);
    runtime()?.block_on(async {
        let mut talk = Talk::open(target.address).await?;
        let mut took = Vec::new();
        for _ in 0..CALLS {
            let begun = Instant::now();
            talk.ask(&request).await?;
            took.push(begun.elapsed());
        }
        Ok(took)
    })
}
