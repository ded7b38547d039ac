//! Reads the log by position: one query for many events.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mindflight_api::event::{Envelope, SPEC_VERSION};
use sqlx::PgConnection;

use super::Events;
use super::ended::{self, Columns, Ended};
use super::tick::{Standing, number, position};
use crate::{Error, Result};

/// One row of the log, at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// The position of its first event.
    pub first: u64,
    /// The position of its last event.
    pub last: u64,
    /// Its number.
    pub seq: i64,
    /// What it holds.
    pub body: Body,
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// One event.
    One(Box<Envelope>),
    /// The ends of jobs, an event each.
    Ended(Ended),
}

/// The names behind the numbers of kinds and queues, as far as they were needed.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    kinds: HashMap<i32, Arc<str>>,
    queues: HashMap<i16, Arc<str>>,
}

impl Names {
    pub(super) fn kind(&self, number: i32) -> Arc<str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.kinds.get(&number).cloned().unwrap_or_default()
    }

    pub(super) fn queue(&self, number: i16) -> Arc<str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.queues.get(&number).cloned().unwrap_or_default()
    }

    fn missing(&self, columns: &Columns) -> (Vec<i32>, Vec<i16>) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let kinds = columns.kind.values().iter().filter(|kind| !known.kinds.contains_key(kind));
        let queues =
            columns.queue.values().iter().filter(|queue| !known.queues.contains_key(queue));
        (kinds.copied().collect(), queues.copied().collect())
    }

    async fn learn(&self, db: &mut PgConnection, kinds: &[i32], queues: &[i16]) -> Result<()> {
        let kinds = sqlx::query!(
            r#"
            SELECT id, name
            FROM mindflight.kind
            WHERE id = ANY ($1)
            "#,
            kinds,
        )
        .fetch_all(&mut *db)
        .await
        .map_err(Error::of)?;
        let queues = sqlx::query!(
            r#"
            SELECT id, name
            FROM mindflight.queue
            WHERE id = ANY ($1)
            "#,
            queues,
        )
        .fetch_all(db)
        .await
        .map_err(Error::of)?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.kinds.extend(kinds.into_iter().map(|row| (row.id, row.name.into())));
        known.queues.extend(queues.into_iter().map(|row| (row.id, row.name.into())));
        Ok(())
    }
}

impl Events {
    /// Up to `limit` rows of the log after a position, without gaps, and not many more bytes than `bytes`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self, after: u64, limit: u32, bytes: u32) -> Result<Vec<Logged>> {
        let work = async {
            let mut db = self.db.connection().await?;
            read(&mut db, &Names::default(), after, (limit, bytes)).await
        };
        self.db.bounded(work).await
    }

    /// What the log holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing(&self) -> Result<Standing> {
        let work = async { standing(&mut *self.db.connection().await?).await };
        self.db.bounded(work).await
    }
}

pub(super) async fn standing(db: &mut PgConnection) -> Result<Standing> {
    let row = sqlx::query!(
        r#"
        SELECT epoch, gone, (SELECT base + n FROM mindflight.tick ORDER BY base DESC LIMIT 1) AS "head!"
        FROM mindflight.event_log
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(Standing { epoch: row.epoch, gone: position(row.gone), head: position(row.head) })
}

struct Row {
    last: i64,
    seq: i64,
    time: chrono::DateTime<chrono::Utc>,
    count: i32,
    id: Option<String>,
    r#type: String,
    source: String,
    key: Option<String>,
    depth: i16,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    data: String,
    jobs: Option<Vec<uuid::Uuid>>,
}

pub(super) async fn read(
    db: &mut PgConnection,
    names: &Names,
    after: u64,
    (limit, bytes): (u32, u32),
) -> Result<Vec<Logged>> {
    let rows = sqlx::query_file_as!(
        Row,
        "queries/events/read.sql",
        number(after),
        i64::from(limit),
        i64::from(bytes),
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    let mut logged: Vec<Logged> = Vec::with_capacity(rows.len());
    for row in rows {
        let next = one(db, names, row).await?;
        // What was dropped just now leaves gaps: whoever looks behind one finds out.
        if logged.last().is_some_and(|before| next.first != before.last + 1) {
            break;
        }
        logged.push(next);
    }
    Ok(logged)
}

async fn one(db: &mut PgConnection, names: &Names, row: Row) -> Result<Logged> {
    let last = position(row.last);
    let first = last + 1 - u64::from(row.count.unsigned_abs());
    let seq = row.seq;
    let body = if row.r#type == ended::TYPE {
        let columns = Columns::of(row.jobs, &row.data)?;
        let (kinds, queues) = names.missing(&columns);
        if !kinds.is_empty() || !queues.is_empty() {
            names.learn(db, &kinds, &queues).await?;
        }
        Body::Ended(columns.named(row.time, names))
    } else {
        Body::One(Box::new(row.envelope(last)?))
    };
    Ok(Logged { first, last, seq, body })
}

impl Row {
    fn envelope(self, sequence: u64) -> Result<Envelope> {
        let data =
            serde_json::from_str(&self.data).map_err(|error| Error::Internal(error.into()))?;
        Ok(Envelope {
            specversion: SPEC_VERSION.to_owned(),
            id: self.id.unwrap_or_default(),
            source: self.source,
            r#type: self.r#type,
            time: self.time,
            sequence,
            correlationid: self.correlation_id,
            depth: u32::from(self.depth.unsigned_abs()),
            key: self.key,
            traceparent: self.traceparent,
            data,
        })
    }
}
