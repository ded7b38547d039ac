//! Whether a kind can be asked for, and its arguments.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use mindflight_api::codes;
use mindflight_api::provider::State;
use mindflight_calls::nearest;
use mindflight_calls::validate::Schema;
use mindflight_core::jobs::Kind;
use mindflight_core::{Error, Result};

use super::request::Kinds;
use crate::state::AppState;

/// The compiled schemas of the kinds: compiling one takes longer than all else that is done to make a job.
#[derive(Default)]
pub(crate) struct Schemas(RwLock<HashMap<String, Compiled>>);

/// A schema, and the declaration it was made of: a provider that is mounted again may declare another one.
struct Compiled {
    of: Weak<Kind>,
    schema: Arc<Schema>,
}

impl Schemas {
    fn of(&self, name: &str, kind: &Arc<Kind>) -> Result<Arc<Schema>> {
        if let Some(known) = self.known(name, kind) {
            return Ok(known);
        }
        let schema = Schema::compile(&kind.args).map_err(|reason| {
            Error::failed(format!("the schema of the kind `{name}` cannot be used: {reason}"))
        })?;
        let schema = Arc::new(schema);
        let compiled = Compiled { of: Arc::downgrade(kind), schema: schema.clone() };
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, one| one.of.strong_count() > 0);
        all.insert(name.to_owned(), compiled);
        Ok(schema)
    }

    fn known(&self, name: &str, kind: &Arc<Kind>) -> Option<Arc<Schema>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(name).filter(|known| known.of.as_ptr() == Arc::as_ptr(kind));
        known.map(|known| known.schema.clone())
    }
}

/// The kinds of the providers that serve here.
pub(super) struct Mounted<'a>(pub(super) &'a AppState);

impl Kinds for Mounted<'_> {
    fn check_kind(&self, name: &str) -> Result<()> {
        if self.0.queue.kind(name).is_some() {
            return Ok(());
        }
        let kinds = self.0.queue.kinds();
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        let provider = name.split('.').next().unwrap_or_default();
        let provider = self.0.mounts.get(provider).ok();
        let off = provider.filter(|provider| provider.state != State::On).map(|provider| {
            let reason = provider.reason.unwrap_or_default();
            format!("the provider `{}` is off: {reason}", provider.name)
        });
        Err(unknown(name, &known, off.as_deref()))
    }

    fn check_args(&self, name: &str, args: &serde_json::Value) -> Result<()> {
        match self.0.queue.kind(name) {
            Some(mounted) => self.0.schemas.of(name, &mounted.kind)?.check_arguments(args),
            None => Ok(()),
        }
    }
}

fn unknown(name: &str, known: &[&str], off: Option<&str>) -> Error {
    let shown: String = name.chars().take(100).collect();
    let near = nearest(name, known.iter().copied());
    let detail = match (off, near.as_slice()) {
        (Some(off), _) => format!("no kind `{shown}` can be run: {off}"),
        (None, []) => format!("there is no kind `{shown}`; a kind is `provider.kind`"),
        (None, near) => format!("there is no kind `{shown}`; near kinds: {}", near.join(", ")),
    };
    let allowed = near.iter().map(|near| (*near).into()).collect();
    let error = Error::of(codes::UNKNOWN_KIND, detail.clone()).field("", detail, allowed);
    match (off, near.first()) {
        (Some(_), _) => error.fix("Enable the provider, or correct what it lacks."),
        (None, Some(near)) => error.fix(format!("Send `{near}`.")),
        (None, None) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_names_what_is_near_or_why_it_is_off() {
        let known = ["demo.sleep", "demo.count", "mail.send"];
        let error = unknown("demo.slep", &known, None);
        assert_eq!((error.status(), error.name()), (422, "unknown_kind"));
        assert!(error.detail().contains("near kinds: demo.sleep"), "{}", error.detail());
        assert_eq!(error.fields()[0].allowed, ["demo.sleep"]);
        let error = unknown("weather", &known, None);
        assert!(error.detail().ends_with("a kind is `provider.kind`"), "{}", error.detail());
        let off = "the provider `unipile` is off: an operator disabled it";
        let error = unknown("unipile.send", &known, Some(off));
        assert!(error.detail().ends_with(off), "{}", error.detail());
    }
}
