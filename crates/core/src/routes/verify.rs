//! How an incoming webhook proves where it comes from: the scheme, and where its secret is kept.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Request;
use crate::Result;

/// A way of signing requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    StandardWebhooks,
    /// `X-Hub-Signature-256: sha256=<hex>` over the body.
    GitHub,
    /// `Stripe-Signature: t=…,v1=<hex>` over `t.body`.
    Stripe,
    /// `X-Slack-Request-Timestamp` and `X-Slack-Signature: v0=<hex>` over `v0:t:body`.
    Slack,
    /// Lower-case hex HMAC-SHA256 of the body in the named header, such as MFO's `X-Signature`.
    HexHmac(String),
}

type Secret<P> = Box<dyn Fn(&P) -> String + Send + Sync>;
type Check<P> = Box<dyn Fn(&P, &Request, DateTime<Utc>) -> Result<()> + Send + Sync>;

enum How<P> {
    Scheme(Scheme, Secret<P>),
    Own(Check<P>),
}

/// How requests to a webhook of `P` are verified.
pub struct Verify<P>(How<P>);

impl<P: Send + Sync + 'static> Verify<P> {
    /// By a known scheme, with the secret that the function reads from the provider.
    pub fn by(scheme: Scheme, secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self(How::Scheme(scheme, Box::new(move |provider| secret(provider).to_owned())))
    }

    /// As Standard Webhooks 1.0 signs.
    pub fn standard(secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self::by(Scheme::StandardWebhooks, secret)
    }

    /// As GitHub signs.
    pub fn github(secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self::by(Scheme::GitHub, secret)
    }

    /// As Stripe signs.
    pub fn stripe(secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self::by(Scheme::Stripe, secret)
    }

    /// As Slack signs.
    pub fn slack(secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self::by(Scheme::Slack, secret)
    }

    /// Lower-case hex HMAC-SHA256 of the body in `header`.
    pub fn hex_hmac(header: &str, secret: impl Fn(&P) -> &str + Send + Sync + 'static) -> Self {
        Self::by(Scheme::HexHmac(header.to_owned()), secret)
    }

    /// By a function of the provider's own; an error refuses the request.
    pub fn own(
        check: impl Fn(&P, &Request, DateTime<Utc>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self(How::Own(Box::new(check)))
    }

    pub(super) fn bind(self, provider: Arc<P>) -> Verification {
        match self.0 {
            How::Scheme(scheme, secret) => {
                Verification::Scheme { scheme, secret: Arc::new(move || secret(&provider)) }
            }
            How::Own(check) => {
                Verification::Own(Arc::new(move |request, now| check(&provider, request, now)))
            }
        }
    }
}

type OwnCheck = Arc<dyn Fn(&Request, DateTime<Utc>) -> Result<()> + Send + Sync>;

/// A verification bound to its provider, for whoever serves routes.
#[derive(Clone)]
#[non_exhaustive]
pub enum Verification {
    /// A known scheme.
    Scheme {
        /// Which one.
        scheme: Scheme,
        /// Reads the present secret.
        secret: Arc<dyn Fn() -> String + Send + Sync>,
    },
    /// The provider's own check.
    Own(OwnCheck),
}
