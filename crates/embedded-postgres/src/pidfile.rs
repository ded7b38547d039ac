//! `postmaster.pid`: what a server says about itself, and whether it can be believed.

use crate::processes;
use std::fs;
use std::path::{Path, PathBuf};

/// The lines that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: u32,
    pub(crate) port: Option<u16>,
    pub(crate) socket_dir: Option<PathBuf>,
    pub(crate) ready: bool,
}

/// What the file and the process table say together.
#[derive(Debug)]
pub(crate) enum State {
    /// No file, or its process is gone: PostgreSQL clears that itself.
    Absent,
    /// The number belongs to a process that has nothing to do with this data.
    Stranger,
    /// A live server of this data, accepting connections or not.
    Server(PidFile),
}

pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// `data` must be a canonical path, because the kernel reports those.
pub(crate) fn state(data: &Path) -> State {
    let Some(file) = fs::read_to_string(path(data)).ok().and_then(|text| parse(&text)) else {
        return State::Absent;
    };
    if processes::works_in(file.pid, data) {
        State::Server(file)
    } else if processes::is_alive(file.pid) {
        State::Stranger
    } else {
        State::Absent
    }
}

/// The process that a lock file of PostgreSQL's names.
pub(crate) fn first_number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

fn parse(text: &str) -> Option<PidFile> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let line = |number: usize| lines.get(number - 1).copied().filter(|line| !line.is_empty());
    Some(PidFile {
        pid: line(1)?.parse().ok()?,
        port: line(4).and_then(|port| port.parse().ok()),
        socket_dir: line(5).map(PathBuf::from),
        ready: line(8) == Some("ready"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/d/data\n1760000000\n5432\n/d/s\n\n  5 6\nready   \n";

    #[test]
    fn a_whole_file_is_read() {
        let file = parse(READY).unwrap();
        assert_eq!((file.pid, file.port, file.ready), (4711, Some(5432), true));
        assert_eq!(file.socket_dir.as_deref(), Some(Path::new("/d/s")));
    }

    #[test]
    fn a_server_that_starts_or_stops_is_not_ready() {
        assert!(!parse(&READY.replace("ready", "stopping")).unwrap().ready);
        assert!(!parse("4711\n/d/data\n1760000000\n").unwrap().ready);
    }

    #[test]
    fn a_torn_file_is_no_file() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("\n\n"), None);
    }
}
