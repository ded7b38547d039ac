//! Makes jobs on a connection of its own, many callers' at a time.

use std::collections::HashMap;

use mindflight_api::JobId;
use sqlx::Connection as _;

use super::copy;
use super::insert::{self, NewRow};
use crate::session::Session;
use crate::{Error, Result};

/// How often the same rows are sent again while an earlier attempt at them may still be under way.
const AGAIN: u32 = 3;

/// Who makes jobs.
pub struct Inserter(pub(super) Session);

impl Inserter {
    /// Makes jobs, all or none; they are durable when this returns. Gives, for those whose unique key is taken,
    /// the job that has it.
    ///
    /// # Errors
    /// When the database does not answer: then the jobs may or may not have been made; see
    /// [`insert_again`](Self::insert_again).
    pub async fn insert(&mut self, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
        self.0
            .run(async |db| {
                if insert::is_one_statement(rows) {
                    return insert::make(db, rows).await;
                }
                let mut tx = db.begin().await.map_err(Error::of)?;
                let existing = if rows.len() >= copy::LEAST && rows.iter().all(NewRow::is_plain) {
                    copy::copy(&mut tx, rows).await?;
                    HashMap::new()
                } else {
                    insert::make(&mut tx, rows).await?
                };
                tx.commit().await.map_err(Error::of)?;
                Ok(existing)
            })
            .await
    }

    /// Makes those of these jobs that an earlier attempt with the same rows, whose answer was lost, has not made.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn insert_again(&mut self, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
        let mut made = self.rest(rows).await;
        for _ in 1..AGAIN {
            // The earlier attempt was still under way when this one looked.
            if !matches!(made, Err(Error::Conflict { .. })) {
                break;
            }
            made = self.rest(rows).await;
        }
        made
    }

    async fn rest(&mut self, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
        self.0
            .run(async |db| {
                let mut tx = db.begin().await.map_err(Error::of)?;
                let there = insert::there(&mut tx, rows).await?;
                let rest: Vec<NewRow> =
                    rows.iter().filter(|row| !there.contains(&row.id)).cloned().collect();
                let existing = insert::make(&mut tx, &rest).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(existing)
            })
            .await
    }
}
