//! The breaker: a host that failed several times in a row is left alone for a while, then tried with one request.
//!
//! Our own, and not the library that tools use: this one counts failures *in a row*, forgets whoever answers, keeps a
//! bounded number of hosts, takes a dropped request for nothing, also when it was the one that tries, and its time can
//! be moved by tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Hosts that are remembered at a time; only those that fail are.
const MOST: usize = 1000;

/// How long to wait where another request is trying the host already.
const WHILE_TRIED: Duration = Duration::from_secs(1);

/// The breakers of all hosts that fail.
#[derive(Debug, Clone)]
pub(crate) struct Breakers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    failures: u32,
    rest: Duration,
    /// A host that answers well has no entry.
    hosts: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug)]
struct Entry {
    state: State,
    touched: Instant,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// So many failures in a row.
    Closed(u32),
    /// It rests.
    Open(Instant),
    /// One request is trying it.
    Trying,
}

/// A request on its way. Dropped without a word it counts as nothing.
#[derive(Debug)]
pub(crate) struct Pass {
    breakers: Breakers,
    host: String,
    tries: bool,
}

impl Breakers {
    pub(crate) fn new(failures: u32, rest: Duration) -> Self {
        Self(Arc::new(Inner { failures: failures.max(1), rest, hosts: Mutex::default() }))
    }

    /// Lets a request to `host` through, or says how long it rests.
    pub(crate) fn enter(&self, host: &str) -> Result<Pass, Duration> {
        let pass = |tries| Pass { breakers: self.clone(), host: host.to_owned(), tries };
        let now = Instant::now();
        let mut hosts = self.hosts();
        let Some(entry) = hosts.get_mut(host) else { return Ok(pass(false)) };
        match entry.state {
            State::Closed(_) => Ok(pass(false)),
            State::Open(until) if now < until => Err(until - now),
            State::Open(_) => {
                *entry = Entry { state: State::Trying, touched: now };
                tracing::info!(
                    host,
                    "outside host {host} has rested and is tried with one request"
                );
                Ok(pass(true))
            }
            State::Trying => Err(WHILE_TRIED.min(self.0.rest)),
        }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The host answered.
    pub(crate) fn answered(mut self) {
        let mut hosts = self.breakers.hosts();
        // Who set off before the host failed does not end its rest.
        let closed = hosts.get(&self.host).is_some_and(|e| matches!(e.state, State::Closed(_)));
        if self.tries || closed {
            hosts.remove(&self.host);
        }
        drop(hosts);
        if std::mem::take(&mut self.tries) {
            let host = &self.host;
            tracing::info!(host, "outside host {host} answers again");
        }
    }

    /// The host did not answer, or said that it is broken.
    pub(crate) fn failed(mut self) {
        let (now, rest) = (Instant::now(), self.breakers.0.rest);
        let mut hosts = self.breakers.hosts();
        let state = hosts.get(&self.host).map_or(State::Closed(0), |entry| entry.state);
        let tries = std::mem::take(&mut self.tries);
        let state = match state {
            State::Closed(before) if before + 1 < self.breakers.0.failures && !tries => {
                State::Closed(before + 1)
            }
            State::Closed(_) => State::Open(now + rest),
            State::Open(_) | State::Trying if tries => State::Open(now + rest),
            // Others decide by now.
            State::Open(_) | State::Trying => return,
        };
        make_room(&mut hosts, &self.host);
        hosts.insert(self.host.clone(), Entry { state, touched: now });
        drop(hosts);
        if matches!(state, State::Open(_)) {
            let (host, failures) = (&self.host, self.breakers.0.failures);
            metrics::counter!("mindflight_outbound_breaker_opened_total").increment(1);
            match tries {
                true => tracing::warn!(host, "outside host {host} still fails and rests again"),
                false => tracing::warn!(
                    host,
                    failures,
                    "outside host {host} failed {failures} times in a row and rests"
                ),
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.tries {
            return;
        }
        // It was to try the host and did not find out: the next one does.
        if let Some(entry) = self.breakers.hosts().get_mut(&self.host)
            && matches!(entry.state, State::Trying)
        {
            entry.state = State::Open(Instant::now());
        }
    }
}

/// Forgets the host that was heard of longest ago, first among those that do not rest.
fn make_room(hosts: &mut HashMap<String, Entry>, newcomer: &str) {
    if hosts.len() < MOST || hosts.contains_key(newcomer) {
        return;
    }
    let rests = |entry: &Entry| !matches!(entry.state, State::Closed(_));
    let oldest = hosts.iter().min_by_key(|(_, entry)| (rests(entry), entry.touched));
    if let Some(host) = oldest.map(|(host, _)| host.clone()) {
        hosts.remove(&host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(60);

    fn fail(breakers: &Breakers, times: u32) {
        for _ in 0..times {
            breakers.enter("a").unwrap().failed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_failures_in_a_row_open_it_and_only_for_their_host() {
        let breakers = Breakers::new(5, REST);
        fail(&breakers, 4);
        breakers.enter("a").unwrap().answered();
        fail(&breakers, 4);
        drop(breakers.enter("a").unwrap());
        fail(&breakers, 1);
        assert_eq!(breakers.enter("a").unwrap_err(), REST);
        assert!(breakers.enter("b").is_ok());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(breakers.enter("a").unwrap_err(), Duration::from_secs(40));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_rest_one_request_decides() {
        let breakers = Breakers::new(5, REST);
        fail(&breakers, 5);
        tokio::time::advance(REST).await;
        let first = breakers.enter("a").unwrap();
        assert_eq!(breakers.enter("a").unwrap_err(), WHILE_TRIED);
        first.failed();
        assert_eq!(breakers.enter("a").unwrap_err(), REST);
        tokio::time::advance(REST).await;
        breakers.enter("a").unwrap().answered();
        fail(&breakers, 4);
        assert!(breakers.enter("a").is_ok(), "it begins at nothing again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_try_leaves_the_next_one_to_find_out() {
        let breakers = Breakers::new(5, REST);
        fail(&breakers, 5);
        tokio::time::advance(REST).await;
        drop(breakers.enter("a").unwrap());
        let next = breakers.enter("a").unwrap();
        assert!(breakers.enter("a").is_err());
        next.answered();
        assert!(breakers.enter("a").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_set_off_before_the_rest_decides_nothing() {
        let breakers = Breakers::new(2, REST);
        let (good, bad) = (breakers.enter("a").unwrap(), breakers.enter("a").unwrap());
        fail(&breakers, 2);
        good.answered();
        assert!(breakers.enter("a").is_err());
        tokio::time::advance(REST / 2).await;
        bad.failed();
        assert_eq!(breakers.enter("a").unwrap_err(), REST / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_that_fail_are_remembered_up_to_a_number() {
        let breakers = Breakers::new(2, REST);
        fail(&breakers, 2);
        for n in 0..3 * MOST {
            breakers.enter(&n.to_string()).unwrap().failed();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(breakers.hosts().len(), MOST);
        assert!(breakers.enter("a").is_err(), "those that rest go last");
        for n in 0..100 {
            breakers.enter(&format!("good {n}")).unwrap().answered();
        }
        assert_eq!(breakers.hosts().len(), MOST);
    }
}
