//! The servers: started, killed, stopped and started again, each with a file for what it says.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::guard::Guard;
use crate::instance::address_in;

/// How long a server may take to listen, and to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where the servers listen, as callers see it; none for one that is not there.
#[derive(Clone)]
pub(crate) struct Addresses(Arc<Mutex<Vec<Option<SocketAddr>>>>);

impl Addresses {
    fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![None; count])))
    }

    fn set(&self, number: usize, address: Option<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[number] = address;
    }

    /// The server of this turn, or the next one that is there.
    pub(crate) fn choose(&self, turn: usize) -> Option<SocketAddr> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (0..all.len()).find_map(|more| all[(turn + more) % all.len()])
    }
}

/// What is going on with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It was started, and does not listen yet.
    Starting,
    Running,
    /// It was asked to end.
    Leaving,
    /// It does not get a processor.
    Stopped(Instant),
}

struct Server {
    child: Child,
    log: PathBuf,
    mode: Mode,
    since: Instant,
    /// Dropped last: it must not outlive the server.
    _guard: Guard,
}

/// All servers.
pub(crate) struct Fleet {
    servers: Vec<Server>,
    addresses: Addresses,
    logs: PathBuf,
    started: usize,
    /// What no server should have done.
    oddities: Vec<String>,
}

impl Fleet {
    /// Starts so many, each with the command that `make` gives.
    pub(crate) fn start(
        count: usize,
        logs: &Path,
        make: &dyn Fn() -> Result<Command>,
    ) -> Result<Self> {
        let mut fleet = Self {
            servers: Vec::new(),
            addresses: Addresses::new(count),
            logs: logs.to_owned(),
            started: 0,
            oddities: Vec::new(),
        };
        for number in 0..count {
            let server = fleet.launch(number, make()?)?;
            fleet.servers.push(server);
        }
        Ok(fleet)
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.servers.iter().map(|server| server.child.id()).collect()
    }

    /// What no server should have done, until now.
    pub(crate) fn oddities(&self) -> &[String] {
        &self.oddities
    }

    /// Sees what has become of each; whoever has ended is started again.
    pub(crate) fn look(&mut self, make: &dyn Fn() -> Result<Command>) -> Result<()> {
        for number in 0..self.servers.len() {
            if self.has_ended(number)? {
                let server = self.launch(number, make()?)?;
                self.servers[number] = server;
            }
        }
        Ok(())
    }

    /// Whether every one of them listens.
    pub(crate) fn is_complete(&self) -> bool {
        self.servers.iter().all(|server| server.mode == Mode::Running)
    }

    /// One of those that run, or none.
    pub(crate) fn pick(&self, pick: u64) -> Option<usize> {
        let running = self.servers.iter().enumerate();
        let running: Vec<usize> = running
            .filter(|(_, server)| server.mode == Mode::Running)
            .map(|(number, _)| number)
            .collect();
        let at = usize::try_from(pick).unwrap_or_default().checked_rem(running.len())?;
        running.get(at).copied()
    }

    pub(crate) fn kill(&mut self, number: usize) -> Result<u32> {
        self.addresses.set(number, None);
        let server = &mut self.servers[number];
        server.child.kill().context("a server cannot be killed")?;
        let status = server.child.wait().context("a server cannot be waited for")?;
        if status.code().is_none() {
            server.mode = Mode::Starting;
        }
        // Else it has ended by itself a moment before, as it was told to or not: the next look says so.
        Ok(server.child.id())
    }

    /// Kills every one of them, also those that are stopped.
    pub(crate) fn kill_all(&mut self) -> Result<()> {
        (0..self.servers.len()).try_for_each(|number| self.kill(number).map(drop))
    }

    pub(crate) fn terminate(&mut self, number: usize) -> u32 {
        self.change(number, Signal::TERM, Mode::Leaving);
        self.servers[number].child.id()
    }

    /// Takes the processor from it until then. Callers go on asking it: nobody tells them.
    pub(crate) fn stop(&mut self, number: usize, until: Instant) -> u32 {
        self.change(number, Signal::STOP, Mode::Stopped(until));
        self.servers[number].child.id()
    }

    /// Lets those go on whose time has come.
    pub(crate) fn go_on(&mut self, now: Instant) {
        for number in 0..self.servers.len() {
            if matches!(self.servers[number].mode, Mode::Stopped(until) if until <= now) {
                self.change(number, Signal::CONT, Mode::Running);
            }
        }
    }

    /// Asks all to end, and waits until they have.
    pub(crate) fn end(&mut self) -> Result<()> {
        for number in 0..self.servers.len() {
            self.terminate(number);
        }
        for number in 0..self.servers.len() {
            while !self.has_ended(number)? {
                super::pause(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn change(&mut self, number: usize, signal: Signal, mode: Mode) {
        let server = &mut self.servers[number];
        // One that has ended meanwhile is found by the next look.
        kill_process(Pid::from_child(&server.child), signal).ok();
        server.mode = mode;
        server.since = Instant::now();
        if mode == Mode::Leaving {
            self.addresses.set(number, None);
        }
    }

    fn launch(&mut self, number: usize, mut command: Command) -> Result<Server> {
        self.started += 1;
        self.addresses.set(number, None);
        let log = self.logs.join(format!("server-{}-{:03}.log", number + 1, self.started));
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let guard = match Guard::new(child.id(), None) {
            Ok(guard) => guard,
            Err(error) => {
                drop(child.kill());
                drop(child.wait());
                return Err(error);
            }
        };
        Ok(Server { child, log, mode: Mode::Starting, since: Instant::now(), _guard: guard })
    }

    /// Whether this one is gone; notes when it has begun to listen, and when it has ended as it should not.
    fn has_ended(&mut self, number: usize) -> Result<bool> {
        let server = &mut self.servers[number];
        let status = server.child.try_wait().context("a server cannot be waited for")?;
        let late = server.since.elapsed() > PATIENCE;
        match (status, server.mode) {
            (Some(status), Mode::Leaving) if status.success() => {}
            // Whoever killed it knows.
            (Some(status), Mode::Starting) if !status.success() && status.code().is_none() => {}
            (Some(status), mode) => {
                let log = server.log.display();
                self.oddities.push(format!("a server ended with {status} while {mode:?}: {log}"));
                self.addresses.set(number, None);
            }
            (None, Mode::Starting) => {
                let text = fs::read_to_string(&server.log).unwrap_or_default();
                if let Some(address) = text.lines().find_map(address_in) {
                    server.mode = Mode::Running;
                    self.addresses.set(number, Some(address));
                } else if late {
                    bail!("a server does not listen after {PATIENCE:?}: {}", server.log.display());
                }
                return Ok(false);
            }
            (None, Mode::Leaving) if late => {
                bail!("a server does not stop in {PATIENCE:?}: {}", server.log.display())
            }
            (None, _) => return Ok(false),
        }
        Ok(true)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for server in &mut self.servers {
            drop(server.child.kill());
            drop(server.child.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Result<Command> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap 'exit 0' TERM; echo listening on http://127.0.0.1:9; while :; do sleep 0.01; done"]);
        Ok(command)
    }

    fn until_complete(fleet: &mut Fleet) {
        while !fleet.is_complete() {
            fleet.look(&sleeper).unwrap();
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_killed_server_is_replaced_and_one_that_is_told_to_ends_well() {
        let logs = tempfile::tempdir().unwrap();
        let mut fleet = Fleet::start(2, logs.path(), &sleeper).unwrap();
        until_complete(&mut fleet);
        let before = fleet.pids();
        let number = fleet.pick(1).unwrap();
        assert_eq!(fleet.kill(number).unwrap(), before[number]);
        assert!(!fleet.is_complete());
        until_complete(&mut fleet);
        assert_ne!(fleet.pids()[number], before[number]);
        assert_eq!(fleet.pids()[1 - number], before[1 - number]);
        fleet.terminate(0);
        until_complete(&mut fleet);
        // One that has gone as it was told to cannot be killed any more.
        fleet.terminate(0);
        fleet.servers[0].child.wait().unwrap();
        fleet.kill(0).unwrap();
        until_complete(&mut fleet);
        fleet.end().unwrap();
        assert_eq!(fleet.oddities(), [] as [String; 0]);
    }

    #[test]
    fn a_server_that_ends_by_itself_is_told_of() {
        let logs = tempfile::tempdir().unwrap();
        let short = || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "exit 3"]);
            Ok(command)
        };
        let mut fleet = Fleet::start(1, logs.path(), &short).unwrap();
        while fleet.oddities().is_empty() {
            fleet.look(&short).unwrap();
        }
        assert!(fleet.oddities()[0].contains("exit status: 3"), "{:?}", fleet.oddities());
    }

    #[test]
    fn callers_are_sent_to_those_who_are_there() {
        let addresses = Addresses::new(3);
        assert_eq!(addresses.choose(0), None);
        let there: SocketAddr = "127.0.0.1:1".parse().unwrap();
        addresses.set(1, Some(there));
        assert_eq!([0, 1, 2, 5].map(|turn| addresses.choose(turn)), [Some(there); 4]);
    }
}
