//! A panic is one line of the log, with its place, instead of several on stderr.

use std::panic::{self, PanicHookInfo};

/// Logs every panic from now on.
pub(super) fn log_them() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message = panic.payload_as_str().unwrap_or("a value that is no text");
    let thread = std::thread::current();
    tracing::error!(
        target: "mindflight::panic",
        location = place,
        thread = thread.name(),
        "panic at {place}: {message}"
    );
}
