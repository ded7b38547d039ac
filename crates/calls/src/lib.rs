#![doc = include_str!("../README.md")]

mod breaker;
mod cache;
pub mod catalog;
mod meters;
mod names;
mod outcome;
mod pipeline;
mod rate;
mod route;
mod settings;
pub mod validate;

pub use catalog::{Catalog, CatalogError};
pub use names::nearest;
pub use pipeline::{CallRequest, Calls};
pub use route::RouteCall;
pub use settings::Settings;
