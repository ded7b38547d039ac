//! Events that come to the provider's subscriptions: each is a job, as on a server.

use mindflight_api::JobId;
use mindflight_api::event::HTTP;
use mindflight_core::event::DEEPEST;
use mindflight_core::policy::Pattern;
use mindflight_core::ports::{EnqueueOptions, NewEvent, NewJob};
use mindflight_core::{Event, Provider};
use serde_json::Value;

use super::as_job::whole;
use crate::Kit;
use crate::state::id_of;

impl<P: Provider> Kit<P> {
    /// Publishes an event over HTTP, as `POST /api/events` does. Gives the jobs of the subscriptions that want it, which
    /// [`run_until_idle`](Self::run_until_idle) runs.
    ///
    /// # Panics
    /// If a server would not take the event.
    #[track_caller]
    pub fn publish(&self, r#type: &str, data: Value) -> Vec<JobId> {
        self.publish_from(HTTP, r#type, data)
    }

    /// The same for an event of another provider.
    ///
    /// # Panics
    /// If a server would not take the event.
    #[track_caller]
    pub fn publish_from(&self, source: &str, r#type: &str, data: Value) -> Vec<JobId> {
        let (r#type, source) = (r#type.to_owned(), source.to_owned());
        let event = NewEvent { r#type, source, data, key: None, id: None, cause: None };
        // The server publishes what others may not.
        if event.source != mindflight_api::event::SERVER
            && let Err(error) = event.check()
        {
            panic!("`{}`: {error}", event.r#type);
        }
        self.hear();
        let id = format!("given-{}", self.world.store.state().position + 1);
        self.bring(&event, id)
    }

    /// What the provider published comes to its own subscriptions.
    pub(super) fn hear(&self) {
        loop {
            let (event, id) = {
                let mut state = self.world.store.state();
                let at = state.heard;
                let Some(event) = state.events.get(at).cloned() else { return };
                state.heard += 1;
                (event, id_of(&state.events, at))
            };
            self.bring(&event, id);
        }
    }

    /// Makes a job of each subscription that wants an event.
    fn bring(&self, event: &NewEvent, id: String) -> Vec<JobId> {
        let (store, depth) = (&self.world.store, event.depth());
        let kinds = self.kinds();
        let mut state = store.state();
        state.position += 1;
        let mut arrived = Event::new(event.r#type.clone(), event.data.clone(), store.now());
        arrived.id = id;
        arrived.key.clone_from(&event.key);
        arrived.source.clone_from(&event.source);
        arrived.sequence = state.position;
        arrived.depth = depth;
        arrived.correlation_id = event.cause.as_ref().map(|cause| cause.correlation_id.clone());
        // The end of a chain.
        if depth >= DEEPEST {
            return Vec::new();
        }
        let wants = |pattern: &str, source: Option<&String>| {
            let is_of_type =
                pattern.parse().is_ok_and(|pattern: Pattern| pattern.matches(&arrived.r#type));
            is_of_type && source.is_none_or(|source| *source == arrived.source)
        };
        let args = serde_json::to_value(&arrived).unwrap_or_default();
        let jobs = kinds.iter().filter_map(|kind| {
            let listens = kind.listens.as_ref()?;
            let (kind, args) = (whole(P::ID, &kind.name), args.clone());
            let job = NewJob { kind, args, options: EnqueueOptions::default() };
            wants(&listens.pattern, listens.source.as_ref()).then_some(job)
        });
        match store.enqueue_into(&mut state, jobs.collect()) {
            Ok(ids) => ids,
            Err(error) => panic!("{error}"),
        }
    }
}
