//! API keys: made, found by id, revoked. The secret itself is never here, only its hash.

use chrono::{DateTime, Utc};
use mindflight_api::access::Key;
use mindflight_api::{KeyId, Scope, UserId};
use mindflight_core::ports::Record;
use uuid::Uuid;

use crate::db::{Db, commit, rows};
use crate::{Error, Result, audit, text};

/// API keys. Every change takes the record of it, and is written together with it.
#[derive(Clone)]
pub struct Keys(pub(crate) Db);

/// A key to be made; the record of it says when.
#[derive(Clone)]
pub struct NewKey {
    /// The key's id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The visible start of the key.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// What the key may do.
    pub scopes: Vec<Scope>,
    /// Requests a minute, if not the server's default.
    pub rate: Option<u32>,
    /// Who makes it; nobody on the command line.
    pub user_id: Option<UserId>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key as it is checked.
#[derive(Clone)]
pub struct StoredKey {
    /// The key, also when it has expired or was revoked.
    pub info: Key,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
}

struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    hash: Vec<u8>,
    scopes: Vec<String>,
    rate: Option<i32>,
    user_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for StoredKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let hash = <[u8; 32]>::try_from(row.hash.as_slice())
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let info = Key {
            id: row.id.into(),
            name: row.name,
            prefix: row.prefix,
            // A scope of a newer release means nothing here, and less right is the safe side.
            scopes: row.scopes.iter().filter_map(|name| name.parse().ok()).collect(),
            rate: row.rate.map(i32::unsigned_abs),
            user_id: row.user_id.map(Into::into),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        };
        Ok(Self { info, hash })
    }
}

impl Keys {
    /// Makes a key.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the id is taken, or the user who makes it is gone.
    pub async fn create(&self, new: NewKey, record: &Record) -> Result<Key> {
        text::check("name", &new.name)?;
        self.0.bounded(create(&self.0, new, record)).await
    }

    /// The key with this id, whatever its state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, id: KeyId) -> Result<Option<StoredKey>> {
        self.0.bounded(find(&self.0, id)).await
    }

    /// Up to `limit` keys, all or one user's, made after the key `after`, in the order they were made.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        owner: Option<UserId>,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<Key>> {
        self.0.bounded(list(&self.0, owner, after, limit)).await
    }

    /// Revokes a key, if it is `owner`'s where one is given; whether there was one that worked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke(&self, id: KeyId, owner: Option<UserId>, record: &Record) -> Result<bool> {
        self.0.bounded(revoke(&self.0, id, owner, record)).await
    }

    /// Notes when keys were last used, many at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn touch(&self, uses: &[(KeyId, DateTime<Utc>)]) -> Result<()> {
        self.0.bounded(touch(&self.0, uses)).await
    }
}

async fn create(db: &Db, new: NewKey, record: &Record) -> Result<Key> {
    let scopes: Vec<String> = new.scopes.iter().map(Scope::to_string).collect();
    let mut tx = db.begin().await?;
    let row = sqlx::query_as!(
        Row,
        r#"
        INSERT INTO mindflight.api_keys
            (id, name, prefix, hash, scopes, rate, user_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        RETURNING id, name, prefix, hash, scopes, rate, user_id,
            created_at, expires_at, revoked_at, last_used_at
        "#,
        new.id.uuid(),
        new.name,
        new.prefix,
        new.hash.as_slice(),
        scopes.as_slice(),
        // More than fits is no limit that anybody would reach.
        new.rate.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX)),
        new.user_id.map(UserId::uuid),
        record.at,
        new.expires_at,
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(|error| {
        Error::of(error).or_taken(
            |name| name == Some("api_keys_user_id_fkey"),
            || "the user who makes the key is not there any more".to_owned(),
        )
    })?;
    audit::write(&mut tx, record).await?;
    commit(tx).await?;
    Ok(StoredKey::try_from(row)?.info)
}

async fn find(db: &Db, id: KeyId) -> Result<Option<StoredKey>> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, name, prefix, hash, scopes, rate, user_id,
            created_at, expires_at, revoked_at, last_used_at
        FROM mindflight.api_keys
        WHERE id = $1
        "#,
        id.uuid(),
    )
    .fetch_optional(&db.pool)
    .await
    .map_err(Error::of)?
    .map(StoredKey::try_from)
    .transpose()
}

async fn list(
    db: &Db,
    owner: Option<UserId>,
    after: Option<KeyId>,
    limit: u32,
) -> Result<Vec<Key>> {
    let found = sqlx::query_as!(
        Row,
        r#"
        SELECT id, name, prefix, hash, scopes, rate, user_id,
            created_at, expires_at, revoked_at, last_used_at
        FROM mindflight.api_keys
        WHERE ($1::uuid IS NULL OR user_id = $1)
            AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id
        LIMIT $3
        "#,
        owner.map(UserId::uuid),
        after.map(KeyId::uuid),
        rows(limit),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    found.into_iter().map(|row| Ok(StoredKey::try_from(row)?.info)).collect()
}

async fn revoke(db: &Db, id: KeyId, owner: Option<UserId>, record: &Record) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        UPDATE mindflight.api_keys
        SET revoked_at = $3
        WHERE id = $1
            AND ($2::uuid IS NULL OR user_id = $2)
            AND revoked_at IS NULL
        "#,
        id.uuid(),
        owner.map(UserId::uuid),
        record.at,
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut tx, record).await?;
    commit(tx).await?;
    Ok(true)
}

async fn touch(db: &Db, uses: &[(KeyId, DateTime<Utc>)]) -> Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        uses.iter().map(|(id, at)| (id.uuid(), *at)).unzip();
    // Locked in one order, or two instances that note the same keys wait for each other for ever.
    sqlx::query!(
        r#"
        WITH uses AS (
            SELECT id, max(at) AS at
            FROM unnest($1::uuid[], $2::timestamptz[]) AS used (id, at)
            GROUP BY id
        ), held AS (
            SELECT api_keys.id, uses.at
            FROM mindflight.api_keys
            JOIN uses ON uses.id = api_keys.id
            ORDER BY api_keys.id
            FOR UPDATE OF api_keys
        )
        UPDATE mindflight.api_keys
        SET last_used_at = greatest(api_keys.last_used_at, held.at)
        FROM held
        WHERE api_keys.id = held.id
        "#,
        &ids,
        &times,
    )
    .execute(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(())
}
