//! The figures of one tool: how often it was called, with which outcome, and how long it took.

use std::time::Instant;

use metrics::{Counter, Histogram};

/// The meters of one tool, found once.
pub(crate) struct Meters {
    name: String,
    ok: Counter,
    seconds: Histogram,
}

impl Meters {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ok: metrics::counter!("mindflight_tool_calls_total", "tool" => name.to_owned(), "outcome" => "ok"),
            seconds: metrics::histogram!("mindflight_tool_call_duration_seconds", "tool" => name.to_owned()),
        }
    }

    pub(crate) fn record(&self, started: Instant, outcome: &'static str) {
        self.seconds.record(started.elapsed().as_secs_f64());
        match outcome {
            "ok" => self.ok.increment(1),
            _ => metrics::counter!("mindflight_tool_calls_total", "tool" => self.name.clone(), "outcome" => outcome)
                .increment(1),
        }
    }
}
