//! Producers and a worker at the same time: whether a rate is held, and how long a job takes meanwhile.

use anyhow::{Result, ensure};

use super::Bench;
use super::producer::{End, Plan, run as produce};
use super::rig::{Rig, Shape};
use super::sheet::Sheet;

/// Callers that take turns.
const CALLERS: usize = 16;

/// A rate that is offered, and how.
struct Offer {
    name: &'static str,
    calls_a_second: f64,
    jobs_a_call: u32,
    /// The best of the others that held the rate, if ours is in the same state: p50 and p99 in milliseconds.
    peer: Option<[f64; 2]>,
}

const OFFERS: [Offer; 2] = [
    Offer {
        name: "2,000/s singles",
        calls_a_second: 2000.0,
        jobs_a_call: 1,
        peer: Some([6.5, 24.5]),
    },
    Offer {
        name: "10,000/s by 50",
        calls_a_second: 200.0,
        jobs_a_call: 50,
        peer: Some([5.1, 29.6]),
    },
];

pub(super) fn run(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let mut rig = Rig::start(bench, Shape { processes: 1, keeps_history: true })?;
    let queue = bench.kind.provider();
    for offer in &OFFERS {
        rig.forget()?;
        let body = match offer.jobs_a_call {
            1 => bench.kind.one(),
            several => bench.kind.several(several),
        };
        let jobs = Jobs { name: "steady", queue, body };
        measure(bench, &mut rig, offer, &jobs, sheet)?;
    }
    rig.stop()
}

/// Offers singles, in whatever state the database is.
pub(super) fn singles(
    bench: &Bench,
    rig: &mut Rig<'_>,
    name: &str,
    queue: &str,
    sheet: &mut Sheet,
) -> Result<()> {
    let jobs = Jobs { name, queue, body: bench.kind.one_in(queue) };
    measure(bench, rig, &Offer { peer: None, ..OFFERS[0] }, &jobs, sheet)
}

/// What is offered, and where it goes.
struct Jobs<'a> {
    /// What its figures begin with.
    name: &'a str,
    queue: &'a str,
    body: String,
}

fn measure(
    bench: &Bench,
    rig: &mut Rig<'_>,
    offer: &Offer,
    jobs: &Jobs<'_>,
    sheet: &mut Sheet,
) -> Result<()> {
    let Offer { name, calls_a_second, jobs_a_call, peer } = offer;
    let before = rig.meter()?;
    let produced = produce(Plan {
        requests: rig.requests(&jobs.body),
        callers: CALLERS,
        end: End::Calls((calls_a_second * bench.seconds as f64) as u64),
        rate: Some(*calls_a_second),
    })?;
    let queue = rig.queue(jobs.queue)?;
    let backlog = rig.open_in(queue)?;
    let used = rig.meter()?.since(&before);
    rig.wait_until_empty(queue)?;
    let made = produced.calls * u64::from(*jobs_a_call);
    let ended = format!("SELECT count(*) FROM mindflight.outcome WHERE queue = {queue}");
    let ended: u64 = rig.database.value(&ended)?;
    ensure!(ended == made, "{made} jobs were answered for, and {ended} have ended");

    let [p50, p99] = [0.5, 0.99].map(|part| took(rig, queue, part));
    let of_one_core = |cpu: std::time::Duration| cpu.as_secs_f64() / used.time.as_secs_f64() * 1e2;
    let name = format!("{}, {name}, ", jobs.name);
    let achieved = produced.rate() * f64::from(*jobs_a_call);
    sheet.add(&format!("{name}made a second"), 0, Some(achieved));
    let peer = |number: usize| peer.map(|peer| peer[number]);
    sheet.beside(&format!("{name}made → ended, p50 ms"), 2, Some(p50?), peer(0));
    sheet.beside(&format!("{name}made → ended, p99 ms"), 2, Some(p99?), peer(1));
    sheet.add(&format!("{name}backlog at the end"), 0, Some(backlog as f64));
    sheet.add(&format!("{name}PostgreSQL, % of a core"), 0, used.postgres.map(of_one_core));
    sheet.add(&format!("{name}mindflight, % of a core"), 0, used.servers.map(of_one_core));
    Ok(())
}

/// Milliseconds from making to end, on the database's clock.
fn took(rig: &mut Rig<'_>, queue: i16, part: f64) -> Result<f64> {
    rig.database.value(&format!(
        "SELECT 1000 * percentile_disc({part}) WITHIN GROUP \
         (ORDER BY extract(epoch FROM outcome.finished_at - job.created_at)) \
         FROM mindflight.job JOIN mindflight.outcome ON outcome.job = job.id \
         WHERE outcome.queue = {queue}"
    ))
}
