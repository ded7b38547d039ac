//! What the schema cannot say: addresses, secrets, and settings that belong together.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::Uri;
use ipnet::IpNet;
use mindflight_core::policy::Rate;
use mindflight_outbound::Allow;
use serde_json::Value;

use super::check::shown;
use super::tree::Tree;
use super::{ConfigMistake, Mode};
use crate::config::Span;
use crate::telemetry::Levels;

/// HS256 wants a secret at least as long as its hash (RFC 7518 §3.2).
const SHORTEST_SECRET: usize = 32;

const MAKE_ONE: &str = "make one with `openssl rand -base64 48`";

/// Spans that make no sense when they are nothing.
const NOT_ZERO: [&str; 30] = [
    "server.request_timeout",
    "database.connect_timeout",
    "database.acquire_timeout",
    "database.statement_timeout",
    "database.check_interval",
    "auth.token_lifetime",
    "auth.version_interval",
    "auth.version_max_age",
    "calls.max_timeout",
    "calls.breaker_rest",
    "calls.build_timeout",
    "calls.health_interval",
    "calls.health_timeout",
    "jobs.beat",
    "jobs.fence_after",
    "jobs.dead_after",
    "jobs.scan",
    "jobs.repair",
    "jobs.poll",
    "jobs.retention",
    "events.retention",
    "events.partition",
    "events.poll",
    "events.check",
    "events.check_timeout",
    "events.housekeeping",
    "events.keep_alive",
    "outbound.connect_timeout",
    "outbound.timeout",
    "outbound.breaker_rest",
];

pub(super) fn check(tree: &Tree, mode: Mode) -> Vec<ConfigMistake> {
    let mut rules = Rules { tree, mistakes: Vec::new() };
    rules.addresses();
    rules.database(mode);
    rules.secrets(mode);
    rules.spans();
    rules.outside();
    rules.kinds();
    if let Some(Err(detail)) = tree.text("log.level").map(Levels::parse) {
        rules.say("log.level", detail);
    }
    rules.mistakes
}

struct Rules<'a> {
    tree: &'a Tree,
    mistakes: Vec<ConfigMistake>,
}

impl Rules<'_> {
    fn say(&mut self, path: &str, detail: impl Into<String>) {
        self.mistakes.push(self.tree.mistake(path, detail));
    }

    fn addresses(&mut self) {
        let tree = self.tree;
        if let Some(text) = tree.text("server.listen")
            && text.parse::<SocketAddr>().is_err()
        {
            let detail = format!(
                "must be an address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080; got \"{text}\""
            );
            self.say("server.listen", detail);
        }
        if let Some(text) = tree.text("public_url")
            && !is_web(text)
        {
            self.say(
                "public_url",
                format!("must be a URL such as https://api.example.com; got {}", url_shown(text)),
            );
        }
        for (path, text) in tree.texts("server.cors_origins") {
            if !is_origin(text) {
                let detail = format!(
                    "must be an origin, scheme and host and perhaps a port, such as https://app.example.com; got {}",
                    url_shown(text)
                );
                self.say(&path, detail);
            }
        }
        for (path, text) in tree.texts("server.trusted_proxies") {
            if text.parse::<IpNet>().is_err() {
                let near = text
                    .parse::<IpAddr>()
                    .map(|ip| format!("; one address is {}", IpNet::from(ip)));
                let detail = format!(
                    "must be a network such as 10.0.0.0/8; got \"{text}\"{}",
                    near.unwrap_or_default()
                );
                self.say(&path, detail);
            }
        }
    }

    fn database(&mut self, mode: Mode) {
        match self.tree.text("database.url") {
            Some(url) => self.postgres("database.url", url),
            None if mode == Mode::Serve => {
                self.say("database.url", "is missing: set `DATABASE_URL=postgres://user:password@host/database`, or \
                    `DATABASE_URL_FILE` to a file with it; `mindflight dev` runs a database of its own");
            }
            None => {}
        }
        match self.tree.text("database.direct_url") {
            Some(_) if mode == Mode::Dev && self.tree.text("database.url").is_none() => {
                let detail = "is set, but `database.url` is not: set both, or only `DATABASE_URL`";
                self.say("database.direct_url", detail);
            }
            Some(url) => self.postgres("database.direct_url", url),
            None => {}
        }
    }

    fn postgres(&mut self, path: &str, url: &str) {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            // Not repeated: it may hold a password.
            self.say(path, "must begin with postgres:// or postgresql://");
        }
    }

    fn secrets(&mut self, mode: Mode) {
        let tree = self.tree;
        let development = tree.text("environment") == Some("development");
        if mode == Mode::Serve && tree.text("auth.jwt_secret").is_none() {
            let detail = format!(
                "is missing: set `SLOP_JWT_SECRET`, or `SLOP_JWT_SECRET_FILE` to a file with it, to at least {SHORTEST_SECRET} bytes; {MAKE_ONE}"
            );
            self.say("auth.jwt_secret", detail);
        }
        for path in ["auth.jwt_secret", "auth.jwt_secret_previous"] {
            let Some(secret) = tree.text(path) else {
                continue;
            };
            if secret.len() < SHORTEST_SECRET {
                let detail = format!(
                    "has {} bytes and needs at least {SHORTEST_SECRET}; {MAKE_ONE}",
                    secret.len()
                );
                self.say(path, detail);
            } else if !development && is_placeholder(secret) {
                self.say(path, format!("is a placeholder, which others know too; {MAKE_ONE}"));
            }
        }
        if let Some(token) = tree.text("metrics.token") {
            if token.trim().is_empty() {
                self.say("metrics.token", "is empty; leave it out to have /metrics open");
            } else if !development && is_placeholder(token) {
                self.say(
                    "metrics.token",
                    format!("is a placeholder, which others know too; {MAKE_ONE}"),
                );
            }
        }
    }

    fn outside(&mut self) {
        let tree = self.tree;
        for (path, text) in tree.texts("outbound.allow") {
            if let Err(detail) = text.parse::<Allow>() {
                self.say(&path, detail);
            }
        }
    }

    /// Kinds of jobs: their names, and the numbers of which the schema knows no bounds in words.
    fn kinds(&mut self) {
        let tree = self.tree;
        let kinds = tree.get("jobs.kinds").and_then(Value::as_object).into_iter().flatten();
        for (name, kind) in kinds {
            let path = format!("jobs.kinds.{name}");
            if name
                .split_once('.')
                .is_none_or(|(provider, kind)| provider.is_empty() || kind.is_empty())
            {
                self.say(&path, "is no kind of jobs: write provider.kind, such as mail.send");
            }
            let below = |names: &str| kind.pointer(names).filter(|value| !value.is_null());
            if let Some(Err(error)) = below("/rate").and_then(Value::as_str).map(str::parse::<Rate>)
            {
                self.say(&format!("{path}.rate"), error.to_string());
            }
            if below("/backoff/factor").and_then(Value::as_f64).is_some_and(|factor| factor < 1.0) {
                self.say(&format!("{path}.backoff.factor"), "must be at least 1");
            }
            let jitter = below("/backoff/jitter").and_then(Value::as_f64);
            if jitter.is_some_and(|jitter| !(0.0..=1.0).contains(&jitter)) {
                self.say(&format!("{path}.backoff.jitter"), "must be between 0 and 1");
            }
            let span = |names| below(names)?.as_str()?.parse::<Span>().ok();
            if span("/deadline") == Some(Span(Duration::ZERO)) {
                self.say(&format!("{path}.deadline"), "must be longer than nothing");
            }
            let steps = below("/backoff/steps");
            if steps.and_then(Value::as_array).is_some_and(Vec::is_empty) {
                self.say(&format!("{path}.backoff.steps"), "must name at least one wait");
            }
            let grows = ["initial", "factor", "max"];
            let grows = grows.iter().find(|name| below(&format!("/backoff/{name}")).is_some());
            if let (Some(_), Some(name)) = (steps, grows) {
                let detail =
                    format!("cannot stand beside `{name}`: waits are listed, or they grow");
                self.say(&format!("{path}.backoff.steps"), detail);
            }
        }
    }

    fn spans(&mut self) {
        for path in NOT_ZERO {
            if self.span(path) == Some(Duration::ZERO) {
                self.say(path, "must be longer than nothing");
            }
        }
        self.ordered("auth.version_interval", "auth.version_max_age");
        // Whoever is silent stops its own jobs before others take them, and has several chances to speak before that.
        self.ordered("jobs.beat", "jobs.fence_after");
        self.ordered("jobs.fence_after", "jobs.dead_after");
    }

    fn ordered(&mut self, shorter: &str, longer: &str) {
        if let (Some(short), Some(long)) = (self.span(shorter), self.span(longer))
            && long < short
        {
            self.say(longer, format!("must be at least `{shorter}`, which is {}", Span(short)));
        }
    }

    fn span(&self, path: &str) -> Option<Duration> {
        let span: Span = self.tree.text(path)?.parse().ok()?;
        Some(span.0)
    }
}

fn is_web(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let host = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    matches!(uri.scheme_str(), Some("http" | "https")) && host && uri.query().is_none()
}

fn is_origin(text: &str) -> bool {
    let bare = text.trim_end_matches('/');
    let path = text.parse::<Uri>().is_ok_and(|uri| uri.path().len() <= 1);
    is_web(text) && path && bare.len() + 1 >= text.len()
}

/// A URL that may hold a password.
fn url_shown(text: &str) -> String {
    shown(&super::show::without_password(text).into())
}

/// What stands in examples and compose files, and what a person types when in a hurry.
fn is_placeholder(secret: &str) -> bool {
    let words = [
        "changeme",
        "change-me",
        "change_me",
        "change this",
        "replaceme",
        "replace-me",
        "replace_me",
        "placeholder",
        "your-secret",
        "your_secret",
        "yoursecret",
        "example",
        "insecure",
    ];
    let lower = secret.to_ascii_lowercase();
    let mut bytes: Vec<u8> = lower.bytes().collect();
    bytes.sort_unstable();
    bytes.dedup();
    words.iter().any(|word| lower.contains(word)) || bytes.len() < 8
}
