//! Runs the server from its sockets to its end: accept, drain on a signal, stop in order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use mindflight_core::Registry;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::engine::Engine;
use crate::start::{self, Setup, StartError};
use crate::state::AppState;
use crate::supervisor::Supervisor;
use crate::{app, front, telemetry};

/// What is left for tasks and blocked threads after the grace is over.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// How often the end of running calls is looked for while draining.
const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// Runs the server until a signal ends it. `ready` is told the address once, before the first connection is
/// accepted. With `dev`, callers on this machine need no credentials.
///
/// # Errors
/// When the server cannot start; once it accepts, it ends only by a signal.
pub fn run(
    config: Config,
    registry: Registry,
    dev: bool,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    let config = Arc::new(config);
    let instance = telemetry::init_logs(&config);
    tracing::info!(instance = %instance, "instance {instance} starts");
    let metrics = telemetry::init_metrics();
    let (listener, address) = start::bind(&config)?;
    let engine = Engine::start(config.calls.threads)?;
    let built = start::state(Setup { config, registry, metrics, instance, dev }, &engine);
    let result = engine.handle().runtime().block_on(built).and_then(|(state, supervisor)| {
        let system = actix_web::rt::System::new();
        let result = system.block_on(accept(state.clone(), listener, || ready(address)));
        engine.handle().runtime().block_on(stop(&state, &supervisor));
        result
    });
    engine.stop(LAST_PATIENCE);
    result
}

async fn accept(
    state: Arc<AppState>,
    listener: std::net::TcpListener,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let (config, shared) = (state.config.clone(), web::Data::from(state.clone()));
    let factory = {
        let config = config.clone();
        move || {
            App::new()
                .app_data(shared.clone())
                .configure(app::mount)
                .wrap(app::cors(&config))
                .wrap(from_fn(front::front))
        }
    };
    let grace = config.server.grace.0;
    let mut server = HttpServer::new(factory)
        // Signals are ours: they drain first.
        .disable_signals()
        .shutdown_timeout(grace.as_secs().max(1))
        .client_request_timeout(config.server.request_timeout.0)
        // A client that has gone is noticed, so that its call can be cancelled.
        .h1_allow_half_closed(false)
        // An event that follows another at once does not wait until the client has acknowledged that one.
        .tcp_nodelay(true);
    if let Some(workers) = config.server.workers {
        server = server.workers(workers.max(1));
    }
    let mut signals = Signals::new()?;
    let server = server.listen(listener)?.run();
    let handle = server.handle();
    ready();
    let ended = async {
        signals.next().await;
        let (calls, jobs) = (state.calls.running(), state.queue.running());
        tracing::info!("stopping: nothing new, {calls} calls and {jobs} jobs still run");
        state.drain();
        state.jobs.stop();
        let graceful = async {
            tokio::join!(handle.stop(true), state.jobs.ended(state.config.jobs.grace.0));
        };
        tokio::select! {
            () = graceful => {}
            () = signals.next() => {
                tracing::warn!("a second signal: not waiting for what still runs");
                state.calls.cancel_all();
                state.jobs.hurry();
                tokio::join!(handle.stop(false), state.jobs.ended(Duration::ZERO));
            }
        }
    };
    let (served, ()) = tokio::join!(server, ended);
    served.map_err(StartError::System)
}

/// SIGTERM and SIGINT, as one stream.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// After HTTP: what still runs is cancelled, tasks end, the pool closes.
async fn stop(state: &AppState, supervisor: &Supervisor) {
    state.calls.cancel_all();
    let drained = async {
        while state.calls.running() > 0 {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    };
    if tokio::time::timeout(LAST_PATIENCE, drained).await.is_err() {
        tracing::warn!("{} calls did not end in time", state.calls.running());
    }
    supervisor.stop(LAST_PATIENCE).await;
    drop(tokio::time::timeout(LAST_PATIENCE, state.store.close()).await);
    tracing::info!("stopped");
}

/// Tells commands on this machine where the server is: `server.json` in its data folder.
///
/// # Errors
/// When the file cannot be written.
pub fn announce(data_dir: &Path, facts: &serde_json::Value) -> std::io::Result<()> {
    let (file, fresh) = (data_dir.join("server.json"), data_dir.join("server.json.new"));
    let mut out = std::fs::File::create(&fresh)?;
    writeln!(out, "{facts}")?;
    std::fs::rename(fresh, file)
}
