//! The gate: turns the head of a request into a caller, or refuses it.
//!
//! **Invariant:** a credential that is known costs one hash and one look into a map; nothing waits.

mod pass;

pub(crate) use self::pass::Pass;

use std::error::Error as _;
use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mindflight_api::access::CallerKind;
use mindflight_api::codes;
use mindflight_core::caller::Facts;
use mindflight_core::ports::Clock;
use mindflight_core::{Caller, Error, Result};
use mindflight_store::Store;

use super::cache::{Cache, Verified};
use super::head::{Given, Head};
use super::key::{self, Fingerprint};
use super::last_used::LastUsed;
use super::loopback::{self, Rule};
use super::password::Passwords;
use super::sign_in::Failures;
use super::token::{Sound, Tokens, WeakSecret};
use super::version::Version;
use crate::config::Config;
use crate::engine::Tasks;

/// What callers read, whatever was wrong: the cause would help only those who guess.
const BAD: &str = "the credential is not valid: it is unknown, was revoked or has expired";
const NONE: &str = "no credentials were sent";

/// Says who is calling. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate(pub(super) Arc<Inner>);

pub(super) struct Inner {
    dev: bool,
    anonymous: Caller,
    cache: Arc<Cache>,
    version: Version,
    last_used: LastUsed,
    tasks: Tasks,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tokens: Tokens,
    pub(super) passwords: Passwords,
    pub(super) failures: Failures,
}

impl Gate {
    /// `dev` lets callers in without credentials, where the loopback rules allow it.
    ///
    /// # Errors
    /// A secret that is too short.
    pub(crate) fn new(
        config: &Config,
        store: Store,
        tasks: Tasks,
        clock: Arc<dyn Clock>,
        dev: bool,
    ) -> Result<Self, WeakSecret> {
        let auth = &config.auth;
        let lifetime =
            chrono::Duration::from_std(auth.token_lifetime.0).unwrap_or(chrono::Duration::days(1));
        let tokens =
            Tokens::new(auth.jwt_secret.as_ref(), auth.jwt_secret_previous.as_ref(), lifetime)?;
        let (cache, runtime) = (Arc::new(Cache::default()), tasks.runtime());
        let (interval, max_age) = (auth.version_interval.0, auth.version_max_age.0);
        let version =
            Version::new(runtime.clone(), store.clone(), Arc::clone(&cache), interval, max_age);
        Ok(Self(Arc::new(Inner {
            dev,
            anonymous: Caller::anonymous(),
            cache,
            version,
            last_used: LastUsed::default(),
            tasks,
            store,
            clock,
            tokens,
            passwords: Passwords::new(runtime),
            failures: Failures::new(auth.sign_in_failures),
        })))
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// `unauthenticated` without credentials or with bad ones, `database_unavailable` while they cannot
    /// be checked, `unsupported_media_type` for a body that any web page could have sent.
    pub(crate) async fn caller(&self, head: &Head<'_>) -> Result<Caller> {
        let found = match head.given() {
            Given::Nothing => return self.without_credentials(head),
            Given::Bearer(text) => self.verified(text).await,
            Given::Unreadable(cause) => Err(bad(cause)),
        };
        match found {
            Ok(verified) => Ok(verified.caller.clone()),
            Err(error) => Err(told(error, head)),
        }
    }

    /// Forgets what is cached at once, after a change that this instance made; others learn of it by the version.
    pub(crate) fn changed(&self) {
        self.0.cache.forget_all();
    }

    /// The token of this request, if it came with a sound one.
    pub(crate) fn token(&self, head: &Head<'_>) -> Option<Sound> {
        let Given::Bearer(text) = head.given() else {
            return None;
        };
        self.0.tokens.check(text, self.0.clock.now()).ok()
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Writes when keys were last used; to be called now and then, and at the end.
    pub(crate) async fn flush_last_used(&self) {
        let uses = self.0.last_used.take();
        if uses.is_empty() {
            return;
        }
        let (keys, written) = (self.0.store.keys(), uses.clone());
        let work = self.0.tasks.run(async move { Ok(keys.touch(&written).await?) });
        if let Err(error) = work.await {
            tracing::warn!("when {} keys were last used is not written yet: {error}", uses.len());
            for (key, at) in uses {
                self.0.last_used.note(key, at);
            }
        }
    }

    /// Forgets failed sign-ins that are long ago; to be called now and then.
    pub(crate) fn forget_idle(&self) {
        self.0.failures.forget_idle(self.0.clock.now());
    }

    fn without_credentials(&self, head: &Head<'_>) -> Result<Caller> {
        if !self.0.dev {
            return Err(Error::of(codes::UNAUTHENTICATED, NONE));
        }
        match loopback::admit(&head.visit(self.0.dev)) {
            Ok(()) => Ok(self.0.anonymous.clone()),
            Err(rule @ Rule::ContentType) => {
                Err(Error::of(codes::UNSUPPORTED_MEDIA_TYPE, rule.to_string())
                    .fix("Send `Content-Type: application/json`; with curl, use `--json`."))
            }
            Err(rule) => {
                let detail = format!("{NONE}, and without any this caller is not let in: {rule}");
                Err(Error::of(codes::UNAUTHENTICATED, detail))
            }
        }
    }

    async fn verified(&self, text: &str) -> Result<Arc<Verified>> {
        let fingerprint = key::fingerprint(text);
        self.0.version.ensure().await?;
        let now = self.0.clock.now();
        let verified = match self.0.cache.get(&fingerprint) {
            Some(verified) => verified,
            None => self.verify(text, fingerprint, now).await?,
        };
        if verified.has_expired(now) {
            return Err(bad("it has expired"));
        }
        if let Some(key) = verified.caller.facts().key
            && verified.is_first_use(now)
        {
            self.0.last_used.note(key, now);
        }
        Ok(verified)
    }

    /// Asks the database, on the engine.
    async fn verify(
        &self,
        text: &str,
        fingerprint: Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<Arc<Verified>> {
        let generation = self.0.cache.generation();
        let verified = if key::is_key(text) {
            self.verify_key(text, fingerprint).await?
        } else {
            self.verify_token(text, now).await?
        };
        let verified = Arc::new(verified);
        self.0.cache.insert(generation, fingerprint, &verified);
        Ok(verified)
    }

    async fn verify_key(&self, text: &str, fingerprint: Fingerprint) -> Result<Verified> {
        let (id, keys) = (key::parse(text).map_err(bad)?, self.0.store.keys());
        let found = self.0.tasks.run(async move { Ok(keys.find(id).await?) }).await?;
        let Some(stored) = found.filter(|stored| key::matches(&stored.hash, &fingerprint)) else {
            return Err(bad("there is no such key"));
        };
        let info = stored.info;
        if info.revoked_at.is_some() {
            return Err(bad(format_args!("the key {id} was revoked")));
        }
        let facts = Facts {
            kind: CallerKind::Key,
            name: info.name,
            user: info.user_id,
            key: Some(id),
            scopes: info.scopes,
            rate: info.rate,
        };
        Ok(Verified::new(facts.into(), info.expires_at))
    }

    async fn verify_token(&self, text: &str, now: DateTime<Utc>) -> Result<Verified> {
        let Sound { user, jti, good_until } = self.0.tokens.check(text, now).map_err(bad)?;
        let store = self.0.store.clone();
        let work = async move {
            let is_revoked = store.tokens().is_revoked(&jti).await?;
            Ok((is_revoked, store.users().get(user).await?))
        };
        let facts = match self.0.tasks.run(work).await? {
            (true, _) => return Err(bad("its user has signed out")),
            (false, None) => return Err(bad("its user is gone")),
            (false, Some(user)) => Facts {
                kind: CallerKind::User,
                name: user.username,
                user: Some(user.id),
                key: None,
                scopes: user.role.scopes(),
                rate: None,
            },
        };
        Ok(Verified::new(facts.into(), Some(good_until)))
    }
}

/// One answer for every cause.
fn bad(cause: impl Display) -> Error {
    Error::of(codes::UNAUTHENTICATED, BAD).because(cause.to_string())
}

/// The log has the cause.
fn told(error: Error, head: &Head<'_>) -> Error {
    if error.status() == codes::UNAUTHENTICATED.status {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        let origin = head.origin();
        tracing::info!(
            request.id = origin.map(|origin| tracing::field::display(origin.request)),
            ip = origin.and_then(|origin| origin.ip).map(tracing::field::display),
            "a credential was refused: {cause}",
        );
    }
    error
}

#[cfg(test)]
mod tests;
