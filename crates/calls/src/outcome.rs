//! What a call leaves behind however it ends: figures, and the audit row of tools that change something.

use std::sync::Arc;
use std::time::Instant;

use mindflight_api::Code;
use mindflight_core::{Context, Error, Result};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::Calls;
use crate::catalog::Entry;

/// Sees to it that a call leaves what it has to leave, however it ends: with a result, with an error, or
/// because nobody waits for it any more.
pub(crate) struct Watch<'a> {
    pub(crate) entry: &'a Arc<Entry>,
    calls: &'a Calls,
    began: Instant,
    /// The call's context, once the handler was started.
    cx: Option<Context>,
    ended: bool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(calls: &'a Calls, entry: &'a Arc<Entry>) -> Self {
        Self { entry, calls, began: Instant::now(), cx: None, ended: false }
    }

    pub(crate) fn started(&mut self, cx: Context) {
        self.cx = Some(cx);
    }

    /// Records the end. A success whose audit row cannot be written is answered as an error: an effect
    /// without a trace is worse. A failure does not wait for its row.
    pub(crate) async fn ended(mut self, result: &Result<Value>) -> Result<()> {
        self.ended = true;
        let error = result.as_ref().err();
        // Codes are a small set; those of a provider's own count as one, or a label could grow without end.
        let known = |error: &Error| Code::find(error.name()).map_or("tool_error", |code| code.name);
        self.entry.meters.record(self.began, error.map_or("ok", known));
        let Some(written) = self.audit(error.map_or("ok", Error::name)) else {
            return Ok(());
        };
        match error {
            None => written.await.unwrap_or_else(|error| Err(Error::internal(error))),
            Some(_) => Ok(()),
        }
    }

    /// Starts to write the audit row of a tool that is not `read_only`, unless its transaction did.
    fn audit(&self, outcome: &str) -> Option<JoinHandle<Result<()>>> {
        let cx = self.cx.as_ref()?;
        if self.entry.tool.options.read_only || (outcome == "ok" && cx.is_closed()) {
            return None;
        }
        let (audit, record) = (self.calls.shared().audit.clone(), cx.record(outcome.to_owned()));
        // The database belongs to the engine.
        Some(self.calls.shared().guard.engine().spawn(async move {
            let written = audit.write(record).await;
            if let Err(error) = &written {
                tracing::error!(error = ?error, "an audit row was not written: {error}");
            }
            written
        }))
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.entry.meters.record(self.began, "cancelled");
            drop(self.audit("cancelled"));
        }
    }
}
