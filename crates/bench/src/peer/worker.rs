//! Runs jobs until SIGTERM, and says how far it is.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use super::engine::{Engine, Options};
use super::kind::SEEN;

/// How often it says how many jobs have ended, as the other drivers do.
const TELL: Duration = Duration::from_millis(20);

/// How long what runs may take to end.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn run(options: &Options, latencies: Option<&Path>) -> Result<()> {
    let mut stopped = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let engine = Engine::start(options).await?;
    let mut running = engine.work().await?;
    println!("READY");
    tokio::select! {
        _ = stopped.recv() => {}
        () = tell() => {}
        ended = running.join_next() => drop(ended.transpose().context("the engine has died")?),
    }
    engine.stop();
    drop(tokio::time::timeout(PATIENCE, running.join_next()).await);
    if let Some(path) = latencies {
        std::fs::write(path, SEEN.latencies())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Never ends.
async fn tell() {
    let mut told = 0;
    loop {
        tokio::time::sleep(TELL).await;
        let ended = SEEN.ended();
        if ended != told {
            println!("P {ended}");
            told = ended;
        }
    }
}
