//! Handlers that hold a thread although their call is over: counted, and named in health and log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many handlers are stuck, by the name of their tool or route.
#[derive(Debug, Clone, Default)]
pub struct Stuck(Arc<Mutex<BTreeMap<String, usize>>>);

impl Stuck {
    /// Those that are stuck now.
    #[must_use]
    pub fn now(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, name: &str) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_default() += 1;
        metrics::counter!("mindflight_stuck_total", "name" => name.to_owned()).increment(1);
        metrics::gauge!("mindflight_stuck", "name" => name.to_owned()).increment(1.0);
        tracing::error!(name, "`{name}` blocks a thread: its call is over and it does not stop");
    }

    pub(super) fn remove(&self, name: &str) {
        let mut stuck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = stuck.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                stuck.remove(name);
            }
        }
        metrics::gauge!("mindflight_stuck", "name" => name.to_owned()).decrement(1.0);
        tracing::warn!(name, "`{name}` has given its thread back");
    }
}
