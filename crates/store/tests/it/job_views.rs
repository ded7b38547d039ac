//! Jobs, queues, schedules and workers as people see them, on a real database.

mod actions;
mod errors;
mod finding;
mod limits;
mod many;
mod operating;
mod plans;
mod races;
mod rig;
mod snoozing;
mod viewing;
