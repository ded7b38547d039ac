//! The numbers behind names: queues, kinds and gates are small integers in the hot tables.

use crate::db::Db;
use crate::{Error, Result, text};

/// Finds or makes the numbers of queues, kinds and gates. Each is committed when it is given, so it may be kept.
#[derive(Clone)]
pub struct Names(pub(crate) Db);

impl Names {
    /// The number of a queue.
    ///
    /// # Errors
    /// When the database does not answer, or the name is too long; also in the others.
    pub async fn queue(&self, name: &str, keeps_history: bool) -> Result<i16> {
        text::check("queue", name)?;
        self.0.bounded(queue(&self.0, name, keeps_history)).await
    }

    /// The number of a kind.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn kind(&self, name: &str) -> Result<i32> {
        text::check("kind", name)?;
        self.0.bounded(kind(&self.0, name)).await
    }

    /// The number of a gate, which lets `slots` jobs run at once from now on.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn gate(&self, name: &str, slots: i32) -> Result<i32> {
        text::check("gate", name)?;
        self.0.bounded(gate(&self.0, name, slots)).await
    }

    /// Notes that jobs of `kind` are put into `queue`.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn pair(&self, queue: i16, kind: i32) -> Result<()> {
        self.0.bounded(pair(&self.0, queue, kind)).await
    }

    /// The queues into which jobs of these kinds have ever been put.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub async fn queues_of(&self, kinds: &[i32]) -> Result<Vec<(i16, String, bool)>> {
        self.0.bounded(queues_of(&self.0, kinds)).await
    }
}

async fn queue(db: &Db, name: &str, keeps_history: bool) -> Result<i16> {
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
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)
}

async fn kind(db: &Db, name: &str) -> Result<i32> {
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
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)
}

async fn gate(db: &Db, name: &str, slots: i32) -> Result<i32> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.gate (name, slots)
        VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE
        SET slots = excluded.slots
        RETURNING id
        "#,
        name,
        slots,
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)
}

async fn pair(db: &Db, queue: i16, kind: i32) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO mindflight.queue_kind (queue, kind)
        VALUES ($1, $2)
        ON CONFLICT (kind, queue) DO NOTHING
        "#,
        queue,
        kind,
    )
    .execute(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn queues_of(db: &Db, kinds: &[i32]) -> Result<Vec<(i16, String, bool)>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, name, keeps_history
        FROM mindflight.queue
        WHERE EXISTS (
            SELECT
            FROM mindflight.queue_kind
            WHERE queue_kind.queue = queue.id
                AND queue_kind.kind = ANY ($1)
        )
        ORDER BY id
        "#,
        kinds,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.id, row.name, row.keeps_history)).collect())
}
