//! Every reason in its own words.

use std::time::Duration;

use mindflight_api::job::JobError;
use mindflight_api::{Fault, Retry};

use super::super::shown::fixture::view;
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn error(code: &str) -> Option<JobError> {
    let (code, detail) = (code.to_owned(), "401: the token has expired".to_owned());
    Some(JobError { code, detail, fault: Fault::Operator, retry: Retry::Same, fix: None })
}

fn says(view: &View) -> String {
    reason(view, None).unwrap()
}

#[test]
fn what_is_not_due_says_when_it_is() {
    let due = at("2026-11-21T09:14:20Z");
    let mut job = View { run_at: Some(due), ..view(JobState::Scheduled) };
    assert_eq!(says(&job), "not due until 09:14:20 UTC");
    job.run_at = Some(due + Duration::from_secs(86_400));
    assert_eq!(says(&job), "not due until 2026-11-22 09:14:20 UTC");
    let retrying = View {
        attempt: 2,
        error: error("upstream_error"),
        run_at: Some(due),
        ..view(JobState::Retrying)
    };
    assert_eq!(
        says(&retrying),
        "attempt 2 of 10 failed (upstream_error): next try at 09:14:20 UTC"
    );
    let put_off = View { is_put_off: true, ..retrying };
    assert_eq!(says(&put_off), "put off until 09:14:20 UTC");
}

#[test]
fn what_waits_for_others_says_for_how_many() {
    for (unfinished, all, words) in [
        (2, 3, "waits for 2 of 3 jobs"),
        (1, 1, "waits for 1 of 1 job"),
        (0, 2, "waits for 0 of 2 jobs"),
    ] {
        let waits = Some(Waits { unfinished, all });
        let job = View { waits, kind_workers: Some(0), ..view(JobState::Blocked) };
        assert_eq!(says(&job), words);
    }
}

#[test]
fn of_what_keeps_a_job_waiting_the_first_reason_is_said() {
    let mut job = View { ahead: Some(1000), ..view(JobState::Queued) };
    assert_eq!(says(&job), "1,000 jobs or more are ahead of it in the queue `mail`");
    for (ahead, words) in [
        (Some(42), "42 jobs are ahead of it in the queue `mail`"),
        (Some(1), "1 job is ahead of it in the queue `mail`"),
        (Some(0), "next in the queue `mail`, as soon as a worker is free"),
        (None, "waits for a free worker in the queue `mail`"),
    ] {
        job.ahead = ahead;
        assert_eq!(says(&job), words);
    }
    job.runs_alone = true;
    assert_eq!(says(&job), "it was running when a worker died, so it waits until it can run alone");
    job.state = JobState::Blocked;
    job.gate = Some(gate("demo.report"));
    assert_eq!(says(&job), "at the limit of `demo.report`: 1 of 1 running");
    job.kind_workers = Some(0);
    let words =
        "no live worker runs `unipile.send`: start a server that has its provider and runs jobs";
    assert_eq!(says(&job), words);
    let off = reason(&job, Some("the provider `unipile` is off: an operator disabled it"));
    let words = "no live worker runs `unipile.send`: the provider `unipile` is off: an operator disabled it";
    assert_eq!(off.as_deref(), Some(words));
    let (by, why) = (Some("ana".to_owned()), Some("vendor incident".to_owned()));
    job.paused = Some(Paused { at: at("2026-11-21T09:12:40Z"), by, reason: why, until: None });
    assert_eq!(says(&job), "queue `mail` is paused by ana since 09:12 UTC: vendor incident");
    job.paused =
        Some(Paused { at: at("2026-11-20T09:12:40Z"), by: None, reason: None, until: None });
    assert_eq!(says(&job), "queue `mail` is paused since 2026-11-20 09:12 UTC");
    let (by, until) = (Some("ana".to_owned()), Some(at("2026-11-21T09:43:00Z")));
    let reason = Some("vendor incident".to_owned());
    job.paused = Some(Paused { at: at("2026-11-21T09:12:40Z"), by, reason, until });
    let words = "queue `mail` is paused by ana since 09:12 UTC until 09:43:00 UTC: vendor incident";
    assert_eq!(says(&job), words);
}

fn gate(name: &str) -> Gate {
    Gate {
        name: name.to_owned(),
        is_queue: false,
        slots: Some(1),
        used: 1,
        rate: None,
        wakes_at: None,
    }
}

#[test]
fn a_limit_says_which_of_its_parts_holds() {
    let mut job = view(JobState::Blocked);
    let rated = Gate { slots: None, rate: Some("100/1m".parse().unwrap()), ..gate("mail.send") };
    job.gate = Some(rated.clone());
    assert_eq!(says(&job), "held by the rate of `mail.send`: 100 a minute");
    let wakes_at = Some(at("2026-11-21T09:13:05Z"));
    job.gate = Some(Gate { wakes_at, slots: Some(2), ..rated.clone() });
    let words = "held by the rate of `mail.send`: 100 a minute; the next may start at 09:13:05 UTC";
    assert_eq!(says(&job), words);
    job.gate = Some(Gate { slots: Some(2), used: 2, ..rated.clone() });
    assert_eq!(says(&job), "at the limit of `mail.send`: 2 of 2 running");
    job.state = JobState::Queued;
    job.gate = Some(Gate { is_queue: true, slots: None, wakes_at, ..rated.clone() });
    assert!(says(&job).starts_with("held by the rate of the queue `mail.send`: 100 a minute; the"));
    job.gate = Some(Gate { is_queue: true, slots: Some(3), used: 3, ..rated });
    assert_eq!(says(&job), "at the limit of the queue `mail.send`: 3 of 3 running");
}

#[test]
fn what_has_ended_says_how() {
    let mut job =
        View { attempt: 5, error: error("unipile.unauthorized"), ..view(JobState::Failed) };
    let words = "failed after 5 attempts (unipile.unauthorized): 401: the token has expired";
    assert_eq!(says(&job), words);
    job.attempt = 1;
    assert!(says(&job).starts_with("failed after 1 attempt ("));
    job.state = JobState::Cancelled;
    assert_eq!(says(&job), "401: the token has expired");
    assert_eq!(reason(&view(JobState::Succeeded), None), None);
}

#[test]
fn what_runs_has_nothing_to_say_until_it_is_asked_to_stop() {
    let mut job = view(JobState::Running);
    assert_eq!(reason(&job, Some("off")), None);
    job.cancel_requested = true;
    assert_eq!(says(&job), "asked to stop; its worker has been told");
    job.worker = Some((7, Some("a1".to_owned())));
    assert_eq!(says(&job), "asked to stop; its worker on a1 has been told");
}
