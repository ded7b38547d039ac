//! Who is calling: a user, a key or the loopback caller of a development server, and what it may do.

use std::net::IpAddr;
use std::sync::Arc;

use mindflight_api::access::CallerKind;
use mindflight_api::{KeyId, RequestId, Scope, UserId, codes};

use crate::{Error, Result};

/// Who is calling. Cheap to clone; the faces make it, everything else reads it.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Facts>);

/// What a [`Caller`] is made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How the caller proved who it is.
    pub kind: CallerKind,
    /// The user's or key's name.
    pub name: String,
    /// The user, also the one who made the key.
    pub user: Option<UserId>,
    /// The key, if one was used.
    pub key: Option<KeyId>,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
    /// Requests a minute, if not the server's default.
    pub rate: Option<u32>,
}

impl From<Facts> for Caller {
    fn from(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }
}

impl Caller {
    /// The loopback caller of a development server. It may do everything but make keys and users:
    /// those outlive the loopback rule that let it in.
    #[must_use]
    pub fn anonymous() -> Self {
        Facts {
            kind: CallerKind::Anonymous,
            name: "anonymous".to_owned(),
            user: None,
            key: None,
            scopes: vec![Scope::Admin],
            rate: None,
        }
        .into()
    }

    /// Whether this is the loopback caller of a development server.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.kind == CallerKind::Anonymous
    }

    /// Whoever reaches a public or signed route: nobody in particular, without any scope.
    #[must_use]
    pub fn public() -> Self {
        let (user, key, scopes, rate) = Default::default();
        let (kind, name) = (CallerKind::Anonymous, "public".to_owned());
        Facts { kind, name, user, key, scopes, rate }.into()
    }

    /// All that is known.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0
    }

    /// Whether the caller may do what `needed` names.
    #[must_use]
    pub fn may(&self, needed: &Scope) -> bool {
        self.0.scopes.iter().any(|held| held.covers(needed))
    }

    /// Refuses with 403 `forbidden`, naming the scope, unless the caller may do it.
    ///
    /// # Errors
    /// `forbidden` when no scope of the caller covers `needed`.
    pub fn require(&self, needed: &Scope) -> Result<()> {
        if self.may(needed) {
            return Ok(());
        }
        Err(Error::of(codes::FORBIDDEN, format!("this needs the scope `{needed}`"))
            .fix(format!("Use a key that has the scope `{needed}`.")))
    }

    /// Whose memory and jobs are meant when the caller says "mine".
    #[must_use]
    pub fn space(&self) -> String {
        match (self.0.user, self.0.key) {
            (Some(user), _) => format!("user:{user}"),
            (None, Some(key)) => format!("key:{key}"),
            (None, None) => "anonymous".to_owned(),
        }
    }
}

/// Which request it is and where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The request's id, in every answer, log line and audit row.
    pub request: RequestId,
    /// The caller's address, behind trusted proxies the forwarded one.
    pub ip: Option<IpAddr>,
}
