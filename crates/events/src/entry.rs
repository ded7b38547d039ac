//! One row of the log in memory, and the events in it as everybody gets them.

use std::sync::{Arc, OnceLock};

use mindflight_api::event::Envelope;
use mindflight_store::events::{Body, Logged};

/// One row of the log in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) logged: Logged,
    /// What each of its events looks like, made when somebody first wants it.
    texts: OnceLock<Vec<Arc<str>>>,
    /// The same as a face writes it.
    frames: OnceLock<Vec<OnceLock<Box<str>>>>,
}

/// An event, as a subscriber gets it.
#[derive(Debug, Clone)]
pub struct Delivery {
    entry: Arc<Entry>,
    at: usize,
}

impl Entry {
    pub(crate) fn new(logged: Logged) -> Self {
        Self { logged, texts: OnceLock::new(), frames: OnceLock::new() }
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        const EACH: usize = 256;
        match &self.logged.body {
            // Read, as text, and as it is written.
            Body::One(envelope) => 2 * EACH + 6 * weight(&envelope.data),
            Body::Ended(ended) => EACH * (1 + ended.count()),
        }
    }

    /// The type and source of the event at a position of it.
    fn names(&self, at: usize) -> (&str, &str) {
        match &self.logged.body {
            Body::One(envelope) => (&envelope.r#type, &envelope.source),
            Body::Ended(ended) => {
                (ended.type_at(at).unwrap_or_default(), mindflight_api::event::SERVER)
            }
        }
    }

    fn envelope(&self, at: usize) -> Option<Envelope> {
        match &self.logged.body {
            Body::One(envelope) => Some((**envelope).clone()),
            Body::Ended(ended) => ended.envelope(at, self.logged.first + at as u64),
        }
    }

    fn frame(&self, at: usize) -> Option<&OnceLock<Box<str>>> {
        let frames =
            self.frames.get_or_init(|| self.texts().iter().map(|_| OnceLock::new()).collect());
        frames.get(at)
    }

    fn texts(&self) -> &[Arc<str>] {
        self.texts.get_or_init(|| {
            let count = (self.logged.last + 1).saturating_sub(self.logged.first);
            let text = |at: u64| {
                let envelope = usize::try_from(at).ok().and_then(|at| self.envelope(at));
                let text = envelope.and_then(|envelope| serde_json::to_string(&envelope).ok());
                Arc::from(text.unwrap_or_default())
            };
            (0..count).map(text).collect()
        })
    }
}

fn weight(value: &serde_json::Value) -> usize {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match value {
        String(text) => text.len(),
        Array(items) => items.iter().map(weight).sum::<usize>() + 8 * items.len(),
        Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        Null | Bool(_) | Number(_) => 8,
    }
}

impl Delivery {
    pub(crate) fn new(entry: Arc<Entry>, at: usize) -> Self {
        Self { entry, at }
    }

    /// Its position.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.entry.logged.first + self.at as u64
    }

    /// Its type.
    #[must_use]
    pub fn r#type(&self) -> &str {
        self.entry.names(self.at).0
    }

    /// Who published it.
    #[must_use]
    pub fn source(&self) -> &str {
        self.entry.names(self.at).1
    }

    /// The whole of it.
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        self.entry.envelope(self.at)
    }

    /// The whole of it, as the face writes it that most readers use: made once, by the first of them. Every caller must
    /// make the same of it.
    pub fn framed(&self, make: impl FnOnce(&Self) -> String) -> &str {
        self.entry.frame(self.at).map_or("", |frame| frame.get_or_init(|| make(self).into()))
    }

    /// The whole of it, as JSON on one line.
    #[must_use]
    pub fn text(&self) -> &str {
        self.entry.texts().get(self.at).map_or("", |text| text)
    }
}
