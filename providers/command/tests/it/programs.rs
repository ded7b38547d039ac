//! Programs for tests: scripts in a folder of their own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mindflight_testkit::Kit;
use provider_command::Command as Provider;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Long enough for a slow machine; whoever waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Programs {
    folder: TempDir,
}

impl Programs {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("the test's own world") }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A script that can be run; gives its path. Another process writes it: one that this process has open for
    /// writing, or that a fork of it has, cannot be run.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the test's own world");
        let script = format!("#!/bin/sh\n{text}\n");
        writer
            .stdin
            .take()
            .expect("the test's own world")
            .write_all(script.as_bytes())
            .expect("the test's own world");
        assert!(writer.wait().expect("the test's own world").success());
        path
    }

    /// A kit with the one tool `run` that is this script.
    pub(crate) async fn kit(&self, script: &str, more: Value) -> Kit<Provider> {
        let mut tool = json!({"about": "Runs.", "program": self.script("program", script)});
        for (key, value) in more.as_object().expect("the test's own world") {
            tool[key] = value.clone();
        }
        Kit::new(json!({"tools": {"run": tool}})).await
    }

    /// Waits until a file has a whole line, and gives it.
    pub(crate) async fn line(&self, name: &str) -> String {
        let path = self.at(name);
        let mut line = String::new();
        until(|| {
            line = std::fs::read_to_string(&path).unwrap_or_default();
            line.ends_with('\n')
        })
        .await;
        line.trim_end().to_owned()
    }
}

/// Lets the runtime work until something is so.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "it never came");
        tokio::task::yield_now().await;
    }
}

/// Whether a process runs; one that has ended and was not fetched by its parent does not.
pub(crate) fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}
