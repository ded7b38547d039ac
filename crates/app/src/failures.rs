//! What goes wrong below the command line, as its failures.

use mindflight_cli::{Exit, Failure};
use mindflight_embedded_postgres as postgres;
use mindflight_server::StartError;
use mindflight_server::offline::OfflineError;

pub(crate) fn of_cluster(error: &postgres::Error) -> Failure {
    let is_busy = matches!(error, postgres::Error::Busy { .. });
    let exit = if is_busy { Exit::Conflict } else { Exit::No };
    Failure::local(error.to_string()).exit_with(exit)
}

pub(crate) fn of_start(error: &StartError) -> Failure {
    because(Failure::of_problem(error.problem()), error)
}

pub(crate) fn of_offline(error: &OfflineError) -> Failure {
    // The error shows its source's own words; what is below that is new.
    let failure = Failure::of_problem(error.problem());
    match std::error::Error::source(error) {
        Some(source) => because(failure, source),
        None => failure,
    }
}

fn because(failure: Failure, error: &dyn std::error::Error) -> Failure {
    match error.source() {
        Some(cause) => failure.because(cause),
        None => failure,
    }
}
