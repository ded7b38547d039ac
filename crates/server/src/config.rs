//! The configuration: typed sections, loaded once, taken apart by value.

mod duration;
mod load;
mod section;

pub use self::duration::Span;
pub use self::load::{ConfigMistake, ConfigMistakes, Loaded, Mode, Origin, Sources, load, schema};
pub use self::section::{
    Auth, Calls, Config, Database, Environment, KindSection, Limits, Log, LogFormat, Metrics,
    ProviderSection, Server,
};
