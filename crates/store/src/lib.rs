#![doc = include_str!("../README.md")]

pub mod admin;
pub mod audit;
mod db;
mod error;
pub mod events;
pub mod job_views;
pub mod jobs;
pub mod keys;
mod memory;
mod migrations;
mod providers;
mod session;
mod settings;
pub mod signal;
mod store;
mod text;
mod tokens;
pub mod transactions;
pub mod users;

pub use audit::{AuditLog, command_line};
pub use error::{Cause, Error, Result};
pub use events::Events;
pub use job_views::JobViews;
pub use jobs::Jobs;
pub use keys::Keys;
pub use memory::Memory;
pub use migrations::{Migrated, fingerprint};
pub use providers::Providers;
pub use settings::Settings;
pub use store::{OLDEST, ServerVersion, Store, Versions};
pub use tokens::Tokens;
pub use transactions::Transactions;
pub use users::Users;
