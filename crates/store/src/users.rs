//! Users: who may sign in, and what they may do.

use chrono::{DateTime, Utc};
use mindflight_api::access::User;
use mindflight_api::{Role, UserId};
use mindflight_core::ports::Record;
use uuid::Uuid;

use crate::db::{Db, commit, rows};
use crate::{Error, Result, audit, text};

/// Users. Every change takes the record of it, and is written together with it.
#[derive(Clone)]
pub struct Users(pub(crate) Db);

/// A user to be made; the record of it says when.
#[derive(Clone)]
pub struct NewUser {
    /// The user's id.
    pub id: UserId,
    /// Unique whatever the case.
    pub username: String,
    /// As the password hasher made it.
    pub password_hash: String,
    /// What the user may do.
    pub role: Role,
}

/// What a sign-in is checked against.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// As the password hasher made it.
    pub password_hash: String,
}

struct Row {
    id: Uuid,
    username: String,
    password_hash: String,
    role: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Credentials {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let role = row.role.parse().map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Self {
            user: User {
                id: row.id.into(),
                username: row.username,
                role,
                created_at: row.created_at,
            },
            password_hash: row.password_hash,
        })
    }
}

impl Users {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the name is taken.
    pub async fn create(&self, new: NewUser, record: &Record) -> Result<User> {
        text::check("username", &new.username)?;
        self.0.bounded(create(&self.0, new, record)).await
    }

    /// What a sign-in under this name is checked against.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn by_name(&self, username: &str) -> Result<Option<Credentials>> {
        if text::check("username", username).is_err() {
            return Ok(None);
        }
        self.0.bounded(by_name(&self.0, username)).await
    }

    /// The user with this id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get(&self, id: UserId) -> Result<Option<User>> {
        self.0.bounded(get(&self.0, id)).await
    }

    /// Up to `limit` users who were made after the user `after`, in the order they were made.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>> {
        self.0.bounded(list(&self.0, after, limit)).await
    }

    /// Replaces the password; whether there is such a user.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_password(&self, id: UserId, hash: &str, record: &Record) -> Result<bool> {
        self.0.bounded(set_password(&self.0, id, hash, record)).await
    }

    /// Removes the user and the user's keys; whether there was one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete(&self, id: UserId, record: &Record) -> Result<bool> {
        self.0.bounded(delete(&self.0, id, record)).await
    }
}

async fn create(db: &Db, new: NewUser, record: &Record) -> Result<User> {
    let mut tx = db.begin().await?;
    let row = sqlx::query_as!(
        Row,
        r#"
        INSERT INTO mindflight.users (id, username, password_hash, role, created_at)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, username, password_hash, role, created_at
        "#,
        new.id.uuid(),
        new.username,
        new.password_hash,
        new.role.name(),
        record.at,
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(|error| {
        Error::of(error).or_taken(
            |name| name == Some("users_username_key"),
            || format!("the username \"{}\" is taken", new.username),
        )
    })?;
    audit::write(&mut tx, record).await?;
    commit(tx).await?;
    Ok(Credentials::try_from(row)?.user)
}

async fn by_name(db: &Db, username: &str) -> Result<Option<Credentials>> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, username, password_hash, role, created_at
        FROM mindflight.users
        WHERE lower(username) = lower($1)
        "#,
        username,
    )
    .fetch_optional(&db.pool)
    .await
    .map_err(Error::of)?
    .map(Credentials::try_from)
    .transpose()
}

async fn get(db: &Db, id: UserId) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, username, password_hash, role, created_at
        FROM mindflight.users
        WHERE id = $1
        "#,
        id.uuid(),
    )
    .fetch_optional(&db.pool)
    .await
    .map_err(Error::of)?;
    row.map(|row| Ok(Credentials::try_from(row)?.user)).transpose()
}

async fn list(db: &Db, after: Option<UserId>, limit: u32) -> Result<Vec<User>> {
    let found = sqlx::query_as!(
        Row,
        r#"
        SELECT id, username, password_hash, role, created_at
        FROM mindflight.users
        WHERE $1::uuid IS NULL OR id > $1
        ORDER BY id
        LIMIT $2
        "#,
        after.map(UserId::uuid),
        rows(limit),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    found.into_iter().map(|row| Ok(Credentials::try_from(row)?.user)).collect()
}

async fn set_password(db: &Db, id: UserId, hash: &str, record: &Record) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        UPDATE mindflight.users
        SET password_hash = $2
        WHERE id = $1
        "#,
        id.uuid(),
        hash,
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

async fn delete(db: &Db, id: UserId, record: &Record) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        DELETE FROM mindflight.users
        WHERE id = $1
        "#,
        id.uuid(),
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
