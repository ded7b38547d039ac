//! What the tests stand on: a folder of their own, processes to kill, and waiting with a bound.

use mindflight_embedded_postgres::{Cluster, Options};
use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder that any account may pass, removed at the end.
pub(crate) struct Ground {
    folder: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// As the kernel reports it, without links.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The data folder; not there yet.
    pub(crate) fn dir(&self) -> PathBuf {
        self.path().join("cluster")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::from_env(self.dir());
        options.durable = false;
        options.settings = vec![("synchronous_commit".to_owned(), "on".to_owned())];
        options.download_dir = self.path().join("downloads");
        options
    }

    pub(crate) fn open(&self) -> Cluster {
        Cluster::open(&self.options()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn hold(&self) -> Holder {
        Holder::spawn(&self.dir())
    }

    /// Processes that look after this folder's server: the watcher and its reader.
    pub(crate) fn watchers(&self) -> Vec<u32> {
        let data = self.data().display().to_string();
        processes(|line| line.contains("mindflight-pg-watch") && line.contains(&data))
    }

    /// Folders of unfinished clusters.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.dir()) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("data.init-")).collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Servers of killed holders are still writing into the folder that is about to go.
            wait_until("all servers have stopped", || self.watchers().is_empty());
        }
    }
}

/// Another process that has the cluster.
pub(crate) struct Holder {
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// What a holder said once its cluster answered.
pub(crate) struct Ready {
    pub(crate) postmaster: u32,
    pub(crate) adopted: bool,
    pub(crate) socket_dir: PathBuf,
}

impl Holder {
    fn spawn(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mindflight-pg-holder"))
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
        });
        Self { child, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ready(&self) -> Ready {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        assert_eq!(words[0], "ready", "{line}");
        Ready {
            postmaster: words[1].parse().unwrap(),
            adopted: words[2] == "true",
            socket_dir: PathBuf::from(words[3]),
        }
    }

    /// Asks it to stop as a terminal would that is closed.
    pub(crate) fn close(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn succeeded(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// As a power cut for this one process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Its server stops first, so that the folder can be removed.
        self.close();
        drop(self.child.wait());
    }
}

/// Looks at a condition until it holds; fails the test after a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let (_sender, never) = mpsc::channel::<()>();
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited a minute until {what}");
        // A receive that only ever times out, so that the loop leaves the processor to others.
        assert_eq!(
            never.recv_timeout(Duration::from_millis(2)),
            Err(mpsc::RecvTimeoutError::Timeout)
        );
    }
}

pub(crate) fn kill(pid: u32) {
    kill_process(number(pid), Signal::KILL).unwrap();
}

/// Whether a process runs; one that has ended but is not yet collected does not.
pub(crate) fn runs(pid: u32) -> bool {
    test_kill_process(number(pid)) != Err(rustix::io::Errno::SRCH)
        && !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

fn number(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// Processes by their command line.
pub(crate) fn processes(wanted: impl Fn(&str) -> bool) -> Vec<u32> {
    let output = Command::new("ps").args(["-axww", "-o", "pid=,command="]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(str::trim_start).filter_map(|line| line.split_once(' '));
    lines.filter(|(_, line)| wanted(line)).map(|(pid, _)| pid.parse().unwrap()).collect()
}

pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// A program that is a shell script.
pub(crate) fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}
