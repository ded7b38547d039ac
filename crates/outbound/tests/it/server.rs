//! A server on this machine that answers as it is told, and badly if it is told so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use mindflight_core::Result;
use mindflight_core::ports::{Http as _, RequestLimits};
use mindflight_outbound::{Outbound, Settings};

use crate::names::Names;

/// What a server read of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What it does then.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes this and closes.
    Bytes(String),
    /// Writes this, and no more until the client leaves.
    Hold(String),
    /// Writes this, then bytes without end.
    Endless(String),
}

/// An answer in full.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut text = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    Reply::Bytes(text)
}

/// A redirect.
pub(crate) fn redirect(status: u16, to: &str) -> Reply {
    answer(status, &[("location", to)], "moved")
}

pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    /// Answers the first request with the first reply, and so on; the last one stays.
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        Self::at("127.0.0.1:0", replies)
    }

    pub(crate) fn at(address: &str, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let port = listener.local_addr().expect("it is bound").port();
        let (seen, connections) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::default());
        let server = Self { port, seen: seen.clone(), connections: Arc::clone(&connections) };
        let replies = Arc::new(replies);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(std::io::Result::ok) {
                *connections.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                let (seen, replies) = (seen.clone(), replies.clone());
                thread::spawn(move || serve(stream, &seen, &replies));
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests that came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panicked").clone()
    }

    /// How often somebody connected.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("nobody panicked")
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Seen>>, replies: &[Reply]) {
    let Some(request) = read(&stream) else { return };
    let nth = {
        let mut seen = seen.lock().expect("nobody panicked");
        seen.push(request);
        seen.len() - 1
    };
    match replies.get(nth).or(replies.last()) {
        Some(Reply::Bytes(text)) => {
            stream.write_all(text.as_bytes()).ok();
            stream.shutdown(Shutdown::Write).ok();
        }
        Some(Reply::Hold(text)) => {
            stream.write_all(text.as_bytes()).ok();
            stream.read_to_end(&mut Vec::new()).ok();
        }
        Some(Reply::Endless(text)) => {
            stream.write_all(text.as_bytes()).ok();
            while stream.write_all(b"400\r\n").is_ok()
                && stream.write_all(&[b'x'; 1024]).is_ok()
                && stream.write_all(b"\r\n").is_ok()
            {}
        }
        None => {}
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut seen = Seen::default();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        match line.split_once(": ") {
            _ if seen.line.is_empty() => seen.line = line.to_owned(),
            Some((name, value)) => {
                seen.headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            None => break,
        }
    }
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}

/// Settings that let tests reach `servers` by address, and do not make them wait.
pub(crate) fn settings(servers: &[&Server]) -> Settings {
    Settings {
        allow: servers
            .iter()
            .map(|s| format!("127.0.0.1:{}", s.port).parse().expect("an entry"))
            .collect(),
        backoff: Duration::from_millis(1),
        ..Settings::default()
    }
}

/// A client that reaches `servers` and knows no names.
pub(crate) fn outbound(servers: &[&Server]) -> Outbound {
    Outbound::with_resolver(settings(servers), Names::new(&[]))
}

pub(crate) async fn send(outbound: &Outbound, method: &str, url: &str) -> Result<Response<Bytes>> {
    send_within(outbound, method, url, RequestLimits::default()).await
}

pub(crate) async fn send_within(
    outbound: &Outbound,
    method: &str,
    url: &str,
    limits: RequestLimits,
) -> Result<Response<Bytes>> {
    let request = Request::builder().method(method).uri(url).body(Bytes::new()).expect("a request");
    outbound.send(request, limits).await
}

/// Limits of one request.
pub(crate) fn limits(change: impl FnOnce(&mut RequestLimits)) -> RequestLimits {
    let mut limits = RequestLimits::default();
    change(&mut limits);
    limits
}
