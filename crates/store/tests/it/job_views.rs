//! Jobs, queues, schedules and workers as people see them, on a real database.

mod actions;
mod finding;
mod operating;
mod races;
mod rig;
mod viewing;
