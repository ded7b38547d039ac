//! Tells, once for each attempt, that it runs for long.

use mindflight_core::ports::Lease;

use super::keeper::Keeper;
use super::leases::Leases;
use crate::{Error, Result};

impl Keeper {
    /// Publishes that these attempts run for long, as far as they still do and nobody has published it.
    ///
    /// # Errors
    /// When the database does not answer; it may be asked again.
    pub async fn tell_long_running(&mut self, leases: &[Lease]) -> Result<()> {
        let leases: Leases = leases.iter().copied().collect();
        self.0
            .run(async |db| {
                sqlx::query!(
                    r#"
                    WITH long AS MATERIALIZED (
                        SELECT lease.id || '.' || lease.attempt || '.long_running' AS id, lease.id AS job,
                            lease.attempt, kind.name AS kind, queue.name AS queue
                        FROM unnest($1::uuid[], $2::bigint[], $3::smallint[]) AS given (id, worker, attempt)
                        JOIN mindflight.lease ON lease.id = given.id
                            AND lease.worker = given.worker
                            AND lease.attempt = given.attempt
                        JOIN mindflight.kind ON kind.id = lease.kind
                        JOIN mindflight.queue ON queue.id = lease.queue
                    ),
                    fresh AS (
                        INSERT INTO mindflight.event_id (source, id, fingerprint)
                        SELECT 'mindflight', id, ''
                        FROM long
                        ORDER BY id
                        ON CONFLICT (source, id) DO NOTHING
                        RETURNING id
                    )
                    INSERT INTO mindflight.event (id, type, source, key, data)
                    SELECT id, 'mindflight.job.long_running', 'mindflight', job::text,
                        json_build_object('job', job, 'kind', kind, 'queue', queue, 'attempt', attempt)
                    FROM long
                    JOIN fresh USING (id)
                    "#,
                    &leases.ids,
                    &leases.workers,
                    &leases.attempts,
                )
                .execute(db)
                .await
                .map_err(Error::of)?;
                Ok(())
            })
            .await
    }
}
