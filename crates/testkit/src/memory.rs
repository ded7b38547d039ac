//! The provider's memory, as a test looks at it and prepares it.

use mindflight_core::ports::{Set, Stored};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::Store;

/// The provider's memory.
pub struct Remembered<'kit> {
    pub(crate) store: &'kit Store,
    pub(crate) space: String,
}

impl Remembered<'_> {
    /// The value of `key`.
    ///
    /// # Panics
    /// If the value is no `T`.
    #[track_caller]
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let stored = self.entry(key)?;
        match serde_json::from_value(stored.value.clone()) {
            Ok(value) => Some(value),
            Err(error) => panic!("`{key}`: {error}: {}", stored.value),
        }
    }

    /// The value of `key` with its version and times.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<Stored> {
        let now = self.store.now();
        self.store.state().get(&self.space, key, now)
    }

    /// Writes `key`, as a call before this test would have.
    ///
    /// # Panics
    /// If `value` cannot be written as JSON.
    #[track_caller]
    pub fn set(&self, key: &str, value: &impl Serialize) {
        let now = self.store.now();
        let written =
            serde_json::to_value(value).map_err(|error| error.to_string()).and_then(|value| {
                let mut state = self.store.state();
                let at = (self.space.as_str(), key);
                state.set(at, value, Set::default(), now).map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            panic!("`{key}`: {error}");
        }
    }

    /// Every key, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let now = self.store.now();
        let all = self.store.state().list(&self.space, ("", None), u32::MAX, now);
        all.into_iter().map(|stored| stored.key).collect()
    }
}
