//! Limits and intervals of the event log.

use std::time::Duration;

/// Limits and intervals of the event log. Every one can be shortened by tests.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where LISTEN goes: the database itself, not a pooler before it. None: this process polls, and sends no hints.
    pub url: Option<String>,
    /// Events that are published within this time after a tick share the next one. Each who reads adds a little.
    pub window: Duration,
    /// The same for ends of jobs, of which there are many.
    pub slow_window: Duration,
    /// The longest pause between two looks for events that nobody announced.
    pub poll: Duration,
    /// The pause after the database did not answer.
    pub retry: Duration,
    /// Rows that are read at a time.
    pub page: u32,
    /// Bytes that are read at a time, about.
    pub page_bytes: u32,
    /// Rows that are kept in memory.
    pub ring: usize,
    /// Bytes that are kept in memory, about.
    pub ring_bytes: usize,
    /// How often the LISTEN connection is checked.
    pub check: Duration,
    /// How long the answer to such a check may take.
    pub check_timeout: Duration,
    /// Hints to other processes that come within this time share one message.
    pub hint_window: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often the position of a consumer is written down that found nothing.
    pub consumer_save: Duration,
    /// Events that a consumer turns into jobs at a time.
    pub consumer_batch: usize,
    /// Events are kept for so long at least.
    pub retention: Duration,
    /// A partition takes events for so long.
    pub partition: Duration,
    /// How often the log is kept in order.
    pub housekeeping: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let (milliseconds, seconds) = (Duration::from_millis, Duration::from_secs);
        Self {
            url: None,
            window: milliseconds(2),
            slow_window: milliseconds(20),
            poll: seconds(1),
            retry: milliseconds(250),
            page: 1000,
            page_bytes: 4 << 20,
            ring: 8192,
            ring_bytes: 16 << 20,
            check: seconds(10),
            check_timeout: seconds(3),
            hint_window: milliseconds(1),
            connect_timeout: seconds(5),
            consumer_save: seconds(10),
            consumer_batch: 200,
            retention: seconds(7 * 24 * 3600),
            partition: seconds(24 * 3600),
            housekeeping: seconds(60),
        }
    }
}
