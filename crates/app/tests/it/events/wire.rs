//! Clients of the faces that go on: server-sent events and WebSocket, byte by byte, so that nothing helps the server.

use std::time::Duration;

use mindflight_testapp::Instance;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// As long as a test may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The path of the stream.
pub(crate) const STREAM: &str = "/api/events/stream";

/// A connection with one answer on it.
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
    /// Status line and headers, in small letters.
    pub(crate) head: String,
}

impl Wire {
    /// Sends a request without a body and reads the head of its answer.
    pub(crate) async fn open(
        server: &Instance,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let address = server.url().strip_prefix("http://").unwrap();
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = patient(stream.read_line(&mut head)).await.unwrap();
            assert_ne!(read, 0, "the connection ended in the head: {head}");
        }
        Self { stream, head: head.to_lowercase() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).map_or("", |(_, value)| value)
    }

    /// Whether the server has ended the connection, without another byte.
    pub(crate) async fn has_ended(&mut self) -> bool {
        let mut rest = Vec::new();
        // Cut or closed, it is over.
        drop(patient(self.stream.read_to_end(&mut rest)).await);
        rest.is_empty()
    }

    /// The next chunk of the body; none at its end.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        patient(self.stream.read_line(&mut size)).await.ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut bytes = vec![0; size + 2];
        patient(self.stream.read_exact(&mut bytes)).await.ok()?;
        bytes.truncate(size);
        (size > 0).then_some(bytes)
    }
}

async fn patient<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("nothing came"))
}

/// One message of a stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) event: Option<String>,
    pub(crate) data: String,
    /// It is a comment.
    pub(crate) is_comment: bool,
}

/// A reader of server-sent events.
pub(crate) struct Sse {
    pub(crate) wire: Wire,
    text: String,
    /// The sizes of the pieces in which it came.
    pub(crate) pieces: Vec<usize>,
}

impl Sse {
    /// Opens a stream, and reads that it has begun.
    pub(crate) async fn open(server: &Instance, key: &str, query: &str) -> Self {
        Self::with(server, key, query, &[]).await
    }

    /// The same with more headers.
    pub(crate) async fn with(
        server: &Instance,
        key: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let bearer = format!("Bearer {key}");
        let all = [&[("Authorization", bearer.as_str())], headers].concat();
        let wire = Wire::open(server, "GET", &format!("{STREAM}{query}"), &all).await;
        assert_eq!(wire.status(), 200, "{}", wire.head);
        let mut stream = Self { wire, text: String::new(), pieces: Vec::new() };
        assert!(stream.message().await.unwrap().is_comment, "the first thing is a comment");
        stream
    }

    /// The next message, comments among them; none at the end.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        while !self.text.contains("\n\n") {
            let chunk = self.wire.chunk().await?;
            self.pieces.push(chunk.len());
            self.text += &String::from_utf8(chunk).unwrap();
        }
        let (text, rest) = self.text.split_once("\n\n").unwrap();
        let mut message = Message::default();
        for line in text.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("id", id) => id.clone_into(&mut message.id),
                ("data", data) => data.clone_into(&mut message.data),
                ("event", event) => message.event = Some(event.to_owned()),
                (comment, _) => {
                    assert!(comment.is_empty() || comment.starts_with(':'), "{line}");
                    message.is_comment = true;
                }
            }
        }
        self.text = rest.to_owned();
        Some(message)
    }

    /// The next message that is no comment.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let message = self.message().await?;
            if !message.is_comment {
                return Some(message);
            }
        }
    }

    /// The next event, with its id checked against its position.
    pub(crate) async fn event(&mut self) -> Value {
        let message = self.next().await.expect("the stream ended");
        assert_eq!(message.event, None, "{message:?}");
        let event: Value = serde_json::from_str(&message.data).unwrap();
        let position = message.id.rsplit_once('-').unwrap().1;
        assert_eq!(event["sequence"], position, "{message:?}");
        event
    }
}

/// A reader over a WebSocket.
pub(crate) struct Socket(pub(crate) Wire);

/// One frame: its opcode, and what is in it.
pub(crate) type Frame = (u8, Vec<u8>);

impl Socket {
    /// The request of a socket, whatever becomes of it.
    pub(crate) async fn ask(
        server: &Instance,
        key: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Wire {
        let bearer = format!("Bearer {key}");
        let own = [
            ("Authorization", bearer.as_str()),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let all = [&own, headers].concat();
        Wire::open(server, "GET", &format!("/api/events/ws{query}"), &all).await
    }

    /// A socket that was opened.
    pub(crate) async fn open(server: &Instance, key: &str, query: &str) -> Self {
        let wire = Self::ask(server, key, query, &[]).await;
        assert_eq!(wire.status(), 101, "{}", wire.head);
        // RFC 6455 §1.3 has this pair.
        assert_eq!(
            wire.header("sec-websocket-accept"),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_lowercase()
        );
        Self(wire)
    }

    /// The next frame; none at the end.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let stream = &mut self.0.stream;
        let first = patient(stream.read_u8()).await.ok()?;
        let length = match patient(stream.read_u8()).await.ok()? {
            126 => patient(stream.read_u16()).await.ok()?.into(),
            127 => usize::try_from(patient(stream.read_u64()).await.ok()?).unwrap(),
            length => usize::from(length),
        };
        let mut bytes = vec![0; length];
        patient(stream.read_exact(&mut bytes)).await.ok()?;
        Some((first & 0x0f, bytes))
    }

    /// The next text, as JSON. Answers pings, as clients do.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            match self.frame().await.expect("the socket ended") {
                (1, text) => return serde_json::from_slice(&text).unwrap(),
                (9, words) => self.send(10, &words).await,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code and the reason with which it is closed.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.frame().await.expect("it ended without a word") {
                (8, words) => {
                    let code = u16::from_be_bytes([words[0], words[1]]);
                    return (code, String::from_utf8(words[2..].to_vec()).unwrap());
                }
                (1 | 9 | 10, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sends a frame of at most 125 bytes, masked with zeros.
    pub(crate) async fn send(&mut self, opcode: u8, bytes: &[u8]) {
        let length = u8::try_from(bytes.len()).unwrap();
        let frame = [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], bytes].concat();
        self.0.stream.write_all(&frame).await.unwrap();
    }
}
