//! The real binary as a child process: started on a port of its own, talked to over HTTP, stopped or killed.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::http::{Answer, Call};

/// A start that takes longer is a failure of its own.
const START: Duration = Duration::from_secs(60);

/// The secret of test servers.
const SECRET: &str = "a-secret-for-tests-only-0123456789abcdef";

/// A server to be started.
pub struct Launch {
    command: Command,
}

/// A running server. Killed when dropped.
pub struct Instance {
    child: Child,
    lines: Lines,
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

/// Why a server did not come up: how it ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it wrote.
    pub output: String,
}

/// What a process has written so far, and a way to wait for more.
#[derive(Clone)]
struct Lines {
    text: Arc<Mutex<String>>,
    changed: watch::Sender<u64>,
}

impl Launch {
    /// `binary` with these arguments, on a free port, without the environment of the tests.
    #[must_use]
    pub fn new(binary: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for kept in ["PATH", "HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        Self { command }
    }

    /// `serve` on a database.
    #[must_use]
    pub fn serve(binary: &str, database: &str) -> Self {
        Self::new(binary, &["serve", "--listen", "127.0.0.1:0"])
            .env("DATABASE_URL", database)
            .env("SLOP_JWT_SECRET", SECRET)
            .env("MINDFLIGHT_LIMITS__ENABLED", "false")
            .env("MINDFLIGHT_PROVIDERS__DEMO__ENABLED", "true")
    }

    /// `dev` on a database.
    #[must_use]
    pub fn dev(binary: &str, database: &str, data_dir: &str) -> Self {
        Self::new(binary, &["dev", "--listen", "127.0.0.1:0", "--data-dir", data_dir])
            .env("DATABASE_URL", database)
    }

    /// Another argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// No such environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead; [`Ended`] says how.
    pub async fn start(mut self) -> Result<Instance, Ended> {
        let failed = |what: &str| Ended { code: None, output: what.to_owned() };
        let mut child = self.command.spawn().map_err(|error| failed(&error.to_string()))?;
        let lines = Lines::new();
        lines.follow(child.stdout.take());
        lines.follow(child.stderr.take());
        let listening = lines.wait(|text| address(text).is_some());
        tokio::select! {
            () = listening => {}
            status = child.wait() => return Err(lines.ended(status.ok()).await),
            () = tokio::time::sleep(START) => return Err(failed(&format!("not up in time: {}", lines.text()))),
        }
        let url = address(&lines.text()).ok_or_else(|| failed("no address"))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed(&error.to_string()))?;
        Ok(Instance { child, lines, http, url, key: None })
    }

    /// Runs a command that ends by itself.
    ///
    /// # Errors
    /// When it cannot be run or does not end.
    pub async fn output(mut self) -> Result<std::process::Output> {
        let ended = tokio::time::timeout(START, self.command.output());
        Ok(ended.await.context("the command did not end")??)
    }

    /// Runs a command that ends by itself, and gives what it wrote to stdout, trimmed.
    ///
    /// # Errors
    /// When it fails.
    pub async fn stdout(self) -> Result<String> {
        let output = self.output().await?;
        if !output.status.success() {
            bail!("exit {:?}: {}", output.status.code(), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Instance {
    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> i32 {
        let pid = self.child.id().unwrap_or_else(|| panic!("the server has ended: {}", self.log()));
        i32::try_from(pid).unwrap_or(i32::MAX)
    }

    /// From now on, requests carry this key.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// All it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.lines.text()
    }

    /// Waits until it has written something with this text.
    ///
    /// # Panics
    /// When it does not.
    pub async fn wait_for_log(&self, text: &str) {
        let found = self.lines.wait(|all| all.contains(text));
        if tokio::time::timeout(START, found).await.is_err() {
            panic!("`{text}` was not written: {}", self.log());
        }
    }

    /// A request with the instance's key.
    #[must_use]
    pub fn call(&self, method: &str, path: &str) -> Call {
        let call = Call::new(&self.http, method, &format!("{}{path}", self.url));
        match &self.key {
            Some(key) => call.key(key),
            None => call,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    /// Calls a tool.
    pub async fn tool(&self, name: &str, arguments: serde_json::Value) -> Answer {
        self.post(&format!("/api/tools/{name}"), &arguments).await
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When there is no such process any more.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid()).unwrap_or_else(|| panic!("no process"));
        kill_process(pid, signal).unwrap_or_else(|error| panic!("no signal was sent: {error}"));
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn terminate(mut self) -> Result<(ExitStatus, String)> {
        self.signal(Signal::TERM);
        self.wait().await
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn wait(&mut self) -> Result<(ExitStatus, String)> {
        let ended = tokio::time::timeout(START, self.child.wait());
        let status = ended.await.with_context(|| format!("it does not end: {}", self.log()))??;
        Ok((status, self.log()))
    }

    /// Kills it without a word, as `kill -9`.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

impl Lines {
    fn new() -> Self {
        Self { text: Arc::default(), changed: watch::Sender::new(0) }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[expect(clippy::disallowed_methods, reason = "ends with the pipe it reads")]
    fn follow(&self, pipe: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let Some(pipe) = pipe else { return };
        let lines = self.clone();
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = pipe.next_line().await {
                let mut text = lines.text.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
                drop(text);
                lines.changed.send_modify(|version| *version += 1);
            }
        });
    }

    async fn wait(&self, enough: impl Fn(&str) -> bool) {
        let mut changed = self.changed.subscribe();
        while !enough(&self.text()) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// The last lines may still be in the pipes when the process has ended.
    async fn ended(&self, status: Option<ExitStatus>) -> Ended {
        let mut changed = self.changed.subscribe();
        while tokio::time::timeout(Duration::from_millis(200), changed.changed()).await.is_ok() {}
        Ended { code: status.and_then(|status| status.code()), output: self.text() }
    }
}

fn address(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("listening on ")).map(str::to_owned)
}
