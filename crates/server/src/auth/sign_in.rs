//! Signing in and out: a password for a token, with a limit on failures, and the token's early end.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use mindflight_api::access::{CallerKind, Login, Token};
use mindflight_api::codes;
use mindflight_core::caller::{Facts, Origin};
use mindflight_core::ports::{Audit, Record};
use mindflight_core::{Caller, Error, Result};
use secrecy::SecretString;
use serde_json::Value;

use super::Gate;
use super::gate::Inner;
use super::token::Sound;
use crate::limit::buckets::{Buckets, Quota};
use crate::limit::{Network, refusal};

/// Names and addresses that are remembered at the same time.
const MOST: usize = 100_000;
/// Longer names are cut for counting; no user has one.
const NAME: usize = 100;
/// What callers read, whether the user exists or not.
const WRONG: &str = "the username or the password is wrong";

/// Failed sign-ins of the last minute.
pub(super) struct Failures {
    quota: Quota,
    names: Buckets<String>,
    networks: Buckets<Network>,
}

impl Failures {
    pub(super) fn new(per_minute: u32) -> Self {
        let (names, networks) = (Buckets::new(MOST), Buckets::new(MOST));
        Self { quota: Quota::per_minute(per_minute), names, networks }
    }

    /// Refuses while there were too many failures for this name or from this address.
    fn check(&self, username: &str, ip: Option<IpAddr>, now: DateTime<Utc>) -> Result<()> {
        let by_name = self.names.look(&counted(username), self.quota, now).wait;
        let by_network = ip.and_then(|ip| self.networks.look(&ip.into(), self.quota, now).wait);
        match by_name.max(by_network) {
            Some(wait) => Err(refusal("failed sign-ins", self.quota, wait)),
            None => Ok(()),
        }
    }

    fn count(&self, username: &str, ip: Option<IpAddr>, now: DateTime<Utc>) {
        self.names.take(counted(username), self.quota, now);
        if let Some(ip) = ip {
            self.networks.take(ip.into(), self.quota, now);
        }
    }

    pub(super) fn forget_idle(&self, now: DateTime<Utc>) {
        self.names.forget_full(now);
        self.networks.forget_full(now);
    }
}

fn counted(username: &str) -> String {
    username.trim().chars().take(NAME).flat_map(char::to_lowercase).collect()
}

impl Gate {
    /// A token for a name and a password. To be run on the engine.
    ///
    /// # Errors
    /// `unauthenticated` when they do not fit, `rate_limited` after too many failures.
    pub(crate) async fn sign_in(&self, login: Login, origin: Origin) -> Result<Token> {
        let Inner { failures, store, passwords, clock, tokens, .. } = &*self.0;
        let Login { username, password } = login;
        let (username, password) = (username.trim(), SecretString::from(password));
        failures.check(username, origin.ip, clock.now())?;
        let found = store.users().by_name(username).await?;
        let turn = passwords.turn().await;
        // Again, now that it is our turn: of many that came at once only a core's worth gets further.
        failures.check(username, origin.ip, clock.now())?;
        let stored = found.as_ref().map(|found| found.password_hash.clone());
        let target = found.as_ref().map(|found| found.user.id.to_string()).unwrap_or_default();
        let fits = passwords.verify(&turn, password, stored).await?;
        let now = clock.now();
        if !fits {
            failures.count(username, origin.ip, now);
        }
        // The next one may look now.
        drop(turn);
        let Some(found) = found.filter(|_| fits) else {
            store.audit().write(failure(target, origin, now)).await?;
            return Err(Error::of(codes::UNAUTHENTICATED, WRONG)
                .fix("Check the username and the password; an operator makes users with `mindflight user create`."));
        };
        let user = found.user;
        let (token, expires_at) = tokens.issue(user.id, now)?;
        let caller = Caller::from(Facts {
            kind: CallerKind::User,
            name: user.username,
            user: Some(user.id),
            key: None,
            scopes: user.role.scopes(),
            rate: None,
        });
        store
            .audit()
            .write(record("login", user.id.to_string(), "ok", (caller, origin), now))
            .await?;
        Ok(Token { token, token_type: "Bearer".to_owned(), expires_at })
    }

    /// Ends a token before its time, on every instance. To be run on the engine.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn sign_out(
        &self,
        token: Sound,
        caller: Caller,
        origin: Origin,
    ) -> Result<()> {
        let record =
            record("logout", token.user.to_string(), "ok", (caller, origin), self.0.clock.now());
        let tokens = self.0.store.tokens();
        tokens.revoke(&token.jti, token.good_until, &record).await?;
        self.changed();
        Ok(())
    }
}

/// Without a name that is no user's: people type passwords into the wrong field.
fn failure(target: String, origin: Origin, at: DateTime<Utc>) -> Record {
    record("login.failed", target, codes::UNAUTHENTICATED.name, (Caller::public(), origin), at)
}

fn record(
    action: &'static str,
    target: String,
    outcome: &str,
    (caller, origin): (Caller, Origin),
    at: DateTime<Utc>,
) -> Record {
    Record { at, action, target, outcome: outcome.to_owned(), caller, origin, detail: Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_name_rests_after_five_failures_from_wherever_they_come() {
        let failures = Failures::new(5);
        for number in 0..5 {
            failures.check("ada", None, at(0)).unwrap();
            failures.count(" ADA", ip(&format!("10.0.0.{number}")), at(0));
        }
        let error = failures.check("Ada ", ip("10.0.0.9"), at(0)).unwrap_err();
        assert_eq!(
            (error.name(), error.detail()),
            ("rate_limited", "more than 5 failed sign-ins in 60 s")
        );
        assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(12)));
        failures.check("bob", ip("10.0.0.1"), at(0)).unwrap();
        failures.check("ada", None, at(12)).unwrap();
    }

    #[test]
    fn an_address_rests_after_five_failures_under_whatever_name() {
        let failures = Failures::new(5);
        for number in 0..5 {
            failures.count(&format!("user{number}"), ip(&format!("2001:db8::{number}")), at(0));
        }
        assert!(failures.check("ada", ip("2001:db8::ffff"), at(0)).is_err());
        failures.check("ada", ip("2001:db8:0:1::1"), at(0)).unwrap();
        failures.check("ada", None, at(0)).unwrap();
    }

    #[test]
    fn looking_is_no_failure() {
        let failures = Failures::new(1);
        for _ in 0..10 {
            failures.check("ada", ip("10.0.0.1"), at(0)).unwrap();
        }
        failures.count("ada", ip("10.0.0.1"), at(0));
        assert!(failures.check("ada", None, at(59)).is_err());
        failures.forget_idle(at(60));
        failures.check("ada", ip("10.0.0.1"), at(60)).unwrap();
    }
}
