#![doc = include_str!("../README.md")]

pub mod admin;
pub mod audit;
mod db;
mod error;
pub mod keys;
mod memory;
mod migrations;
mod providers;
mod settings;
mod store;
mod text;
mod tokens;
mod transactions;
pub mod users;

pub use audit::{AuditLog, command_line};
pub use error::{Cause, Error, Result};
pub use keys::Keys;
pub use memory::Memory;
pub use migrations::{Migrated, fingerprint};
pub use providers::Providers;
pub use settings::Settings;
pub use store::{OLDEST, ServerVersion, Store, Versions};
pub use tokens::Tokens;
pub use transactions::Transactions;
pub use users::Users;
