//! A server with this provider beside those of mindflight.

use std::process::ExitCode;

// What nothing names is not linked.
use parcels as _;

fn main() -> ExitCode {
    mindflight::main()
}
