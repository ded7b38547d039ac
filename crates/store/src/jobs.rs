//! The job queue's tables: who may do what to a job, one module a role.
//!
//! A job is in exactly one of `ready`, `scheduled`, `blocked`, `lease` and `outcome`; every statement here moves
//! rows from one to another, and none writes a state.

mod claimer;
mod completer;
mod copy;
pub(crate) mod dependents;
pub(crate) mod due;
mod error_groups;
mod expiry;
pub(crate) mod gates;
mod ids;
mod insert;
mod inserter;
mod keeper;
mod keys;
mod leases;
mod limits;
mod long_running;
mod names;
mod partitions;
mod recorder;
mod rescue;
mod schedules;
mod standing;
mod start;
mod succeeded;

use std::sync::Arc;

use crate::db::Db;
use crate::session::{Commit, Session};
use crate::{Result, Settings};

pub use self::claimer::{Begin, Claim, Claimed, Claimer, KnownQueue, Lane};
pub use self::completer::{Completer, End, Ended, Finished};
pub(crate) use self::completer::{finish_one, give_back_keys};
pub use self::expiry::{Expired, Kept, Marks};
pub use self::gates::Limit;
pub use self::ids::first_id;
pub(crate) use self::insert::insert;
pub use self::insert::{Due, NewRow, UniqueKey};
pub use self::inserter::Inserter;
pub(crate) use self::keeper::interval;
pub use self::keeper::{Beat, Keeper, Promoted, Registration};
pub use self::limits::{Hold, Limited};
pub use self::names::Names;
pub use self::partitions::Retention;
pub(crate) use self::partitions::make_first;
pub use self::recorder::{Recorded, Recorder};
pub use self::rescue::{Crash, Rescued};
pub use self::schedules::{Due as DueSchedule, NewSchedule};
pub use self::standing::Standing;

/// The job queue's tables. Cheap to clone; each role has a connection of its own.
#[derive(Clone)]
pub struct Jobs {
    pub(crate) db: Db,
    pub(crate) settings: Arc<Settings>,
}

impl Jobs {
    /// Who takes jobs that wait.
    ///
    /// # Errors
    /// When the database's address cannot be read; also in the others.
    pub fn claimer(&self) -> Result<Claimer> {
        // A lost claim only runs again what was interrupted anyway.
        Ok(Claimer(Session::new(&self.settings, "claimer", Commit::Fast)?))
    }

    /// Who ends attempts.
    ///
    /// # Errors
    /// As [`claimer`](Self::claimer).
    pub fn completer(&self) -> Result<Completer> {
        Ok(Completer(Session::new(&self.settings, "completer", Commit::Durable)?))
    }

    /// Who keeps workers alive, rescues jobs of dead ones, and makes due what is due.
    ///
    /// # Errors
    /// As [`claimer`](Self::claimer).
    pub fn keeper(&self) -> Result<Keeper> {
        Ok(Keeper(Session::new(&self.settings, "keeper", Commit::Durable)?))
    }

    /// Who makes jobs, many at a time.
    ///
    /// # Errors
    /// As [`claimer`](Self::claimer).
    pub fn inserter(&self) -> Result<Inserter> {
        Ok(Inserter(Session::new(&self.settings, "inserter", Commit::Durable)?))
    }

    /// Who writes down progress and log lines.
    ///
    /// # Errors
    /// As [`claimer`](Self::claimer).
    pub fn recorder(&self) -> Result<Recorder> {
        Ok(Recorder(Session::new(&self.settings, "recorder", Commit::Fast)?))
    }

    /// The numbers of queues, kinds and gates.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::new(self.settings.clone())
    }
}
