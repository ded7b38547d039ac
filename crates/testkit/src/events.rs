//! Events that the provider published.

use mindflight_core::ports::NewEvent;
use serde::de::DeserializeOwned;

use crate::store::Store;

/// Events that the provider published.
pub struct Published<'kit> {
    pub(crate) store: &'kit Store,
}

impl Published<'_> {
    /// Every event, in order.
    #[must_use]
    pub fn all(&self) -> Vec<NewEvent> {
        self.store.state().events.clone()
    }

    /// The data of the events of one type.
    ///
    /// # Panics
    /// If data is no `T`.
    #[track_caller]
    #[must_use]
    pub fn of<T: DeserializeOwned>(&self, r#type: &str) -> Vec<T> {
        let events = self.all().into_iter().filter(|event| event.r#type == r#type);
        events
            .map(|event| match serde_json::from_value(event.data.clone()) {
                Ok(data) => data,
                Err(error) => panic!("`{type}`: {error}: {}", event.data),
            })
            .collect()
    }

    /// One event of this type was published, not none and not two.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn assert_published_once(&self, r#type: &str) {
        let all = self.all();
        let found = all.iter().filter(|event| event.r#type == r#type).count();
        assert_eq!(found, 1, "events of type `{type}`: {all:#?}");
    }
}
