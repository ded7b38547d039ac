//! The front of the crate: what it offers, and nothing else.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod account;
mod advice;
mod cluster;
mod error;
pub mod find;
mod folder;
mod init;
pub mod install;
mod lock;
mod log;
mod options;
mod patience;
mod pidfile;
mod processes;
mod programs;
mod settings;
mod socket;
mod start;
mod version;
mod watcher;

pub use cluster::Cluster;
pub use error::Error;
pub use lock::Lock;
pub use options::{Options, default_data_dir, default_download_dir};
pub use version::{OLDEST, Version};

/// The superuser of every private cluster.
pub const USER: &str = "mindflight";
