//! Gives positions, on a connection of its own.

use sqlx::PgConnection;

use super::read::{self, Logged, Names};
use super::{adopt, house};
use crate::session::Session;
use crate::{Error, Result};

/// Who gives positions, and reads what got one.
pub struct Ticker {
    pub(super) session: Session,
    /// The log is known to be the one that this connection's server wrote.
    is_home: bool,
    names: Names,
}

/// What the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which history positions belong to.
    pub epoch: String,
    /// Positions up to here are gone.
    pub gone: u64,
    /// The newest position; 0 if there never was an event.
    pub head: u64,
}

/// What a tick came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// What the log holds now.
    pub standing: Standing,
    /// Whether this tick gave positions; otherwise there was nothing to give, or somebody else did.
    pub is_new: bool,
    /// Whether somebody else was giving positions at the same time: there may be events that they did not see.
    pub is_late: bool,
}

/// A position, as the program counts.
pub(super) fn position(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A position, as the database counts.
pub(super) fn number(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

impl Ticker {
    pub(super) fn new(session: Session) -> Self {
        Self { session, is_home: false, names: Names::default() }
    }

    /// Gives positions to the events that have none. When this returns, they are on disk.
    ///
    /// # Errors
    /// When the database does not answer; also in the others.
    pub async fn tick(&mut self) -> Result<Ticked> {
        // Whatever broke the connection may have been a restore or a fail-over.
        if !self.is_home {
            self.session.run_for(adopt::LIMIT, async |db| adopt::adopt(db).await).await?;
            self.is_home = true;
        }
        self.run(async |db| tick(db).await).await
    }

    /// Begins another epoch, unless somebody did: the log is not as long as it was.
    ///
    /// # Errors
    /// As [`tick`](Self::tick).
    pub async fn begin_epoch(&mut self, before: &str) -> Result<()> {
        self.run(async |db| adopt::begin_epoch(db, before).await).await
    }

    /// What the log holds.
    ///
    /// # Errors
    /// As [`tick`](Self::tick).
    pub async fn standing(&mut self) -> Result<Standing> {
        self.run(async |db| read::standing(db).await).await
    }

    /// Up to `limit` rows of the log after a position, and not many more bytes than `bytes`.
    ///
    /// # Errors
    /// As [`tick`](Self::tick).
    pub async fn read(&mut self, after: u64, limit: u32, bytes: u32) -> Result<Vec<Logged>> {
        let names = self.names.clone();
        self.run(async |db| read::read(db, &names, after, (limit, bytes)).await).await
    }

    /// Keeps the log in order: partitions ahead, old ones dropped, ids forgotten.
    ///
    /// # Errors
    /// As [`tick`](Self::tick).
    pub async fn keep_house(&mut self, house: &house::House) -> Result<house::Kept> {
        house::keep(self, house).await
    }

    pub(super) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        let done = self.session.run(work).await;
        self.is_home &= done.is_ok();
        done
    }
}

async fn tick(db: &mut PgConnection) -> Result<Ticked> {
    let row =
        sqlx::query_file!("queries/events/tick.sql").fetch_one(db).await.map_err(Error::of)?;
    let standing =
        Standing { epoch: row.epoch, gone: position(row.gone), head: position(row.head) };
    Ok(Ticked { standing, is_new: row.is_new, is_late: row.is_late })
}
