//! A credential that is asked for again, while an answer goes on that it opened.

use mindflight_api::Scope;
use mindflight_core::Result;

use super::{Gate, Given, Head};

/// The credential that a request came with. It was good then.
pub(crate) struct Pass {
    gate: Gate,
    /// None: whoever sent none was let in all the same.
    credential: Option<Box<str>>,
}

impl Gate {
    /// The credential of a request that was let in.
    pub(crate) fn pass(&self, head: &Head<'_>) -> Pass {
        let credential = match head.given() {
            Given::Bearer(text) => Some(text.into()),
            Given::Nothing | Given::Unreadable(_) => None,
        };
        Pass { gate: self.clone(), credential }
    }
}

impl Pass {
    /// Whether it still opens what needs this scope.
    ///
    /// # Errors
    /// `unauthenticated` or `forbidden` if it does not; `database_unavailable` while nobody can say.
    pub(crate) async fn check(&self, scope: &Scope) -> Result<()> {
        let Some(credential) = &self.credential else { return Ok(()) };
        self.gate.verified(credential).await?.caller.require(scope)
    }
}
