//! Which providers are linked into this binary, and how each is built.

mod config;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

pub use self::config::ConfigError;
use crate::mounted::Mounted;
use crate::{BoxFuture, Error, Provider, ProviderContext, Result, schema};

/// How to build one type of provider; made by [`register_provider!`](crate::register_provider).
#[derive(Clone, Copy)]
pub struct Factory {
    /// The provider's [`ID`](Provider::ID).
    pub id: &'static str,
    /// Whether it is mounted in development only, unless configured.
    pub development_only: bool,
    build: fn(Value, ProviderContext) -> BoxFuture<Result<Mounted>>,
    check: fn(&Value) -> Result<(), Vec<ConfigError>>,
    schema: fn() -> Value,
}

inventory::collect!(Factory);

impl Factory {
    /// The factory of `P`.
    #[must_use]
    pub const fn of<P: Provider>() -> Self {
        Self {
            id: P::ID,
            development_only: P::DEVELOPMENT_ONLY,
            build: build::<P>,
            check: |value| config::read::<P::Config>(value).map(drop),
            schema: || schema::of::<P::Config>(),
        }
    }

    /// Whether `config` can be read; every mistake at once.
    ///
    /// # Errors
    /// The mistakes, each with its path below the provider's section.
    pub fn check(&self, config: &Value) -> Result<(), Vec<ConfigError>> {
        (self.check)(config)
    }

    /// Builds the provider.
    ///
    /// # Errors
    /// As [`Provider::build`], or when `config` cannot be read.
    pub async fn build(&self, config: Value, cx: ProviderContext) -> Result<Mounted> {
        (self.build)(config, cx).await
    }

    /// JSON Schema of the provider's section.
    #[must_use]
    pub fn config_schema(&self) -> Value {
        (self.schema)()
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Factory({})", self.id)
    }
}

fn build<P: Provider>(config: Value, cx: ProviderContext) -> BoxFuture<Result<Mounted>> {
    Box::pin(async move {
        let config = config::read::<P::Config>(&config).map_err(|mistakes| {
            let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            Error::failed(format!("the configuration is wrong: {}", texts.join("; ")))
        })?;
        let provider = P::build(config, cx.clone()).await?;
        Ok(Mounted::new(provider, cx))
    })
}

/// The linked providers, by id.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    factories: BTreeMap<&'static str, Factory>,
}

/// Two linked providers have the same id, or one has an id that cannot be mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRegistry(String);

impl fmt::Display for InvalidRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRegistry {}

impl Registry {
    /// Every provider that registered itself. A crate that nothing names is not linked, and is not here.
    ///
    /// # Errors
    /// When two have the same id, or an id is not `[a-z][a-z0-9_]*` or is [`OWN_NAME`].
    pub fn linked() -> Result<Self, InvalidRegistry> {
        Self::from_factories(inventory::iter::<Factory>.into_iter().copied())
    }

    /// A registry of exactly these, for tests.
    ///
    /// # Errors
    /// As [`linked`](Self::linked).
    pub fn from_factories(
        factories: impl IntoIterator<Item = Factory>,
    ) -> Result<Self, InvalidRegistry> {
        let mut by_id = BTreeMap::new();
        for factory in factories {
            let id = factory.id;
            if !is_name(id) {
                return Err(InvalidRegistry(format!(
                    "a provider has the id `{id}`; an id is a-z, 0-9 and _, starts with a letter, and has at most 32 characters"
                )));
            }
            if id == OWN_NAME {
                return Err(InvalidRegistry(format!(
                    "a provider has the id `{id}`, which is the server's own; choose another"
                )));
            }
            if by_id.insert(id, factory).is_some() {
                return Err(InvalidRegistry(format!("two linked providers have the id `{id}`")));
            }
        }
        Ok(Self { factories: by_id })
    }

    /// The factory with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Factory> {
        self.factories.get(id)
    }

    /// Every factory, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Factory> {
        self.factories.values()
    }
}

/// The name of what the server itself brings; no provider has it.
pub const OWN_NAME: &str = "mindflight";

/// Whether a provider can be mounted under this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 32
        && name.chars().next().is_some_and(|c| c.is_ascii_lowercase())
        && name.chars().all(legal)
}

/// Registers a provider, so that every binary that links its crate can mount it.
#[macro_export]
macro_rules! register_provider {
    ($provider:ty) => {
        $crate::inventory::submit! { $crate::Factory::of::<$provider>() }
    };
}
