//! The whole world of a kit at one moment, to come back to.

use chrono::{DateTime, Utc};

use crate::kit::World;
use crate::ledger::Ledger;
use crate::outside::Script;
use crate::state::State;

/// The world at one moment. What the provider keeps in its own fields is not part of it.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    ledger: Ledger,
    pub(crate) script: Script,
    now: DateTime<Utc>,
}

impl World {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (state, ledger) = (self.store.state().clone(), self.store.ledger().clone());
        let (script, now) = (self.outside.script().clone(), self.clock.now());
        Snapshot { state, ledger, script, now }
    }

    pub(crate) fn restore(&self, snapshot: &Snapshot) {
        let Snapshot { state, ledger, script, now } = snapshot.clone();
        *self.store.state() = state;
        *self.store.ledger() = ledger;
        *self.outside.script() = script;
        self.clock.rewind(now);
    }
}
