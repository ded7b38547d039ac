//! Whether the data folder can be written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mindflight_api::health::Status;

use super::reading::Reading;

/// How long a disk may take for one small file.
const LIMIT: Duration = Duration::from_secs(10);

const PROBE: &str = ".health";

/// Writes and removes one small file, where there is a folder for files.
pub(super) async fn probe(folder: Option<PathBuf>) -> Reading {
    let Some(folder) = folder else {
        return Reading::new(Status::Healthy, "no data folder".to_owned());
    };
    let shown = folder.display().to_string();
    let started = Instant::now();
    let work = tokio::task::spawn_blocking(move || write(&folder));
    let degraded = |detail: String| Reading::new(Status::Degraded, detail);
    match tokio::time::timeout(LIMIT, work).await {
        Ok(Ok(Ok(()))) => Reading::healthy(Some(started.elapsed())),
        Ok(Ok(Err(error))) => {
            degraded(format!("the data folder `{shown}` cannot be written to: {error}"))
        }
        Ok(Err(_)) => degraded(format!("the check of the data folder `{shown}` crashed")),
        Err(_) => degraded(format!(
            "the data folder `{shown}` did not answer within {} s",
            LIMIT.as_secs()
        )),
    }
}

fn write(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!("{PROBE}.{}", std::process::id()));
    fs::write(&file, b"ok")?;
    fs::remove_file(&file)
}
