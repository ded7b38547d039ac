//! Schedules: what makes jobs by the clock.

use mindflight_api::job::{Job, Schedule};
use mindflight_api::{Page, ScheduleId};

use crate::{Client, Paging, Result};

/// Schedules; see [`Client::schedules`].
#[derive(Debug, Clone, Copy)]
pub struct Schedules<'a>(pub(crate) &'a Client);

impl Schedules<'_> {
    /// One page of the schedules.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Schedule>> {
        self.0.json(self.0.get(&["api", "schedules"])?.query(paging.query())).await
    }

    /// One schedule.
    ///
    /// # Errors
    /// If there is no such schedule, or the server refuses or cannot be asked.
    pub async fn get(&self, id: ScheduleId) -> Result<Schedule> {
        self.0.json(self.0.get(&["api", "schedules", &id.to_string()])?).await
    }

    /// Makes one job now, beside those that the clock makes. Never repeated: a second job would be made.
    ///
    /// # Errors
    /// If there is no such schedule, or the server refuses or cannot be asked.
    pub async fn run(&self, id: ScheduleId) -> Result<Job> {
        self.0.json(self.0.post(&["api", "schedules", &id.to_string(), "run"])?).await
    }

    /// Makes no more jobs by the clock.
    ///
    /// # Errors
    /// If there is no such schedule, or the server refuses or cannot be asked.
    pub async fn pause(&self, id: ScheduleId) -> Result<Schedule> {
        self.0.json(self.0.post(&["api", "schedules", &id.to_string(), "pause"])?).await
    }

    /// Makes jobs by the clock again.
    ///
    /// # Errors
    /// If there is no such schedule, or the server refuses or cannot be asked.
    pub async fn resume(&self, id: ScheduleId) -> Result<Schedule> {
        self.0.json(self.0.post(&["api", "schedules", &id.to_string(), "resume"])?).await
    }
}
