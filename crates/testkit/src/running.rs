//! A call that is under way.

use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::reply::Reply;

/// A call that is under way.
#[must_use = "dropped, it goes on; wait for its reply or cancel it"]
pub struct Running {
    pub(crate) task: JoinHandle<Reply>,
    pub(crate) clock: Clock,
}

impl Running {
    /// Whether the call has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.task.is_finished()
    }

    /// Goes away, as a caller who closes the connection; gives the tool the time to notice.
    pub async fn cancel(self) {
        self.task.abort();
        // Only the abort, or an end before it, can be the answer.
        drop(self.task.await);
        self.clock.settle().await;
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If the kit itself failed; a tool that panics is an error in the reply.
    pub async fn reply(self) -> Reply {
        match self.task.await {
            Ok(reply) => reply,
            Err(error) => panic!("the call's task ended: {error}"),
        }
    }
}
