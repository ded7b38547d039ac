//! A program with everything that it started: one process group, which ends as a whole.

use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The process group of a program that was started as its leader. When the last owner that may kill it is
/// dropped, the group is killed.
pub(crate) struct Group(Arc<Leader>);

struct Leader {
    pid: Pid,
    /// Until the leader is reaped, nothing else can have its number; after that, no signal may be sent.
    is_ours: Mutex<bool>,
}

/// Waits for the end of a group's leader; for a thread that may wait.
pub(crate) struct Watch {
    leader: Arc<Leader>,
    child: Child,
}

impl Group {
    /// Takes charge of a program that leads a group of its own.
    pub(crate) fn of(mut child: Child) -> io::Result<(Self, Watch)> {
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let Some(pid) = number else {
            child.kill()?;
            return Err(io::Error::other("the program has no number"));
        };
        let leader = Arc::new(Leader { pid, is_ours: Mutex::new(true) });
        Ok((Self(leader.clone()), Watch { leader, child }))
    }

    /// Asks all of it to end.
    pub(crate) fn terminate(&self) {
        self.0.signal(Signal::TERM);
    }

    /// Ends all of it.
    pub(crate) fn kill(&self) {
        self.0.signal(Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Leader {
    fn signal(&self, signal: Signal) {
        let is_ours = self.is_ours.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_ours {
            // What has ended already needs no signal.
            kill_process_group(self.pid, signal).ok();
        }
    }
}

impl Watch {
    /// Waits until the leader has ended, kills what it left behind, and gives how it ended.
    pub(crate) fn wait(mut self) -> io::Result<ExitStatus> {
        // NOWAIT leaves it unreaped, so that its number still names this group and no other.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(error) = waitid(WaitId::Pid(self.leader.pid), options) {
            if error != Errno::INTR {
                return Err(error.into());
            }
        }
        let mut is_ours = self.leader.is_ours.lock().unwrap_or_else(PoisonError::into_inner);
        kill_process_group(self.leader.pid, Signal::KILL).ok();
        *is_ours = false;
        self.child.wait()
    }
}
