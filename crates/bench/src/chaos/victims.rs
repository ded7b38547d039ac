//! Jobs that are made to be cancelled, many at once, and what those who cancelled them were told.

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use super::call::{Caller, Said, ids};
use super::draw::Draw;
use super::fleet::Addresses;
use crate::jobs::producer::runtime;

const JOBS: usize = 40;
const CALLERS: usize = 8;

/// What somebody was told who wanted a job to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is cancelled.
    Cancelled,
    /// It runs, and is going to be told.
    Asked,
    /// It had ended before.
    Ended,
    /// Nothing.
    Unknown,
}

/// A job that somebody wanted to be stopped.
#[derive(Debug, Clone)]
pub(crate) struct Victim {
    pub(crate) id: String,
    pub(crate) told: Told,
}

/// Makes jobs and cancels them, from several sides.
pub(crate) fn burst(addresses: &Addresses, key: &str, pick: u64) -> Result<Vec<Victim>> {
    runtime()?.block_on(async {
        let mut draw = Draw::new(pick);
        let jobs: Vec<_> = (0..JOBS).map(|_| job(&mut draw)).collect();
        let mut caller = Caller::new(addresses.clone(), key, 0);
        let ids = match caller.post("/api/jobs", &json!(jobs).to_string()).await {
            Said::Yes(answer) => ids(&answer)?,
            // Whether they are there or not: nobody has anything to say about them.
            Said::Unknown => return Ok(Vec::new()),
            Said::No(status, text) => bail!("the server refused jobs with {status}: {text}"),
        };
        let mut tasks = JoinSet::new();
        for (number, ids) in ids.chunks(JOBS.div_ceil(CALLERS)).enumerate() {
            let caller = Caller::new(addresses.clone(), key, number);
            tasks.spawn(cancel(caller, ids.to_vec()));
        }
        let mut victims = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            victims.extend(ended??);
        }
        Ok(victims)
    })
}

/// Some wait, some run, some end just then.
fn job(draw: &mut Draw) -> serde_json::Value {
    let ms = [0, 5, 50, 400][draw.below(4) as usize];
    let mut job = json!({"kind": "demo.sleep", "args": {"ms": ms}, "max_attempts": 1000});
    if draw.below(3) == 0 {
        job["delay"] = json!(draw.below(1500) as f64 / 1000.0);
    }
    job
}

async fn cancel(mut caller: Caller, ids: Vec<String>) -> Result<Vec<Victim>> {
    let mut victims = Vec::new();
    for id in ids {
        let told = match caller.post(&format!("/api/jobs/{id}/cancel"), "").await {
            Said::Yes(answer) => told(&answer)?,
            Said::No(409, _) => Told::Ended,
            Said::Unknown => {
                caller.turn_away();
                Told::Unknown
            }
            Said::No(status, text) => bail!("cancelling {id} was answered with {status}: {text}"),
        };
        victims.push(Victim { id, told });
    }
    Ok(victims)
}

#[derive(Deserialize)]
struct Answer {
    state: String,
}

fn told(body: &[u8]) -> Result<Told> {
    let answer: Answer = serde_json::from_slice(body)?;
    Ok(if answer.state == "cancelled" { Told::Cancelled } else { Told::Asked })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_whether_it_is_over() {
        assert_eq!(told(br#"{"state":"cancelled"}"#).unwrap(), Told::Cancelled);
        assert_eq!(told(br#"{"state":"running"}"#).unwrap(), Told::Asked);
    }

    #[test]
    fn victims_are_of_several_sorts() {
        let mut draw = Draw::new(3);
        let jobs: Vec<_> = (0..JOBS).map(|_| job(&mut draw)).collect();
        let delayed = jobs.iter().filter(|job| job.get("delay").is_some()).count();
        assert!(delayed > 3 && delayed < JOBS - 3, "{delayed}");
    }
}
