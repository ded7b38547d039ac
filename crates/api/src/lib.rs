#![doc = include_str!("../README.md")]

pub mod access;
pub mod audit;
pub mod codes;
pub mod error_group;
pub mod event;
pub mod health;
pub mod ids;
pub mod job;
pub mod kind;
pub mod memory;
pub mod page;
pub mod problem;
pub mod provider;
pub mod scope;
pub mod slop;
pub mod tool;

pub use codes::Code;
pub use ids::{
    AuditId, EventId, InstanceId, InvalidId, JobId, KeyId, RequestId, ScheduleId, UserId,
};
pub use job::JobState;
pub use page::Page;
pub use problem::{Fault, FieldError, Problem, Retry};
pub use scope::{Role, Scope};

/// The version of the wire contract, sent as `Api-Version` with every answer.
pub const API_VERSION: &str = "1";
