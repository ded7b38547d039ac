//! What must hold of the tables whatever happened, for tests.

use mindflight_api::JobId;

use crate::db::Db;
use crate::{Error, Result};

pub(super) async fn misplaced(db: &Db) -> Result<Vec<JobId>> {
    let ids = sqlx::query_scalar!(
        r#"
        WITH place AS (
            SELECT id FROM mindflight.ready
            UNION ALL
            SELECT id FROM mindflight.scheduled
            UNION ALL
            SELECT id FROM mindflight.blocked
            UNION ALL
            SELECT id FROM mindflight.lease
            UNION ALL
            SELECT job FROM mindflight.outcome
        ),
        places AS (
            SELECT id, count(*) AS places
            FROM place
            GROUP BY id
        )
        SELECT scheduled.id AS "id!"
        FROM mindflight.scheduled
        WHERE scheduled.why = 3
            AND NOT EXISTS (
                SELECT
                FROM mindflight.dependency
                WHERE dependency.job = scheduled.id
                    AND NOT EXISTS (SELECT FROM mindflight.outcome WHERE outcome.job = dependency.parent)
                    AND EXISTS (SELECT FROM mindflight.job WHERE job.id = dependency.parent)
            )
        UNION
        SELECT id
        FROM mindflight.job
        FULL JOIN places USING (id)
        WHERE job.kind IS NULL
            OR places.places IS DISTINCT FROM 1
        ORDER BY 1
        LIMIT 1000
        "#,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(ids.into_iter().map(JobId::from).collect())
}
