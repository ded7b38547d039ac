//! Makes jobs on a connection of its own, many callers' at a time.

use std::collections::HashMap;

use mindflight_api::JobId;
use sqlx::Connection as _;

use super::insert::{self, NewRow};
use crate::session::Session;
use crate::{Error, Result};

/// Most rows of one statement; larger ones are slower.
const CHUNK: usize = 1000;

/// Who makes jobs.
pub struct Inserter(pub(super) Session);

impl Inserter {
    /// Makes jobs, all or none; they are durable when this returns. Gives, for those whose unique key is taken,
    /// the job that has it.
    ///
    /// # Errors
    /// When the database does not answer: then the jobs may or may not have been made, and the same rows may be
    /// sent again, as their ids show which are there.
    pub async fn insert(&mut self, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
        self.0
            .run(async |db| {
                if rows.len() <= CHUNK && !insert::needs_transaction(rows) {
                    return Ok(insert::insert(db, rows).await?.existing);
                }
                let mut tx = db.begin().await.map_err(Error::of)?;
                let mut existing = HashMap::new();
                for chunk in rows.chunks(CHUNK) {
                    existing.extend(insert::insert(&mut tx, chunk).await?.existing);
                }
                tx.commit().await.map_err(Error::of)?;
                Ok(existing)
            })
            .await
    }
}
