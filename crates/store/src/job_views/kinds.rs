//! Who can run which kinds.

use std::collections::HashMap;
use std::time::Duration;

use crate::db::Db;
use crate::{Error, Result};

/// How many live workers can run each kind; kinds that nobody can run are not in it.
pub(super) async fn workers(db: &Db, alive_for: Duration) -> Result<HashMap<String, u64>> {
    let found = sqlx::query!(
        r#"
        SELECT kind.name, count(*) AS "workers!"
        FROM mindflight.worker
        CROSS JOIN unnest(worker.kinds) AS can (kind)
        JOIN mindflight.kind ON kind.id = can.kind
        WHERE NOT worker.stopping
            AND worker.beat_at > statement_timestamp() - $1::double precision * interval '1 second'
        GROUP BY kind.name
        "#,
        alive_for.as_secs_f64(),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(found.into_iter().map(|row| (row.name, row.workers.unsigned_abs())).collect())
}
