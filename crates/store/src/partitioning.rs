//! Statements that change tables while everybody uses them: they give up rather than have everybody wait behind them.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};

use crate::{Error, Result};

/// A transaction that gives up on a lock: everybody else would wait behind it.
pub(crate) async fn begin_with_patience(
    db: &mut PgConnection,
) -> Result<Transaction<'_, Postgres>> {
    let mut tx = db.begin().await.map_err(Error::of)?;
    execute(&mut tx, "SET LOCAL lock_timeout = '2s'".to_owned()).await?;
    Ok(tx)
}

/// A statement that is put together from names and numbers of this crate.
pub(crate) async fn execute(db: &mut PgConnection, statement: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await.map_err(Error::of)?;
    Ok(())
}
