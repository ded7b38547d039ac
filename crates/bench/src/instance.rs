//! A server that runs as long as we want it to, and never longer than we do.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::guard::Guard;

/// The line with which both servers say where they are.
const LISTENING: &str = "listening on http://";

const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Instance {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    spawned: Instant,
    address: SocketAddr,
    /// Dropped last: it must not outlive the server.
    _guard: Guard,
}

impl Instance {
    /// Starts it and waits until it says where it listens. `folder` goes away if we die.
    pub(crate) fn start(command: &mut Command, folder: Option<&Path>) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let spawned = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let (sender, lines) = channel();
        // Both are read to their ends, or the server would stand still on a full pipe.
        follow(child.stdout.take(), sender.clone());
        follow(child.stderr.take(), sender);
        let guard = match Guard::new(child.id(), folder) {
            Ok(guard) => guard,
            Err(error) => {
                drop(child.kill());
                drop(child.wait());
                return Err(error);
            }
        };
        let mut instance = Self {
            child,
            lines,
            said: Vec::new(),
            spawned,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            _guard: guard,
        };
        instance.address = instance.wait_for_address()?;
        Ok(instance)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The time since just before the process was made.
    pub(crate) fn age(&self) -> Duration {
        self.spawned.elapsed()
    }

    /// Asks it to end and waits for it.
    pub(crate) fn stop(mut self) -> Result<()> {
        let status = self.end()?;
        ensure!(status.success(), "the server ended with {status}{}", self.last_words());
        Ok(())
    }

    fn wait_for_address(&mut self) -> Result<SocketAddr> {
        let latest = self.spawned + START_PATIENCE;
        loop {
            match self.lines.recv_timeout(latest.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let address = address_in(&line);
                    self.said.push(line);
                    if let Some(address) = address {
                        return Ok(address);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "the server does not listen after {START_PATIENCE:?}{}",
                        self.last_words()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the server ended instead of listening{}", self.last_words())
                }
            }
        }
    }

    fn end(&mut self) -> Result<ExitStatus> {
        // It may have ended by itself, which its status will tell.
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        let latest = Instant::now() + STOP_PATIENCE;
        // Its output ends with it.
        let late = loop {
            match self.lines.recv_timeout(latest.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(error) => break error == RecvTimeoutError::Timeout,
            }
        };
        if late {
            drop(self.child.kill());
        }
        let status = self.child.wait().context("the server cannot be waited for")?;
        ensure!(!late, "the server did not stop in {STOP_PATIENCE:?}{}", self.last_words());
        Ok(status)
    }

    fn last_words(&self) -> String {
        let first = self.said.len().saturating_sub(20);
        let lines = self.said[first..].iter();
        lines.map(|line| format!("\n  | {line}")).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            drop(self.end());
        }
    }
}

fn follow(output: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(output) = output else { return };
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more, and the pipe still has to be emptied.
            drop(lines.send(line));
        }
    });
}

/// The address in the line with which a server says where it listens.
pub(crate) fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once(LISTENING)?;
    address.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_line_that_says_it() {
        let address = address_in("listening on http://127.0.0.1:4711");
        assert_eq!(address, Some("127.0.0.1:4711".parse().unwrap()));
        assert_eq!(address_in("listening soon"), None);
        assert_eq!(address_in("listening on http://somewhere"), None);
    }

    #[test]
    fn a_program_that_ends_without_listening_is_reported_with_what_it_said() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo out; echo no disk >&2; exit 3"]);
        let error = Instance::start(&mut command, None).err().unwrap().to_string();
        assert!(error.contains("instead of listening"), "{error}");
        assert!(error.contains("| no disk") && error.contains("| out"), "{error}");
    }

    #[test]
    fn a_server_is_stopped_and_its_exit_code_looked_at() {
        let server = |code: u8| {
            let mut command = Command::new("/bin/sh");
            let script = format!(
                "tail -f /dev/null >/dev/null 2>&1 & trap \"kill $!; exit {code}\" TERM; \
                 echo listening on http://127.0.0.1:9; wait"
            );
            command.args(["-c", &script]);
            Instance::start(&mut command, None).unwrap()
        };
        server(0).stop().unwrap();
        let error = server(4).stop().unwrap_err().to_string();
        assert!(error.contains("exit status: 4"), "{error}");
    }
}
