//! The REST face: one file a resource, one table of all operations.

mod access;
mod audit;
mod events;
mod health;
pub(crate) mod jobs;
mod memory;
mod metrics;
mod openapi;
mod providers;
mod queues;
mod schedules;
mod tools;
mod workers;

use crate::operation::Operation;
use crate::slop;

/// Every operation of every face but the providers' own routes, in the order of the documentation.
pub(crate) fn operations() -> Vec<Operation> {
    [
        tools::operations(),
        jobs::operations(),
        queues::operations(),
        schedules::operations(),
        workers::operations(),
        events::operations(),
        providers::operations(),
        memory::operations(),
        access::operations(),
        audit::operations(),
        health::operations(),
        metrics::operations(),
        openapi::operations(),
        slop::operations(),
    ]
    .concat()
}
