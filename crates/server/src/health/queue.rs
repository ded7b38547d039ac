//! Whether jobs move: there is a worker, no queue has had the same job at its head for long, and hints arrive.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mindflight_api::JobId;
use mindflight_api::health::Status;
use mindflight_store::jobs::Standing;

use super::reading::Reading;

/// How long a job may be the next of its queue before that is worth a word.
pub(super) const STILL: Duration = Duration::from_secs(300);

/// How long hints of other instances may be missing before that is worth a word: a connection that broke is made anew.
pub(super) const DEAF: Duration = Duration::from_secs(5);

/// Which job was next in each queue, and since when.
#[derive(Debug, Default)]
pub(super) struct Heads {
    heads: HashMap<String, (JobId, Instant)>,
    /// Since when no hints of other instances arrive.
    deaf: Option<Instant>,
}

impl Heads {
    /// What the queue's standing means, at `now`; and that hints of other instances arrive, or not.
    pub(super) fn judge(&mut self, standing: &Standing, hears: bool, now: Instant) -> Reading {
        self.deaf = if hears { None } else { self.deaf.or(Some(now)) };
        let mut heads = HashMap::new();
        for (queue, job) in &standing.next {
            let before = self.heads.get(queue).filter(|(head, _)| head == job);
            let since = before.map_or(now, |(_, since)| *since);
            heads.insert(queue.clone(), (*job, since));
        }
        self.heads = heads;
        let still = self.heads.iter().filter(|(_, (_, since))| now.duration_since(*since) > STILL);
        let mut still: Vec<&str> = still.map(|(queue, _)| queue.as_str()).collect();
        still.sort_unstable();
        let degraded = |detail: String| Reading::new(Status::Degraded, detail);
        if standing.workers == 0 {
            return degraded("no live worker: jobs wait".to_owned());
        }
        if !still.is_empty() {
            let minutes = STILL.as_secs() / 60;
            let names = still.join("`, `");
            return degraded(format!(
                "the next job has been waiting for more than {minutes} min in the queues `{names}`; `mindflight job why ID` says why"
            ));
        }
        if self.deaf.is_some_and(|since| now.duration_since(since) >= DEAF) {
            let detail = "the LISTEN connection is down: what other instances publish and enqueue is found by polling, up to `events.poll` and `jobs.poll` later; nothing is lost. Behind a pooler, set `database.direct_url`";
            return degraded(detail.to_owned());
        }
        Reading::healthy(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(workers: u64, job: JobId) -> Standing {
        Standing { workers, next: vec![("mail".to_owned(), job)] }
    }

    #[test]
    fn a_queue_that_stands_still_or_has_no_worker_degrades() {
        let (mut heads, start, job) = (Heads::default(), Instant::now(), JobId::new());
        let mut status = |workers, job, minutes: u64| {
            let now = start + Duration::from_secs(minutes * 60);
            heads.judge(&standing(workers, job), true, now).status
        };
        assert_eq!(status(1, job, 0), Status::Healthy);
        assert_eq!(status(1, job, 5), Status::Healthy);
        assert_eq!(status(1, job, 6), Status::Degraded);
        assert_eq!(status(1, JobId::new(), 7), Status::Healthy, "it moves again");
        assert_eq!(status(0, job, 8), Status::Degraded);
    }

    #[test]
    fn missing_hints_degrade_after_a_moment_and_say_what_that_means() {
        let (mut heads, start, job) = (Heads::default(), Instant::now(), JobId::new());
        let mut reading = |hears, seconds| {
            heads.judge(&standing(1, job), hears, start + Duration::from_secs(seconds))
        };
        assert_eq!(reading(false, 0).status, Status::Healthy);
        let deaf = reading(false, 10);
        assert_eq!(deaf.status, Status::Degraded);
        assert!(deaf.check().detail.unwrap().contains("polling"));
        assert_eq!(reading(true, 11).status, Status::Healthy);
        assert_eq!(reading(false, 12).status, Status::Healthy, "it begins anew");
    }
}
