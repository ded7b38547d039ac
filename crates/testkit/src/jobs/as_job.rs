//! What a test names a job by.

use std::sync::Arc;

use mindflight_core::jobs::Kind;
use mindflight_core::{JobArgs, Provider};
use serde_json::Value;

use crate::Kit;

/// A job to be: a reference to the arguments of a kind, or the kind's name with JSON, `("ship", json!({…}))`.
pub trait AsJob {
    /// The kind, with or without the provider's name.
    fn kind(&self) -> &str;

    /// The arguments.
    fn args(&self) -> Value;
}

impl<A: JobArgs> AsJob for &A {
    fn kind(&self) -> &str {
        A::KIND
    }

    fn args(&self) -> Value {
        match serde_json::to_value(self) {
            Ok(args) => args,
            Err(error) => panic!("the arguments of `{}`: {error}", A::KIND),
        }
    }
}

impl AsJob for (&str, Value) {
    fn kind(&self) -> &str {
        self.0
    }

    fn args(&self) -> Value {
        self.1.clone()
    }
}

/// `ship`, and `shop.ship` too → `shop.ship`; and of a subscription `on.mail.*` → `shop.on.mail.*`.
pub(super) fn whole(provider: &str, kind: &str) -> String {
    match kind.split_once('.') {
        Some((first, _)) if first != "on" => kind.to_owned(),
        _ => format!("{provider}.{kind}"),
    }
}

impl<P: Provider> Kit<P> {
    /// The kinds that there are now, also those of subscriptions.
    pub(crate) fn kinds(&self) -> Vec<Arc<Kind>> {
        let surface = self.mounted.surface();
        let mut kinds = surface.jobs;
        let of_subscription = |one| Arc::new(Kind::of_subscription(one));
        kinds.extend(surface.subscriptions.iter().map(of_subscription));
        let named = kinds.iter().map(|kind| (whole(P::ID, &kind.name), kind.options.clone()));
        self.world.store.declare(named.collect());
        kinds
    }

    pub(super) fn kind(&self, name: &str) -> Option<Arc<Kind>> {
        let wanted = whole(P::ID, name);
        self.kinds().into_iter().find(|kind| whole(P::ID, &kind.name) == wanted)
    }

    /// The kind of this name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub(super) fn known_kind(&self, name: &str) -> Arc<Kind> {
        let Some(kind) = self.kind(name) else {
            let kinds = self.kinds();
            let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
            panic!("`{}` has no kind `{name}`; it declares {known:?}", P::ID);
        };
        kind
    }
}
