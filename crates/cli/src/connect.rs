//! Which server a command talks to, with which key.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use mindflight_client::{Client, Error, Settings};
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use crate::parser::{Form, Global};
use crate::{Environment, Failure, Local};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// A client, and the runtime that it needs.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// How things are printed: who reads JSON does not watch a line that changes.
    pub(crate) form: Form,
    /// `--timeout`.
    pub(crate) timeout: Option<Duration>,
    runtime: Runtime,
    origin: String,
}

/// How waiting for something long ended.
pub(crate) enum Ended<T> {
    /// With what it gave.
    Done(T),
    /// The time was over first.
    OutOfTime,
    /// Ctrl-C came first.
    Interrupted,
}

/// What a running server writes into its data folder.
#[derive(Deserialize)]
struct Running {
    url: String,
}

impl Session {
    pub(crate) fn open(
        global: &Global,
        env: &Environment,
        local: &dyn Local,
    ) -> Result<Self, Failure> {
        let (url, origin) = address(global, local)?;
        let key = key(global, env)?;
        let mut settings = Settings {
            user_agent: concat!("mindflight/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Settings::default()
        };
        if let Some(timeout) = global.timeout {
            settings.timeout = timeout;
            settings.call_timeout = timeout;
            settings.connect_timeout = settings.connect_timeout.min(timeout);
        }
        let client = Client::with_settings(&url, key.as_deref(), settings)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::local("no runtime can be started").because(&error))?;
        let Global { output: form, timeout, .. } = *global;
        Ok(Self { client, form, timeout, runtime, origin })
    }

    /// Waits for an answer.
    pub(crate) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        self.runtime.block_on(answer).map_err(|error| self.failure(error))
    }

    /// Waits for several answers, at most `limit` long, and only until Ctrl-C.
    pub(crate) fn patiently<T>(
        &self,
        limit: Option<Duration>,
        work: impl Future<Output = T>,
    ) -> Ended<T> {
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Where it cannot be caught, it ends the process by itself.
                std::future::pending::<()>().await;
            }
        };
        let late = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                // In this order, so that Ctrl-C is caught before the first request is sent.
                biased;
                () = interrupted => Ended::Interrupted,
                done = work => Ended::Done(done),
                () = late => Ended::OutOfTime,
            }
        })
    }

    /// Why there is no answer; says where the address is from, when that may be the reason.
    pub(crate) fn failure(&self, error: Error) -> Failure {
        let about_address = matches!(
            error,
            Error::Unreachable { .. }
                | Error::Broken { .. }
                | Error::NotOurs { .. }
                | Error::Timeout { .. }
        );
        let failure = Failure::from(error);
        if about_address { failure.line(format!("address from: {}", self.origin)) } else { failure }
    }

    /// Whether people read what is printed.
    pub(crate) fn for_people(&self) -> bool {
        matches!(self.form, Form::Table | Form::Name)
    }
}

fn address(global: &Global, local: &dyn Local) -> Result<(String, String), Failure> {
    if let Some(url) = global.url.as_ref().filter(|url| !url.trim().is_empty()) {
        return Ok((url.trim().to_owned(), "--url or MINDFLIGHT_URL".to_owned()));
    }
    let folder = global.data_dir.clone().unwrap_or_else(|| local.default_data_dir());
    let file = folder.join("server.json");
    match fs::read(&file) {
        Ok(bytes) => running(&bytes, &file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let origin = format!("the default, as there is no {}", file.display());
            Ok((DEFAULT_URL.to_owned(), origin))
        }
        // Another user's data folder says nothing about where our server is.
        Err(error) => {
            let origin = format!("the default, as {} cannot be read ({error})", file.display());
            Ok((DEFAULT_URL.to_owned(), origin))
        }
    }
}

fn running(bytes: &[u8], file: &Path) -> Result<(String, String), Failure> {
    let running: Running = serde_json::from_slice(bytes).map_err(|error| {
        Failure::local(format!("{} does not say where the server is", file.display()))
            .because(&error)
            .fix("Remove the file, or give --url.")
    })?;
    Ok((running.url, format!("{}, written by the server that ran there last", file.display())))
}

fn key(global: &Global, env: &Environment) -> Result<Option<String>, Failure> {
    let Some(file) = global.key_file.as_ref().filter(|file| !file.as_os_str().is_empty()) else {
        return Ok(env.key.as_deref().map(|key| key.trim().to_owned()));
    };
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("the key file {} cannot be read", file.display()))
            .because(&error)
            .fix("Name a readable file with --key-file or MINDFLIGHT_KEY_FILE.")
    })?;
    let key = text.trim();
    if key.is_empty() {
        return Err(Failure::usage(format!("the key file {} is empty", file.display()))
            .fix("Write the key into it, alone on the first line."));
    }
    Ok(Some(key.to_owned()))
}
