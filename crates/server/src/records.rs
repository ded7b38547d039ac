//! Audit records of what requests do.

use mindflight_core::ports::{Clock, Record};
use serde_json::Value;

use crate::request::Requester;

/// What the audit log says about an act that succeeded.
pub(crate) fn record(
    clock: &dyn Clock,
    action: &'static str,
    target: &str,
    who: &Requester,
) -> Record {
    Record {
        at: clock.now(),
        action,
        target: target.to_owned(),
        outcome: "ok".to_owned(),
        caller: who.caller.clone(),
        origin: who.origin,
        detail: Value::Null,
    }
}
