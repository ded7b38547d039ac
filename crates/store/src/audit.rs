//! The audit log: written in the transaction of what it tells about, read newest first.

use std::net::IpAddr;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::access::CallerKind;
use mindflight_api::audit::Entry;
use mindflight_api::{AuditId, KeyId, RequestId, UserId};
use mindflight_core::Caller;
use mindflight_core::caller::{Facts, Origin};
use mindflight_core::ports::{Audit, Record};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::{Db, rows};
use crate::{Error, Result, text};

/// The record of a change that a person makes on the machine itself, past the server.
#[must_use]
pub fn command_line(action: &'static str, target: impl Into<String>, at: DateTime<Utc>) -> Record {
    let facts = Facts {
        kind: CallerKind::Anonymous,
        name: "command line".to_owned(),
        user: None,
        key: None,
        scopes: Vec::new(),
        rate: None,
    };
    Record {
        at,
        action,
        target: target.into(),
        outcome: "ok".to_owned(),
        caller: Caller::from(facts),
        origin: Origin { request: RequestId::new(), ip: None },
        detail: Value::Null,
    }
}

/// The audit log.
#[derive(Clone)]
pub struct AuditLog(pub(crate) Db);

/// Which rows to read. What is `None` does not restrict.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What was done.
    pub action: Option<String>,
    /// What it was done to.
    pub target: Option<String>,
    /// Who did it, also through a key.
    pub user: Option<UserId>,
    /// With which key.
    pub key: Option<KeyId>,
    /// Only what is older than this row.
    pub after: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for Filter {
    /// The newest 50.
    fn default() -> Self {
        Self { action: None, target: None, user: None, key: None, after: None, limit: 50 }
    }
}

impl AuditLog {
    /// Rows that fit, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Entry>> {
        self.0.bounded(list(&self.0, filter)).await
    }
}

#[async_trait]
impl Audit for AuditLog {
    async fn write(&self, record: Record) -> mindflight_core::Result<()> {
        let work = async { write(&mut *self.0.connection().await?, &record).await };
        Ok(self.0.bounded(work).await?)
    }
}

struct Row {
    id: Uuid,
    at: DateTime<Utc>,
    action: String,
    target: String,
    outcome: String,
    user_id: Option<Uuid>,
    key_id: Option<Uuid>,
    ip: Option<String>,
    request_id: Option<Uuid>,
    detail: Option<Value>,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            at: row.at,
            action: row.action,
            target: row.target,
            outcome: row.outcome,
            user_id: row.user_id.map(Into::into),
            key_id: row.key_id.map(Into::into),
            ip: row.ip,
            request_id: row.request_id.map(Into::into),
            detail: row.detail.unwrap_or_default(),
        }
    }
}

async fn list(db: &Db, filter: &Filter) -> Result<Vec<Entry>> {
    let action = filter.action.as_deref().map(text::visible);
    let target = filter.target.as_deref().map(text::visible);
    let found = sqlx::query_as!(
        Row,
        r#"
        SELECT id, at, action, target, outcome, user_id, key_id, host(ip) AS ip, request_id, detail
        FROM mindflight.audit
        WHERE ($1::text IS NULL OR action = $1)
            AND ($2::text IS NULL OR target = $2)
            AND ($3::uuid IS NULL OR user_id = $3)
            AND ($4::uuid IS NULL OR key_id = $4)
            AND ($5::uuid IS NULL OR id < $5)
        ORDER BY id DESC
        LIMIT $6
        "#,
        action.as_deref(),
        target.as_deref(),
        filter.user.map(UserId::uuid),
        filter.key.map(KeyId::uuid),
        filter.after.map(AuditId::uuid),
        rows(filter.limit),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(found.into_iter().map(Entry::from).collect())
}

/// Writes a row. What a caller named may be anything, so nothing of it is refused: a refusal would
/// keep an act out of the log.
pub(crate) async fn write(db: &mut PgConnection, record: &Record) -> Result<()> {
    let facts = record.caller.facts();
    let detail = (!record.detail.is_null()).then(|| text::visible_json(&record.detail));
    sqlx::query!(
        r#"
        INSERT INTO mindflight.audit
            (id, at, action, target, outcome, user_id, key_id, caller_name, ip, request_id, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::inet, $10, $11)
        "#,
        AuditId::new().uuid(),
        record.at,
        record.action,
        &text::visible(&record.target),
        &text::visible(&record.outcome),
        facts.user.map(UserId::uuid),
        facts.key.map(KeyId::uuid),
        &text::visible(&facts.name),
        record.origin.ip.as_ref().map(IpAddr::to_string),
        record.origin.request.uuid(),
        detail.as_deref(),
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
