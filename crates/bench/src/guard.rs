//! Ends a process and takes its folder away when we die, however we die.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// Waits for the end of a pipe that only we hold, then ends the process and takes the folder away.
const SCRIPT: &str = r#"read -r _
kill -TERM "$1" 2>/dev/null
n=0
while [ $n -lt 30 ] && kill -0 "$1" 2>/dev/null; do sleep 1; n=$((n+1)); done
kill -KILL "$1" 2>/dev/null
[ -z "$2" ] || rm -rf -- "$2""#;

/// Acts only if we die while it lives: when it is dropped, it is gone without a deed.
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) fn new(pid: u32, folder: Option<&Path>) -> Result<Self> {
        Self::of(&pid.to_string(), folder)
    }

    /// Ends a process that leads a group, and all of its group.
    pub(crate) fn of_group(leader: u32) -> Result<Self> {
        Self::of(&format!("-{leader}"), None)
    }

    fn of(process: &str, folder: Option<&Path>) -> Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "mindflight-bench-guard", process])
            .arg(folder.unwrap_or(Path::new("")))
            .current_dir("/")
            // A group of its own: Ctrl-C in a terminal must not end it before its work.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run /bin/sh")?;
        Ok(Self(child))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The pipe stays open until the guard is gone, or it would signal a number that may be somebody else's.
        let pipe = self.0.stdin.take();
        drop(self.0.kill());
        drop(self.0.wait());
        drop(pipe);
    }
}
