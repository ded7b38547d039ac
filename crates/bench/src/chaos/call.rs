//! One call of a caller that believes in nothing: the answer may never come, and the server may be gone.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fleet::Addresses;
use crate::jobs::wire::Target;
use crate::load;

/// How long an answer is waited for. Statements of the server give up sooner.
const PATIENCE: Duration = Duration::from_secs(8);

/// Between two looks for a server.
const LOOK: Duration = Duration::from_millis(50);

/// What came of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It was done, and this is the answer.
    Yes(Vec<u8>),
    /// It was not done, and never will be.
    No(u16, String),
    /// Nobody knows whether it was done, or is going to be.
    Unknown,
}

/// Asks one server after the other, on connections that are kept while they work.
pub(crate) struct Caller {
    addresses: Addresses,
    key: String,
    turn: usize,
    open: Option<(SocketAddr, TcpStream)>,
}

impl Caller {
    pub(crate) fn new(addresses: Addresses, key: &str, turn: usize) -> Self {
        Self { addresses, key: key.to_owned(), turn, open: None }
    }

    /// Sends this once to a server that is there.
    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Said {
        self.send(|target| target.post(path, body)).await
    }

    async fn send(&mut self, request: impl Fn(&Target) -> Vec<u8>) -> Said {
        let (address, stream) = self.connection().await;
        let request = request(&Target { address, key: self.key.clone() });
        match timeout(PATIENCE, exchange(stream, &request)).await {
            Ok(Ok((stream, status, body))) => {
                self.open = Some((address, stream));
                judge(status, body)
            }
            Ok(Err(_)) | Err(_) => Said::Unknown,
        }
    }

    /// The one that is open if its server is still there, or a new one to the next server.
    async fn connection(&mut self) -> (SocketAddr, TcpStream) {
        loop {
            let wanted = self.addresses.choose(self.turn);
            if let Some((address, stream)) = self.open.take()
                && Some(address) == wanted
            {
                return (address, stream);
            }
            if let Some(address) = wanted
                && let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(address)).await
                && stream.set_nodelay(true).is_ok()
            {
                return (address, stream);
            }
            // Nothing was sent, so nothing can have come of it.
            self.turn += 1;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks another server from now on.
    pub(crate) fn turn_away(&mut self) {
        self.turn += 1;
        self.open = None;
    }
}

async fn exchange(mut stream: TcpStream, request: &[u8]) -> Result<(TcpStream, u16, Vec<u8>)> {
    stream.write_all(request).await?;
    let mut bytes = Vec::with_capacity(4 << 10);
    let answer = load::read(&mut stream, &mut bytes).await?;
    let body = answer.body(&bytes).to_vec();
    Ok((stream, answer.status, body))
}

/// A server that has trouble does not know itself how far it came; one that refuses does.
fn judge(status: u16, body: Vec<u8>) -> Said {
    match status {
        200..300 => Said::Yes(body),
        // 408: it was stopped before it had read the request. To ask again is what it asks for.
        408 | 500.. => Said::Unknown,
        _ => Said::No(status, String::from_utf8_lossy(&body).chars().take(400).collect()),
    }
}

#[derive(Deserialize)]
struct One {
    id: String,
}

#[derive(Deserialize)]
struct Many {
    items: Vec<One>,
}

/// The ids in the answer to a request for one job, or for an array of them.
pub(crate) fn ids(body: &[u8]) -> Result<Vec<String>> {
    if let Ok(many) = serde_json::from_slice::<Many>(body) {
        return Ok(many.items.into_iter().map(|one| one.id).collect());
    }
    Ok(vec![serde_json::from_slice::<One>(body)?.id])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_sure_to_have_done_nothing() {
        assert_eq!(judge(201, b"{}".to_vec()), Said::Yes(b"{}".to_vec()));
        assert_eq!(judge(503, Vec::new()), Said::Unknown);
        assert_eq!(judge(408, Vec::new()), Said::Unknown);
        assert_eq!(judge(409, b"ended".to_vec()), Said::No(409, "ended".to_owned()));
    }

    #[test]
    fn ids_are_read_from_one_job_and_from_several() {
        assert_eq!(ids(br#"{"id":"a","state":"queued"}"#).unwrap(), ["a"]);
        assert_eq!(ids(br#"{"items":[{"id":"a"},{"id":"b"}]}"#).unwrap(), ["a", "b"]);
        assert!(ids(b"{}").is_err());
    }
}
