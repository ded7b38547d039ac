//! The ground that other tests stand on.

mod database;
