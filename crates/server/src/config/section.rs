//! The sections. Their doc comments are the reference; their defaults are the defaults.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;

use ipnet::IpNet;
use mindflight_core::Registry;
use mindflight_core::policy::Rate;
use mindflight_outbound::Allow;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value};

use super::duration::Span;

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the server is used for; chooses defaults, nothing else. `dev` is development, `serve` production.
    pub environment: Environment,
    /// The address callers use, behind a proxy another than `server.listen`.
    pub public_url: Option<String>,
    /// Where this instance runs (`FLY_REGION`); stands in every log line.
    pub region: Option<String>,
    /// Accepting requests.
    pub server: Server,
    /// PostgreSQL.
    pub database: Database,
    /// Users, keys and tokens.
    pub auth: Auth,
    /// How much one caller may ask for.
    pub limits: Limits,
    /// Running tools and routes.
    pub calls: Calls,
    /// Durable jobs.
    pub jobs: Jobs,
    /// The event log.
    pub events: Events,
    /// Calls to the outside.
    pub outbound: Outbound,
    /// Log lines.
    pub log: Log,
    /// `/metrics`.
    pub metrics: Metrics,
    /// The providers, by mounted name.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSection>,
}

impl Config {
    /// The mounted names: those that are configured, and those of linked providers that nothing mentions.
    #[must_use]
    pub(crate) fn mounts(&self, registry: &Registry) -> BTreeMap<String, ProviderSection> {
        let mut mounts = self.providers.clone();
        let id = |(name, section): (&String, &ProviderSection)| {
            section.provider.clone().unwrap_or_else(|| name.clone())
        };
        let used: HashSet<String> = mounts.iter().map(id).collect();
        for factory in registry.iter().filter(|factory| !used.contains(factory.id)) {
            mounts.entry(factory.id.to_owned()).or_default();
        }
        mounts
    }

    /// How log lines look: as set, else as the environment wants it.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        self.log.format.unwrap_or(match self.environment {
            Environment::Development => LogFormat::Text,
            Environment::Staging | Environment::Production => LogFormat::Json,
        })
    }

    /// Whether limits hold: as set, else everywhere but in development.
    #[must_use]
    pub fn limits_enabled(&self) -> bool {
        self.limits.enabled.unwrap_or(self.environment != Environment::Development)
    }

    /// Whether outside calls have to be https: as set, else everywhere but in development.
    #[must_use]
    pub fn https_only(&self) -> bool {
        self.outbound.https_only.unwrap_or(self.environment != Environment::Development)
    }
}

/// What the server is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// One person's machine: open on loopback, `demo` on, no rate limits.
    Development,
    /// Like production, without HSTS.
    Staging,
    /// For others.
    Production,
}

/// Accepting requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port; port 0 takes a free one. `PORT` sets the port on every interface.
    pub listen: String,
    /// HTTP threads; one a core if null.
    #[schemars(range(min = 1))]
    pub workers: Option<usize>,
    /// Networks whose `X-Forwarded-For` is believed.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may call from (`APP_URL`); localhost besides in development.
    pub cors_origins: Vec<String>,
    /// The largest body of a request, in bytes; provider routes may declare more.
    #[schemars(range(min = 1))]
    pub max_body_bytes: usize,
    /// The longest URL, in characters.
    #[schemars(range(min = 1))]
    pub max_url: usize,
    /// The longest query string, in characters.
    #[schemars(range(min = 1))]
    pub max_query: usize,
    /// How long a client may take to send the head of a request.
    pub request_timeout: Span,
    /// How long requests and calls may go on after SIGTERM.
    pub grace: Span,
    /// Where this server keeps its files; `dev` also its database.
    pub data_dir: Option<PathBuf>,
}

/// PostgreSQL.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host/database` (`DATABASE_URL`). Without one, `dev` runs a private cluster.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub url: Option<SecretString>,
    /// The same database past a pooler that `url` names (`DATABASE_DIRECT_URL`), for LISTEN, the job engine and migrations.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub direct_url: Option<SecretString>,
    /// Connections of this instance.
    #[schemars(range(min = 1))]
    pub max_connections: u32,
    /// How long `serve` waits for the database when it starts.
    pub connect_timeout: Span,
    /// How long a request waits for a connection.
    pub acquire_timeout: Span,
    /// How long a statement of a request may take.
    pub statement_timeout: Span,
    /// How often health asks the database.
    pub check_interval: Span,
}

/// Users, keys and tokens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Signs the tokens of `POST /api/login` (`SLOP_JWT_SECRET`); at least 32 bytes.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub jwt_secret: Option<SecretString>,
    /// Still accepted while the secret changes (`SLOP_JWT_SECRET_PREVIOUS`).
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub jwt_secret_previous: Option<SecretString>,
    /// How long a token is good.
    pub token_lifetime: Span,
    /// Failed sign-ins a minute, for one name or one address.
    #[schemars(range(min = 1))]
    pub sign_in_failures: u32,
    /// How often revocations are looked for while requests come.
    pub version_interval: Span,
    /// How long cached credentials stay good while the database cannot be asked.
    pub version_max_age: Span,
}

/// How much one caller may ask for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Whether the limits hold; null: in staging and production.
    pub enabled: Option<bool>,
    /// Requests a minute, for one key or one address. Status, streams and health do not count.
    #[schemars(range(min = 1))]
    pub requests_per_minute: u32,
    /// New API keys a minute, for one caller.
    #[schemars(range(min = 1))]
    pub key_creations_per_minute: u32,
}

/// Running tools and routes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Threads that run provider code; null: two a core, at least four.
    #[schemars(range(min = 1))]
    pub threads: Option<usize>,
    /// Calls running at the same time on this instance.
    #[schemars(range(min = 1))]
    pub max_running: usize,
    /// No call runs longer, whatever its tool asks for.
    pub max_timeout: Span,
    /// How long a call waits for a slot of a tool with a concurrency cap.
    pub slot_wait: Span,
    /// How long a cancelled tool may take to clean up.
    pub grace: Span,
    /// How long a dropped tool may hold its thread before it is reported.
    pub stuck_after: Span,
    /// Failures in a row after which a tool rests.
    #[schemars(range(min = 1))]
    pub breaker_failures: usize,
    /// How long it rests.
    pub breaker_rest: Span,
    /// Bytes of results kept on this instance for tools that allow it (`cache_for`); 0 keeps none.
    pub cache_bytes: usize,
    /// How long a provider may take to be built.
    pub build_timeout: Span,
    /// How often providers are asked for their health.
    pub health_interval: Span,
    /// How long a provider may take to answer that.
    pub health_timeout: Span,
}

/// Durable jobs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Jobs this instance runs at the same time; null: four a core. 0: it makes jobs and leaves them to others.
    pub workers: Option<usize>,
    /// Jobs this instance takes beyond those at most, when they are short.
    pub prefetch: usize,
    /// How often this instance says that it lives.
    pub beat: Span,
    /// Silence after which this instance stops its own jobs.
    pub fence_after: Span,
    /// Silence after which others take its jobs; longer than `fence_after`.
    pub dead_after: Span,
    /// How often dead instances are looked for.
    pub scan: Span,
    /// How often this instance compares what it holds with what the database says.
    pub repair: Span,
    /// The longest pause between two looks for work that nobody announced.
    pub poll: Span,
    /// How long running jobs may go on after SIGTERM; then they are told to stop, and run again elsewhere.
    pub grace: Span,
    /// Crashes of an instance that ran nothing else, after which a job has failed.
    #[schemars(range(min = 1))]
    pub crash_budget: u16,
    /// How long a job that was running at a crash may keep an instance for itself.
    pub isolation: Span,
    /// A job that runs longer is marked as long-running.
    pub long_after: Span,
    /// How long jobs that have ended are kept.
    pub retention: Span,
    /// Queues that forget jobs once they have succeeded or were cancelled.
    pub without_history: Vec<String>,
    /// What holds for kinds of jobs instead of what their providers declared, by `{provider}.{kind}`: `priority`,
    /// `max_attempts`, `backoff`, `deadline`, `concurrency`, `rate`.
    pub kinds: BTreeMap<String, KindSection>,
}

/// One kind of jobs; what is not set is as its provider declared it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KindSection {
    /// 0–9, lower first.
    #[schemars(range(max = 9))]
    pub priority: Option<u8>,
    /// Attempts before a job has failed.
    #[schemars(range(min = 1, max = 1000))]
    pub max_attempts: Option<u32>,
    /// How long to wait between attempts.
    pub backoff: Option<BackoffSection>,
    /// When an attempt is cut.
    pub deadline: Option<Span>,
    /// Attempts at the same time, over all instances.
    #[schemars(range(min = 1))]
    pub concurrency: Option<u32>,
    /// Attempts that start in a stretch of time, over all instances: `100/1m`.
    #[serde(deserialize_with = "rate")]
    #[schemars(with = "Option<String>")]
    pub rate: Option<Rate>,
}

/// How long to wait between attempts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackoffSection {
    /// Wait after the first failed attempt.
    pub initial: Option<Span>,
    /// Each wait is this many times the one before; at least 1.
    pub factor: Option<f64>,
    /// No wait is longer, before jitter.
    pub max: Option<Span>,
    /// Share by which a wait is made shorter or longer, 0–1.
    pub jitter: Option<f64>,
    /// The waits one after the other, instead of those that grow; the last one is repeated.
    pub steps: Option<Vec<Span>>,
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(Error::custom)).transpose()
}

/// The event log.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// How long events are kept at least.
    pub retention: Span,
    /// Events are dropped together that were published within this time.
    pub partition: Span,
    /// Events published within this time may share one look for them; a longer one costs less, and delivers later. Each
    /// reader of the instance adds 30 µs, up to 50 ms.
    pub window: Span,
    /// The longest pause between two looks for events that nobody announced.
    pub poll: Span,
    /// How often the connection is checked over which instances tell each other what is new.
    pub check: Span,
    /// How long the answer to such a check may take; then another connection is made.
    pub check_timeout: Span,
    /// How often old events are dropped.
    pub housekeeping: Span,
    /// How often an open stream gives a sign of life.
    pub keep_alive: Span,
    /// Streams and sockets open on this instance at the same time; more are answered with 503.
    pub max_streams: usize,
}

/// Calls to the outside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    /// What may be called although it is inside, on another port or without TLS: `api.internal`, `*.example.com:8443`,
    /// `10.0.0.0/8`, `[::1]:8080`.
    #[serde(deserialize_with = "entries")]
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<Allow>,
    /// Whether plain http is refused; null: in staging and production.
    pub https_only: Option<bool>,
    /// The ports that may be called.
    pub ports: Vec<u16>,
    /// How long look-up, connection and TLS may take.
    pub connect_timeout: Span,
    /// How long a call may take, with its redirects and retries.
    pub timeout: Span,
    /// The largest body of an answer, in bytes.
    #[schemars(range(min = 1))]
    pub max_body_bytes: usize,
    /// How many redirects are followed.
    pub max_redirects: u8,
    /// How often a call that may be repeated is sent again.
    pub retries: u32,
    /// Failures in a row after which a host rests.
    #[schemars(range(min = 1))]
    pub breaker_failures: u32,
    /// How long it rests.
    pub breaker_rest: Span,
}

fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Allow>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(Error::custom)).collect()
}

/// Log lines.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or per module as `info,mindflight_calls=debug` (`LOG_LEVEL`).
    pub level: String,
    /// `text` or `json` (`LOG_FORMAT`); null: text in development, else json.
    pub format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// `/metrics`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// When set, `/metrics` wants `Authorization: Bearer <token>`.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub token: Option<SecretString>,
}

/// One provider.
#[derive(Clone, Default, Deserialize, JsonSchema)]
pub struct ProviderSection {
    /// The id of the linked provider; the mounted name unless given.
    #[serde(default)]
    pub provider: Option<String>,
    /// Whether it is mounted; an operator's `enable` or `disable` overrides it.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// The server does not start without it.
    #[serde(default)]
    pub required: bool,
    /// Its own settings.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

impl fmt::Debug for ProviderSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: which of the values are secret is the provider's knowledge.
        let settings: Vec<&String> = self.settings.keys().collect();
        f.debug_struct("ProviderSection")
            .field("provider", &self.provider)
            .field("enabled", &self.enabled)
            .field("required", &self.required)
            .field("settings", &settings)
            .finish()
    }
}
