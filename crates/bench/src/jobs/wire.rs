//! The requests of the job queue's callers, as bytes that can be sent again and again.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use tokio::io::AsyncWriteExt as _;

use crate::load;

/// One server, as one caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
}

/// The kind of job that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// `{provider}.{kind}`.
    pub(crate) name: String,
    pub(crate) args: Value,
}

impl Kind {
    pub(crate) fn new(name: &str, args: &str) -> Result<Self> {
        ensure!(name.contains('.'), "a kind is `provider.kind`, not `{name}`");
        let args: Value = serde_json::from_str(args).context("--args is no JSON")?;
        ensure!(args.is_object(), "--args is no JSON object");
        Ok(Self { name: name.to_owned(), args })
    }

    /// The provider, which is also the queue that its jobs wait in.
    pub(crate) fn provider(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// The body that asks for one job.
    pub(crate) fn one(&self) -> String {
        json!({"kind": self.name, "args": self.args}).to_string()
    }

    /// The body that asks for one job in another queue.
    pub(crate) fn one_in(&self, queue: &str) -> String {
        json!({"kind": self.name, "args": self.args, "queue": queue}).to_string()
    }

    /// The body that asks for several.
    pub(crate) fn several(&self, count: u32) -> String {
        let all: Vec<String> = (0..count).map(|_| self.one()).collect();
        format!("[{}]", all.join(","))
    }
}

impl Target {
    /// A question to this server.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        let Self { address, key } = self;
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n")
            .into_bytes()
    }

    /// A request to this server.
    pub(crate) fn post(&self, path: &str, body: &str) -> Vec<u8> {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        )
        .into_bytes()
    }
}

/// An open connection.
pub(crate) struct Talk {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Talk {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::with_capacity(8 << 10) })
    }

    /// Asks, and gives the body of the answer if it is a good one.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        let answer = load::read(&mut self.stream, &mut self.bytes).await?;
        let body = answer.body(&self.bytes);
        if !(200..300).contains(&answer.status) {
            let text: String = String::from_utf8_lossy(body).chars().take(400).collect();
            bail!("the server answered {}: {text}", answer.status);
        }
        Ok(body)
    }
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

/// The id in the answer to a request for one job.
pub(crate) fn id(body: &[u8]) -> Result<String> {
    let made: Made = serde_json::from_slice(body).context("the answer has no id")?;
    Ok(made.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Kind {
        Kind::new("demo.sleep", r#"{"ms":0}"#).unwrap()
    }

    #[test]
    fn a_body_asks_for_one_job_or_for_an_array_of_them() {
        let one = r#"{"kind":"demo.sleep","args":{"ms":0}}"#;
        assert_eq!(kind().one(), one);
        assert_eq!(kind().several(2), format!("[{one},{one}]"));
        let beside = r#"{"kind":"demo.sleep","args":{"ms":0},"queue":"beside"}"#;
        assert_eq!(kind().one_in("beside"), beside);
        assert_eq!(kind().provider(), "demo");
    }

    #[test]
    fn what_is_no_kind_or_has_no_arguments_is_refused() {
        for (name, args) in [("sleep", "{}"), ("demo.sleep", "1"), ("demo.sleep", "{")] {
            assert!(Kind::new(name, args).is_err(), "{name} {args}");
        }
    }

    #[test]
    fn a_request_without_a_body_names_no_type() {
        let target = Target { address: "127.0.0.1:80".parse().unwrap(), key: "k".to_owned() };
        let text = String::from_utf8(target.post("/api/queues/demo/pause", "")).unwrap();
        assert!(text.ends_with("Bearer k\r\nContent-Length: 0\r\n\r\n"), "{text}");
        let text = String::from_utf8(target.post("/api/jobs", "{}")).unwrap();
        let head = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert!(text.ends_with(head), "{text}");
    }

    #[test]
    fn the_id_is_read_from_the_answer() {
        assert_eq!(id(br#"{"id":"018f","kind":"demo.sleep"}"#).unwrap(), "018f");
        assert!(id(b"{}").is_err());
    }
}
