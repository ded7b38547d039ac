//! A subscriber on a connection of its own, which reconnects where it is cut and goes on after what it has seen.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt::set_socket_recv_buffer_size;
use serde_json::Value;
use tokio::sync::watch;

/// Longer than the silence between two comments of a stream.
const SILENCE: Duration = Duration::from_secs(20);

/// Bytes that its side of a connection holds.
const WINDOW: usize = 64 << 10;

/// An event, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `<epoch>-<position>`.
    pub(crate) place: String,
    pub(crate) position: u64,
    pub(crate) envelope: Value,
}

impl Seen {
    pub(crate) fn id(&self) -> &str {
        self.envelope["id"].as_str().unwrap()
    }
}

/// A subscriber to everything. Ends when dropped.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    urls: Vec<String>,
    key: String,
    /// Cuts, and what the stream said that is no event.
    told: Mutex<Told>,
    seen: Mutex<Vec<Seen>>,
    changed: watch::Sender<(u64, usize)>,
    ends: AtomicBool,
    paused: Mutex<bool>,
    resumed: Condvar,
}

#[derive(Default)]
struct Told {
    resets: Vec<String>,
    connection: Option<TcpStream>,
}

impl Reader {
    /// Reads from the first of these servers, and from the next one whenever a connection ends.
    pub(crate) fn of(urls: Vec<String>, key: &str) -> Self {
        let shared = Arc::new(Shared {
            urls,
            key: key.to_owned(),
            told: Mutex::default(),
            seen: Mutex::default(),
            changed: watch::Sender::new((0, 0)),
            ends: AtomicBool::new(false),
            paused: Mutex::default(),
            resumed: Condvar::new(),
        });
        let of_thread = shared.clone();
        let thread = std::thread::spawn(move || of_thread.run());
        Self { shared, thread: Some(thread) }
    }

    /// Waits until it has been let in so often.
    pub(crate) async fn connected(&self, times: usize) {
        self.wait(|(_, connections)| connections >= times).await;
    }

    /// Waits until it has seen a position.
    pub(crate) async fn until(&self, position: u64) {
        self.wait(|(seen, _)| seen >= position).await;
    }

    async fn wait(&self, enough: impl Fn((u64, usize)) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let found = changed.wait_for(|now| enough(*now));
        let found = tokio::time::timeout(super::PATIENCE, found).await.map(drop);
        assert!(found.is_ok(), "(seen, connections): {:?}", *self.shared.changed.borrow());
    }

    /// Stops reading what comes, without closing its connection.
    pub(crate) fn pause(&self, paused: bool) {
        *self.shared.paused.lock().unwrap() = paused;
        self.shared.resumed.notify_all();
    }

    /// All that it has seen so far, in the order in which it came.
    #[track_caller]
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let resets = self.shared.told.lock().unwrap().resets.clone();
        assert!(resets.is_empty(), "it was told to begin anew: {resets:?}");
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.pause(false);
        if let Some(connection) = self.shared.told.lock().unwrap().connection.take() {
            drop(connection.shutdown(std::net::Shutdown::Both));
        }
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking(), "a subscriber has failed");
        }
    }
}

impl Shared {
    fn run(&self) {
        for url in self.urls.iter().cycle() {
            if self.ends.load(Ordering::SeqCst) {
                return;
            }
            // However it ends, the next one goes on where it was.
            drop(self.read(url));
            std::thread::yield_now();
        }
    }

    fn read(&self, url: &str) -> io::Result<()> {
        let mut connection = TcpStream::connect(url.strip_prefix("http://").unwrap_or(url))?;
        connection.set_read_timeout(Some(SILENCE))?;
        // Whoever does not read is noticed soon.
        set_socket_recv_buffer_size(&connection, WINDOW)?;
        let last = self.seen.lock().unwrap().last().map(|seen| seen.place.clone());
        let resume = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        self.told.lock().unwrap().connection = Some(connection.try_clone()?);
        write!(
            connection,
            "GET /api/events/stream HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n{resume}\r\n",
            self.key
        )?;
        let mut stream = BufReader::new(connection);
        let head = head(&mut stream)?;
        if !head.starts_with("HTTP/1.1 200") {
            let status = head.lines().next().unwrap_or_default().to_owned();
            assert!(status.contains(" 503 "), "the stream answers {head}");
            return Err(io::Error::other(status));
        }
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        let mut lines = BufReader::new(Chunks { stream, left: 0 });
        // Its first line says that it has begun.
        let (mut line, mut fields, mut is_begun) = (String::new(), Fields::default(), false);
        loop {
            let mut paused = self.paused.lock().unwrap();
            while *paused {
                paused = self.resumed.wait(paused).unwrap();
            }
            drop(paused);
            line.clear();
            if lines.read_line(&mut line)? == 0 || !line.ends_with('\n') {
                // What is not whole does not count.
                return Ok(());
            }
            if !std::mem::replace(&mut is_begun, true) {
                self.changed.send_modify(|(_, connections)| *connections += 1);
            }
            if fields.take(line.trim_end_matches(['\r', '\n'])) {
                self.note(std::mem::take(&mut fields));
            }
        }
    }

    fn note(&self, fields: Fields) {
        if let Some(name) = fields.event {
            self.told.lock().unwrap().resets.push(format!("{name}: {}", fields.data));
            return;
        }
        if fields.data.is_empty() {
            return;
        }
        let envelope: Value = serde_json::from_str(&fields.data).unwrap();
        let position = fields.id.rsplit_once('-').unwrap().1.parse().unwrap();
        assert_eq!(envelope["sequence"], format!("{position}"), "{}", fields.id);
        let seen = Seen { place: fields.id, position, envelope };
        self.seen.lock().unwrap().push(seen);
        self.changed.send_modify(|(last, _)| *last = position);
    }
}

/// The lines of one message.
#[derive(Default)]
struct Fields {
    id: String,
    event: Option<String>,
    data: String,
}

impl Fields {
    /// Whether the message is whole.
    fn take(&mut self, line: &str) -> bool {
        if line.is_empty() {
            return true;
        }
        if let Some((name, value)) = line.split_once(':') {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => value.clone_into(&mut self.id),
                "event" => self.event = Some(value.to_owned()),
                "data" => self.data.push_str(value),
                // A comment.
                _ => {}
            }
        }
        false
    }
}

fn head(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head.to_lowercase().replacen("http/1.1", "HTTP/1.1", 1))
}

/// A body that is sent in chunks.
struct Chunks {
    stream: BufReader<TcpStream>,
    left: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let mut size = String::new();
            self.stream.read_line(&mut size)?;
            self.left = usize::from_str_radix(size.trim(), 16).unwrap_or_default();
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let count = self.stream.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count;
        if self.left == 0 {
            self.stream.read_line(&mut String::new())?;
        }
        Ok(count)
    }
}
