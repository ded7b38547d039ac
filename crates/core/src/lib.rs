#![doc = include_str!("../README.md")]

pub mod body;
pub mod caller;
pub mod context;
pub mod error;
pub mod event;
pub mod guard;
pub mod jobs;
pub mod lint;
pub mod mounted;
pub mod nul;
pub mod policy;
pub mod ports;
pub mod progress;
pub mod provider;
pub mod registry;
pub mod respond;
pub mod routes;
pub mod schema;
pub mod subscriptions;
pub mod tools;
pub mod tx;
pub mod upstream;

/// The wire contract: typed ids, error codes, scopes, the problem object.
pub use mindflight_api as api;

pub use caller::Caller;
pub use context::{Context, ProviderContext};
pub use error::{Error, ErrorKind, Result};
pub use event::{Cause, Event};
pub use jobs::{JobArgs, Jobs};
pub use provider::Provider;
pub use registry::{Factory, Registry};
pub use routes::{Request, Response, Routes, Verify};
pub use subscriptions::Subscriptions;
pub use tools::Tools;
pub use tx::Tx;

/// What [`register_provider!`] expands to needs these; not for use by hand.
#[doc(hidden)]
pub use inventory;

/// A boxed future, as the erased functions of a provider return it.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
