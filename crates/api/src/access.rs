//! Sign-in, users and API keys.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{KeyId, Role, Scope, UserId};

/// `POST /api/login`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The user's name.
    pub username: String,
    /// 12–256 characters.
    pub password: String,
}

/// Answer of a sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Send as `Authorization: Bearer …`.
    pub token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallerKind {
    /// The loopback caller of a development server.
    Anonymous,
    /// An API key.
    Key,
    /// A signed-in user.
    User,
}

/// `GET /api/me`: who the server thinks is calling.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    /// How the caller proved who it is.
    pub kind: CallerKind,
    /// The user's or key's name.
    pub name: String,
    /// The user, also the one who made the key.
    pub user_id: Option<UserId>,
    /// The key, if one was used.
    pub key_id: Option<KeyId>,
    /// What the caller may do in this request.
    pub scopes: Vec<Scope>,
}

/// `POST /api/users`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// 1–100 characters, unique whatever the case.
    pub username: String,
    /// 12–256 characters.
    pub password: String,
    /// What the user may do; viewer unless given.
    #[serde(default)]
    pub role: Option<Role>,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What the user may do.
    pub role: Role,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
}

/// `POST /api/keys`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// 1–100 characters.
    pub name: String,
    /// What the key may do; at most what its maker may do.
    pub scopes: Vec<Scope>,
    /// When the key stops working; never unless given.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Requests a minute, instead of the server's default.
    #[serde(default)]
    pub rate: Option<u32>,
}

/// An API key, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The key's id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The visible start of the key, to recognise it by.
    pub prefix: String,
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// Requests a minute, if not the server's default.
    pub rate: Option<u32>,
    /// The user who made it; null for one made on the command line.
    pub user_id: Option<UserId>,
    /// When the key was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Answer to the creation of a key: the only time the secret is shown.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The secret: `mf_<id>_<secret>_<crc>`.
    pub key: String,
    /// The key's description.
    #[serde(flatten)]
    pub info: Key,
}
