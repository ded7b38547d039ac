//! Passwords: argon2id, one at a time for each core, and the same time for users who do not exist.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use mindflight_api::codes;
use mindflight_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;

/// Verified for a user who does not exist, so that the answer takes as long; no password fits it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies passwords, beside the engine's own threads.
#[derive(Clone)]
pub(crate) struct Passwords {
    runtime: Handle,
    /// Each hash holds 19 MiB and a core.
    places: Arc<Semaphore>,
}

/// The right to use a core. Waiting for it comes before the last look at the limit of failures.
pub(crate) struct Turn {
    /// Given back when dropped.
    _place: Option<OwnedSemaphorePermit>,
}

impl Passwords {
    pub(crate) fn new(runtime: Handle) -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Self { runtime, places: Arc::new(Semaphore::new(cores)) }
    }

    /// Waits for a core.
    pub(crate) async fn turn(&self) -> Turn {
        // Nobody closes the semaphore.
        Turn { _place: Arc::clone(&self.places).acquire_owned().await.ok() }
    }

    /// What is stored for a new password, which has to fit the policy.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String> {
        check(password.expose_secret())?;
        let turn = self.turn().await;
        let work = move || {
            let _turn = turn;
            hash(password.expose_secret())
        };
        self.runtime.spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    /// Whether the password is the one that was stored; without a user it never is, after as long a while.
    pub(crate) async fn verify(
        &self,
        _turn: &Turn,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool> {
        let work = move || verify(password.expose_secret(), stored.as_deref());
        self.runtime.spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
    }
}

/// Refuses a password that is too short or too long, or that other systems would cut off.
pub(crate) fn check(password: &str) -> Result<()> {
    let wrong = |what: String| {
        let detail = format!("`password` {what}");
        Err(Error::of(codes::INVALID_BODY, detail.clone()).field("/password", detail, Vec::new()))
    };
    let length = password.chars().count();
    if !LENGTH.contains(&length) {
        return wrong(format!(
            "must have {} to {} characters; got {length}",
            LENGTH.start(),
            LENGTH.end()
        ));
    }
    if password.contains('\0') {
        return wrong("must not have the NUL character".to_owned());
    }
    Ok(())
}

/// What is stored for a new password. Takes a core for some 20 ms.
pub(crate) fn hash(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
}

fn verify(password: &str, stored: Option<&str>) -> Result<bool> {
    // One that could never have been stored takes as long as any other, and no longer.
    let (password, stored) = if check(password).is_ok() { (password, stored) } else { ("", None) };
    let hash = PasswordHash::new(stored.unwrap_or(NOBODY))
        .map_err(|error| Error::internal(format!("a stored password hash: {error}")))?;
    let fits = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
    Ok(fits && stored.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery", Some(&stored)).unwrap());
        assert!(!verify("correct horse batterz", Some(&stored)).unwrap());
        assert!(!verify("short", Some(&stored)).unwrap());
        assert_ne!(stored, hash("correct horse battery").unwrap(), "the salt is new each time");
    }

    #[test]
    fn nobody_has_no_password_and_costs_the_same() {
        assert!(!verify("correct horse battery", None).unwrap());
        let (nobody, stored) = (PasswordHash::new(NOBODY).unwrap(), hash("correct horse").unwrap());
        let stored = PasswordHash::new(&stored).unwrap();
        assert_eq!(nobody.params, stored.params);
        assert_eq!(nobody.algorithm, stored.algorithm);
    }

    #[test]
    fn the_policy_is_a_length_and_no_nul() {
        for (password, wrong) in [
            ("x".repeat(11), "12 to 256 characters; got 11"),
            ("x".repeat(257), "got 257"),
            (String::new(), "got 0"),
            (format!("{}\0", "x".repeat(20)), "NUL"),
        ] {
            let error = check(&password).unwrap_err();
            assert!(error.detail().contains(wrong), "{}", error.detail());
            assert_eq!(
                (error.name(), error.fields()[0].pointer.as_str()),
                ("invalid_body", "/password")
            );
        }
        // Characters, not bytes.
        for password in ["x".repeat(12), "ü".repeat(256), "                ".to_owned()] {
            check(&password).unwrap();
        }
    }

    #[test]
    fn a_broken_stored_hash_is_an_error_and_no_entry() {
        assert_eq!(verify("correct horse battery", Some("plain")).unwrap_err().name(), "internal");
    }
}
