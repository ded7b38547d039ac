//! A process that opens a cluster and holds it until its input ends: something for the tests to kill.

use mindflight_embedded_postgres::{Cluster, Error, Options};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let data_dir = std::env::args_os().nth(1).map(PathBuf::from).unwrap_or_default();
    let mut options = Options::from_env(data_dir);
    options.durable = false;
    // What was committed must be with the kernel when a server is killed.
    options.settings = vec![("synchronous_commit".to_owned(), "on".to_owned())];
    match hold(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed {error}"));
            ExitCode::FAILURE
        }
    }
}

fn hold(options: &Options) -> Result<(), Error> {
    let cluster = Cluster::open(options)?;
    let socket = cluster.socket_dir().display();
    say(&format!("ready {} {} {socket}", cluster.postmaster_pid(), cluster.adopted()));
    // It returns when the test closes the pipe.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    cluster.stop()
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
