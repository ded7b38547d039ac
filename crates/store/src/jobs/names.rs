//! The numbers behind names: queues, kinds and gates are small integers in the hot tables.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::Mutex;

use super::gates::{self, Limit};
use crate::session::{Commit, Session};
use crate::{Error, Result, Settings, text};

/// Finds or makes the numbers of queues, kinds and gates. Each is committed when it is given, so it may be kept.
///
/// On a connection of its own: whoever asks may hold one of the pool's, and if all who hold one waited for another,
/// nobody would get any.
#[derive(Clone)]
pub struct Names {
    settings: Arc<Settings>,
    session: Arc<Mutex<Option<Session>>>,
}

impl Names {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, session: Arc::default() }
    }

    async fn run<T>(&self, work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut session = self.session.lock().await;
        if session.is_none() {
            *session = Some(Session::new(&self.settings, "names", Commit::Durable)?);
        }
        match session.as_mut() {
            Some(session) => session.run(work).await,
            None => Err(Error::conflict("the connection is not there".to_owned())),
        }
    }

    /// The number of a queue.
    ///
    /// # Errors
    /// When the database does not answer, or the name is too long; also in the others.
    pub async fn queue(&self, name: &str, keeps_history: bool) -> Result<i16> {
        text::check("queue", name)?;
        self.run(async |db| queue(db, name, keeps_history).await).await
    }

    /// The number of a kind.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn kind(&self, name: &str) -> Result<i32> {
        text::check("kind", name)?;
        self.run(async |db| kind(db, name).await).await
    }

    /// The number of a gate, which has this limit from now on.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn gate(&self, name: &str, limit: impl Into<Limit>) -> Result<i32> {
        text::check("gate", name)?;
        let limit = limit.into();
        self.run(async |db| gates::named(db, name, &limit).await).await
    }

    /// Notes that jobs of `kind` are put into `queue`.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn pair(&self, queue: i16, kind: i32) -> Result<()> {
        self.run(async |db| pair(db, queue, kind).await).await
    }
}

async fn queue(db: &mut PgConnection, name: &str, keeps_history: bool) -> Result<i16> {
    // The update of what is there already makes the row be returned; it happens once a process.
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.queue (name, keeps_history)
        VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE
        SET keeps_history = excluded.keeps_history
        RETURNING id
        "#,
        name,
        keeps_history,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn kind(db: &mut PgConnection, name: &str) -> Result<i32> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.kind (name)
        VALUES ($1)
        ON CONFLICT (name) DO UPDATE
        SET name = excluded.name
        RETURNING id
        "#,
        name,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn pair(db: &mut PgConnection, queue: i16, kind: i32) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO mindflight.queue_kind (queue, kind)
        VALUES ($1, $2)
        ON CONFLICT (kind, queue) DO NOTHING
        "#,
        queue,
        kind,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
