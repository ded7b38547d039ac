//! What waits to be sent: hints of the same kind become one, so it cannot grow.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use mindflight_api::JobId;
use mindflight_store::signal::Signal;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::message::{self, Note};

/// Cancellations that wait at most; beyond that, polling finds them.
const MOST_CANCELS: usize = 4096;

/// What waits to be sent. It takes nothing while nobody sends.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    notify: Notify,
}

#[derive(Default)]
struct State {
    /// None: closed.
    mail: Option<Mail>,
    /// How far the log was when this process last gave positions.
    head: Option<u64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    queues: BTreeSet<i16>,
    scheduled: bool,
    limits: bool,
    cancels: Vec<JobId>,
    head: Option<u64>,
}

impl Mail {
    fn is_some(&self) -> bool {
        *self != Self::default()
    }

    fn add(&mut self, signal: Signal) {
        match signal {
            Signal::Ready(queues) => self.queues.extend(queues),
            Signal::Scheduled => self.scheduled = true,
            Signal::Limits => self.limits = true,
            Signal::Cancel(job) => {
                if self.cancels.len() < MOST_CANCELS && !self.cancels.contains(&job) {
                    self.cancels.push(job);
                }
            }
        }
    }

    /// As notifications.
    pub(super) fn notes(&self) -> Vec<Note> {
        let scheduled = self.scheduled.then(message::scheduled);
        let limits = self.limits.then(message::limits);
        let head = self.head.map(message::head);
        message::ready(&self.queues)
            .into_iter()
            .chain(scheduled)
            .chain(limits)
            .chain(message::cancel(&self.cancels))
            .chain(head)
            .collect()
    }
}

impl Outbox {
    /// From now on something can be sent. How far the log is comes first: the others may not have been told.
    pub(super) fn open(&self) {
        self.with(|state| state.mail = Some(Mail { head: state.head, ..Mail::default() }));
        self.notify.notify_one();
    }

    /// Nothing can be sent; what waits is dropped.
    pub(super) fn close(&self) {
        self.with(|state| state.mail = None);
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.add(|state| {
            if let Some(mail) = &mut state.mail {
                mail.add(signal);
            }
        });
    }

    /// After a restore it may be less than it was.
    pub(super) fn head(&self, head: u64) {
        self.add(|state| {
            state.head = Some(head);
            if let Some(mail) = &mut state.mail {
                mail.head = Some(head);
            }
        });
    }

    fn add(&self, add: impl FnOnce(&mut State)) {
        self.with(add);
        self.notify.notify_one();
    }

    /// What waits, as soon as something does, but not before a time: what comes until then shares the message. How far
    /// the log is waits for nothing: ticks keep their distance by themselves.
    pub(super) async fn next(&self, not_before: Instant) -> Mail {
        loop {
            let notified = self.notify.notified();
            match self.with(|state| state.mail.as_ref().map(|mail| (mail.is_some(), mail.head))) {
                Some((true, None)) => {
                    if tokio::time::timeout_at(not_before, notified).await.is_err() {
                        return self.take();
                    }
                }
                Some((true, Some(_))) => return self.take(),
                Some((false, _)) | None => notified.await,
            }
        }
    }

    fn take(&self) -> Mail {
        self.with(|state| state.mail.as_mut().map(std::mem::take)).unwrap_or_default()
    }

    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn texts(mail: &Mail) -> Vec<String> {
        mail.notes().into_iter().map(|note| note.text).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_goes_at_once_and_those_after_it_together() {
        let outbox = Outbox::default();
        outbox.open();
        let start = Instant::now();
        outbox.head(3);
        assert_eq!(texts(&outbox.next(start).await), ["head 3"]);
        assert_eq!(Instant::now(), start);

        let window = start + Duration::from_millis(5);
        outbox.signal(Signal::Ready(vec![2, 1]));
        let (mail, ()) = futures::join!(outbox.next(window), async {
            tokio::time::sleep(Duration::from_millis(4)).await;
            let job = JobId::new();
            for signal in [
                Signal::Ready(vec![2, 7]),
                Signal::Scheduled,
                Signal::Limits,
                Signal::Scheduled,
                Signal::Limits,
                Signal::Cancel(job),
                Signal::Cancel(job),
            ] {
                outbox.signal(signal);
            }
        });
        assert_eq!(Instant::now(), window);
        let job = mail.cancels[0];
        assert_eq!(texts(&mail), ["ready 1,2,7", "scheduled", "limits", &format!("cancel {job}")]);
    }

    #[tokio::test(start_paused = true)]
    async fn how_far_the_log_is_goes_at_once_with_all_that_waits() {
        let (outbox, start) = (Outbox::default(), Instant::now());
        outbox.open();
        outbox.signal(Signal::Scheduled);
        let (mail, ()) = futures::join!(outbox.next(start + Duration::from_millis(5)), async {
            outbox.head(4);
            outbox.head(5);
        });
        assert_eq!(texts(&mail), ["scheduled", "head 5"]);
        assert_eq!(Instant::now(), start);
    }

    #[tokio::test]
    async fn only_how_far_the_log_is_is_kept_while_nobody_sends() {
        let outbox = Outbox::default();
        outbox.signal(Signal::Scheduled);
        outbox.open();
        outbox.signal(Signal::Scheduled);
        outbox.close();
        outbox.head(1);
        outbox.head(2);
        outbox.open();
        assert_eq!(texts(&outbox.next(Instant::now()).await), ["head 2"]);
        // It may have been lost on a connection that broke meanwhile.
        outbox.close();
        outbox.open();
        assert_eq!(texts(&outbox.next(Instant::now()).await), ["head 2"]);
    }

    #[test]
    fn it_does_not_grow() {
        let mut mail = Mail::default();
        for _ in 0..2 * MOST_CANCELS {
            mail.add(Signal::Cancel(JobId::new()));
        }
        assert_eq!(mail.cancels.len(), MOST_CANCELS);
    }
}
