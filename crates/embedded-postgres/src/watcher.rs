//! The shell beside the server that stops it when we die, however we die.
//!
//! It waits on a pipe that only we hold: the kernel closes it with our process, so nothing has to be caught.
//! The shell is the server's parent and never its child: a postmaster takes the odd end of a child it does
//! not know for a crash, and restarts everybody.

use crate::account::Account;
use crate::{Error, Options, processes, programs};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

/// The name under which the watcher stands in the process table.
pub(crate) const MARK: &str = "mindflight-pg-watch";

/// The signal is repeated, because a server in its first moments does not hear it.
const START: &str = r#"exec 3<&0
"$@" 3<&- </dev/null &
p=$!
{ read -r _ <&3; while kill -INT $p; do sleep 1; done; } >/dev/null 2>&1 &
r=$!
exec 3<&- </dev/null
wait $p
s=$?
kill $r 2>/dev/null
exit $s"#;

const ATTACH: &str = r#"read -r _
while kill -INT "$1"; do sleep 1; done"#;

/// A running watcher; it acts when its pipe closes, so keep it as long as the server shall live.
#[derive(Debug)]
pub(crate) struct Watcher {
    child: Child,
    /// A shell that is not the server's parent does not end with it.
    attached: bool,
}

impl Watcher {
    /// Starts the server under a watcher; `log` gets its messages.
    pub(crate) fn start(
        server: &[OsString],
        log: File,
        options: &Options,
        account: Option<&Account>,
    ) -> Result<Self, Error> {
        let log = Stdio::from(log);
        Self::spawn(START, server, log, options, account)
    }

    /// Watches a server that is already there.
    pub(crate) fn attach(
        pid: u32,
        data: &Path,
        options: &Options,
        account: Option<&Account>,
    ) -> Result<Self, Error> {
        let arguments = [pid.to_string().into(), data.as_os_str().to_owned()];
        Self::spawn(ATTACH, &arguments, Stdio::null(), options, account)
    }

    fn spawn(
        script: &str,
        arguments: &[OsString],
        log: Stdio,
        options: &Options,
        account: Option<&Account>,
    ) -> Result<Self, Error> {
        let mut command = programs::command("/bin/sh", options, account);
        command.arg("-c").arg(script).arg(MARK).args(arguments).current_dir("/");
        // A group of its own: Ctrl-C in a terminal must reach us only, so that we can drain first.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).process_group(0);
        let child = command
            .spawn()
            .map_err(|source| Error::Program { program: "/bin/sh".into(), source })?;
        Ok(Self { child, attached: script == ATTACH })
    }

    /// Whether the server's run has come to an end.
    pub(crate) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Ends the watcher of a server that is gone.
    pub(crate) fn finish(mut self) {
        // The pipe stays open until the shell has ended, or it would signal a number that may be somebody else's.
        let pipe = self.child.stdin.take();
        if self.attached {
            drop(self.child.kill());
        }
        drop(self.child.wait());
        drop(pipe);
    }
}

/// Whether a watcher, ours or a dead process's, still looks after this data.
pub(crate) fn watches(data: &Path) -> bool {
    let word = format!("{} ", data.display());
    processes::command_lines().any(|line| line.contains(MARK) && format!("{line} ").contains(&word))
}
