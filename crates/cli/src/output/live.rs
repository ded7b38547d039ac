//! The line on stderr that says how far something is while it is waited for.

use super::person::printable;
use super::{Streams, write_to};

/// No terminal is narrower; a line that wraps could not be taken back.
const WIDTH: usize = 79;

/// A line on stderr: rewritten in place on a terminal, written anew elsewhere when it changes.
pub(crate) struct Live {
    in_place: bool,
    wanted: bool,
    shown: String,
}

impl Live {
    /// A line that is shown only if it is `wanted`.
    pub(crate) fn new(wanted: bool, streams: &Streams<'_>) -> Self {
        Self { in_place: streams.terminals.err, wanted, shown: String::new() }
    }

    /// Whether a person looks at it.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.wanted && self.in_place
    }

    /// Shows the line, instead of the one before.
    pub(crate) fn show(&mut self, line: &str, streams: &mut Streams<'_>) {
        let line = printable(line).replace(['\n', '\t'], " ");
        if !self.wanted || line == self.shown {
            return;
        }
        let text = if self.in_place {
            format!("\r\u{1b}[2K{}", line.chars().take(WIDTH).collect::<String>())
        } else {
            format!("{line}\n")
        };
        // Nobody reading is no reason to stop.
        write_to(streams.err, &text).ok();
        self.shown = line;
    }

    /// Takes the line away, so that what follows starts at the left.
    pub(crate) fn clear(&mut self, streams: &mut Streams<'_>) {
        if self.is_looked_at() && !self.shown.is_empty() {
            write_to(streams.err, "\r\u{1b}[2K").ok();
        }
        self.shown.clear();
    }
}
