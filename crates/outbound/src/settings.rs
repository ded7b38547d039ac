//! What the operator says about outside calls.

use std::time::Duration;

use crate::Allow;

/// What the operator says about outside calls; one request may narrow it, never widen it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What may be called although a rule is against it.
    pub allow: Vec<Allow>,
    /// Whether plain http is refused.
    pub https_only: bool,
    /// The ports that may be called.
    pub ports: Vec<u16>,
    /// For look-up, connection and TLS together.
    pub connect_timeout: Duration,
    /// For the whole exchange, with its redirects and retries.
    pub timeout: Duration,
    /// The largest body of an answer.
    pub max_body_bytes: usize,
    /// How many redirects are followed.
    pub max_redirects: u8,
    /// How often a request that may be repeated is sent again.
    pub retries: u32,
    /// The pause before the first of them; it doubles.
    pub backoff: Duration,
    /// Failures in a row after which a host rests.
    pub breaker_failures: u32,
    /// How long it rests.
    pub breaker_rest: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            https_only: true,
            ports: vec![80, 443],
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_body_bytes: 10 << 20,
            max_redirects: 3,
            retries: 2,
            backoff: Duration::from_millis(200),
            breaker_failures: 5,
            breaker_rest: Duration::from_secs(60),
        }
    }
}
