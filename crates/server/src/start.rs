//! Brings the server up: database, migrations, providers, background tasks, sockets; each failure with its own words.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusHandle;
use mindflight_api::{InstanceId, Problem, codes};
use mindflight_calls::Calls;
use mindflight_core::ports::{Clock, NotSupported, Ports, SystemClock};
use mindflight_core::{Error, Registry};
use mindflight_events::Log;
use mindflight_queue::Queue;
use mindflight_store::admin::Admin;
use mindflight_store::{Settings, Store};

use crate::auth::{Gate, WeakSecret};
use crate::config::Config;
use crate::engine::Engine;
use crate::front::Durations;
use crate::health::Board;
use crate::jobs::{CallTools, JobEngine};
use crate::limit::Limits;
use crate::mounts::{Mounts, Parts};
use crate::offline;
use crate::state::{AppState, Pieces};
use crate::supervisor::Supervisor;

/// Pause between two looks for a database that is not there yet.
const RETRY: Duration = Duration::from_millis(250);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "{address} is taken: another program listens there. Stop it, or choose another port with `--listen`; port 0 takes a free one"
    )]
    AddressTaken {
        /// The address.
        address: String,
    },
    /// The address is not this machine's, or not allowed.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database did not answer in time, is too old, or refused us.
    #[error(transparent)]
    Database(mindflight_store::Error),
    /// A required provider is not on, or two providers do not fit together.
    #[error("{}", .0.detail())]
    Providers(mindflight_core::Error),
    /// The secret for sign-ins is too short.
    #[error(transparent)]
    Secret(#[from] WeakSecret),
    /// The machine gave no threads or files.
    #[error("the server could not be set up")]
    System(#[from] std::io::Error),
}

impl StartError {
    /// The same as a problem object, for the command line.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let text = self.to_string();
        offline::problem(&match self {
            Self::AddressTaken { .. } => Error::of(codes::CONFLICT, text)
                .fix("Stop the other program, or choose another port with `--listen 127.0.0.1:0`."),
            Self::Database(_) => offline::unavailable(text),
            Self::Providers(error) if is_away(error) => offline::unavailable(text),
            Self::Providers(_) => {
                Error::failed(text).fix("Correct the provider's settings, or drop `required`.")
            }
            Self::Address { .. } | Self::Secret(_) | Self::System(_) => {
                Error::failed(text).fix("Correct what the error names, then try again.")
            }
        })
    }
}

/// A socket that is bound, but not listened on by a server yet.
pub(crate) fn bind(config: &Config) -> Result<(TcpListener, SocketAddr), StartError> {
    let address = config.server.listen.clone();
    let listener = TcpListener::bind(&address).map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            return StartError::AddressTaken { address: address.clone() };
        }
        StartError::Address { address: address.clone(), source }
    })?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Opens the database and brings its schema up to date, waiting while it is not there yet.
pub(crate) async fn database(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartError> {
    let settings = crate::database::settings(config);
    let store = Store::lazy(&settings, clock).map_err(StartError::Database)?;
    let limit = config.database.connect_timeout.0;
    let patience = Instant::now() + limit;
    let probe = Settings { acquire_timeout: settings.acquire_timeout.min(limit), ..settings };
    let done = loop {
        // Not of the pool: that tries again by itself, and does not say what is in the way.
        let error = match Admin::connect(&probe).await {
            Ok(_) => match store.migrate().await {
                Ok(done) => break done,
                // It has gone away again; what a migration had not committed is undone.
                Err(error @ mindflight_store::Error::Unavailable(_)) => error,
                Err(error) => return Err(StartError::Database(error)),
            },
            Err(error) => error,
        };
        if Instant::now() >= patience {
            return Err(StartError::Database(error));
        }
        tracing::warn!(error = %error, "the database is away, trying again: {error}");
        tokio::time::sleep(RETRY).await;
    };
    if !done.applied.is_empty() {
        let count = done.applied.len();
        tracing::info!(count, "{count} migrations were applied");
    }
    if !done.unknown.is_empty() {
        let names = done.unknown.join(", ");
        tracing::warn!(names, "the database has migrations of a newer release: {names}");
    }
    Ok(store)
}

/// What a server is made from.
pub(crate) struct Setup {
    pub(crate) config: Arc<Config>,
    pub(crate) registry: Registry,
    pub(crate) metrics: PrometheusHandle,
    /// This process, as logs and the list of workers name it.
    pub(crate) instance: InstanceId,
    /// Whether callers on this machine need no credentials.
    pub(crate) dev: bool,
}

/// Everything that a request may reach, and the tasks that keep it true.
pub(crate) async fn state(
    setup: Setup,
    engine: &Engine,
) -> Result<(Arc<AppState>, Supervisor), StartError> {
    let Setup { config, registry, metrics, instance, dev } = setup;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = database(&config, clock.clone()).await?;
    let tasks = engine.handle();
    let calls = Calls::new(tasks.runtime(), Arc::new(store.audit()), limits_of(&config));
    let log = Log::new(mindflight_events::Parts {
        store: store.clone(),
        engine: tasks.runtime(),
        settings: crate::events::settings(&config),
    });
    let queue = Queue::new(mindflight_queue::Parts {
        store: store.clone(),
        guard: calls.guard().clone(),
        clock: clock.clone(),
        signals: log.signals(),
        tools: Arc::new(CallTools(calls.clone())),
        instance,
        settings: crate::jobs::settings(&config),
    });
    let ports = ports(&config, &store, &queue, &log, &clock);
    let mounts = Mounts::new(Parts {
        registry,
        config: config.clone(),
        ports,
        store: store.clone(),
        calls: calls.clone(),
        queue: queue.clone(),
        log: log.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
    });
    mount(&mounts, config.database.connect_timeout.0).await?;
    let gate = Gate::new(&config, store.clone(), tasks.clone(), clock.clone(), dev)?;
    let limits = Limits::new(&config, clock.clone());
    let health = Board::new();
    let durations = Durations::default();
    let pieces = Pieces {
        config,
        clock,
        tasks,
        store,
        gate,
        limits,
        calls,
        queue,
        log,
        jobs: JobEngine::default(),
        mounts,
        health,
        metrics,
        durations,
    };
    let state = Arc::new(AppState::new(pieces));
    let supervisor = crate::background::start(&state);
    Ok((state, supervisor))
}

/// Mounts the providers. A database that goes away meanwhile is waited for as one that was not there before.
async fn mount(mounts: &Mounts, limit: Duration) -> Result<(), StartError> {
    let patience = Instant::now() + limit;
    loop {
        match mounts.start().await {
            Err(error) if is_away(&error) && Instant::now() < patience => {
                tracing::warn!(error = %error, "the database is away, trying again: {error}");
                tokio::time::sleep(RETRY).await;
            }
            done => return done.map_err(StartError::Providers),
        }
    }
}

fn is_away(error: &mindflight_core::Error) -> bool {
    error.name() == codes::DATABASE_UNAVAILABLE.name
}

/// What providers reach.
fn ports(
    config: &Config,
    store: &Store,
    queue: &Queue,
    log: &Log,
    clock: &Arc<dyn Clock>,
) -> Ports {
    Ports {
        memory: Arc::new(store.memory()),
        transactions: queue.transactions(),
        jobs: queue.port(),
        events: log.port(),
        resources: Arc::new(NotSupported),
        http: Arc::new(crate::outbound::client(config)),
        clock: clock.clone(),
    }
}

fn limits_of(config: &Config) -> mindflight_calls::Settings {
    let calls = &config.calls;
    mindflight_calls::Settings {
        max_running: calls.max_running,
        max_timeout: calls.max_timeout.0,
        slot_wait: calls.slot_wait.0,
        grace: calls.grace.0,
        stuck_after: calls.stuck_after.0,
        breaker_failures: calls.breaker_failures,
        breaker_rest: calls.breaker_rest.0,
        cache_bytes: calls.cache_bytes,
        ..mindflight_calls::Settings::default()
    }
}
