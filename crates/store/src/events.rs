//! The event log's tables: what is published, in which order it is seen, and how far who has read.
//!
//! A publisher writes a row in its own transaction. A tick then gives positions to all rows that its snapshot shows and
//! no earlier tick's did: so an event that was committed before another began comes first, none is passed over however
//! long its transaction took, and positions have no gaps.

mod adopt;
mod consumers;
mod ended;
mod find;
mod house;
mod publish;
mod read;
mod tick;

use std::sync::Arc;

use crate::db::Db;
use crate::session::{Commit, Session};
use crate::{Result, Settings};

pub use self::consumers::{Cursor, Held, NewConsumer};
pub use self::ended::Ended;
pub use self::house::{House, Kept};
pub(crate) use self::publish::insert;
pub use self::publish::{NewRow, Published};
pub use self::read::{Body, Logged};
pub use self::tick::{Standing, Ticked, Ticker};

/// The event log's tables. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    pub(crate) db: Db,
    pub(crate) settings: Arc<Settings>,
}

impl Events {
    /// Who gives positions, and reads what got one.
    ///
    /// # Errors
    /// When the database's address cannot be read.
    pub fn ticker(&self) -> Result<Ticker> {
        // Nobody may see a position that a crash of the server could take back.
        Ok(Ticker::new(Session::new(&self.settings, "ticker", Commit::Durable)?))
    }
}
