//! What the system tells about other processes: who is alive, and who works in which folder.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::Path;

/// Sends a signal, and tells whether there was somebody to get it.
pub(crate) fn signal(pid: u32, signal: Signal) -> bool {
    checked(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A refusal means that there is a process, of somebody else.
    checked(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Pids below 1 name groups, and are never what a pid file means.
fn checked(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw)
}

pub(crate) use system::{any_in, command_lines, runs, works_in};

#[cfg(target_os = "linux")]
mod system {
    use super::Path;
    use std::fs;

    /// Whether the process is a server of this data: a postmaster and its children never leave that folder.
    ///
    /// A zombie has no folder any more, which is the right answer.
    pub(crate) fn works_in(pid: u32, data: &Path) -> bool {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
    }

    /// Whether the process has not ended; one that only waits to be collected has.
    pub(crate) fn runs(pid: u32) -> bool {
        // The state follows the program's name, which may hold anything but is the last in parentheses.
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
    }

    pub(crate) fn any_in(data: &Path) -> Option<u32> {
        pids().find(|pid| works_in(*pid, data))
    }

    /// The command lines of all processes, words separated by blanks.
    pub(crate) fn command_lines() -> impl Iterator<Item = String> {
        pids().filter_map(|pid| {
            let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
        })
    }

    fn pids() -> impl Iterator<Item = u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Path;
    use std::process::Command;

    /// Whether the process is a postmaster of this data, by its command line.
    pub(crate) fn works_in(pid: u32, data: &Path) -> bool {
        let needle = format!("-D {}", data.display());
        ps(&["-ww", "-o", "command=", "-p", &pid.to_string()])
            .lines()
            .any(|line| !is_watcher(line) && line.contains(&needle))
    }

    /// Whether the process has not ended; one that only waits to be collected has.
    pub(crate) fn runs(pid: u32) -> bool {
        let state = ps(&["-o", "state=", "-p", &pid.to_string()]);
        !matches!(state.trim().chars().next(), None | Some('Z'))
    }

    pub(crate) fn any_in(data: &Path) -> Option<u32> {
        let needle = format!("-D {}", data.display());
        ps(&["-axww", "-o", "pid=,command="])
            .lines()
            .filter(|line| !is_watcher(line) && line.contains(&needle))
            .find_map(|line| line.split_whitespace().next()?.parse().ok())
    }

    pub(crate) fn command_lines() -> impl Iterator<Item = String> {
        ps(&["-axww", "-o", "command="]).lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    /// The watcher's command line holds the server's.
    fn is_watcher(line: &str) -> bool {
        line.contains(crate::watcher::MARK)
    }

    fn ps(arguments: &[&str]) -> String {
        let output = Command::new("/bin/ps").args(arguments).output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }
}
