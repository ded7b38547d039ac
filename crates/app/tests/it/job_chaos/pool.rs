//! A pooler that lends each client a session of the server for one transaction, and prepares the client's statements again
//! in the next one. Nothing else of a session is kept.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mindflight_testapp::{TestDb, Wire};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// The code by which a client asks for TLS instead of saying who it is.
const TLS: [u8; 4] = [4, 210, 22, 47];

/// A pooler before a test's database.
pub(super) struct Pooler {
    url: String,
    lent: Arc<AtomicUsize>,
    _wire: Wire,
}

impl Pooler {
    pub(super) async fn new(db: &TestDb) -> Self {
        let wire = Wire::new(db, "pooler").await;
        let (user, rest) = wire.url().rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("{user}@{}/{database}", listener.local_addr().unwrap());
        let (server, lent) = (server.to_owned(), Arc::<AtomicUsize>::default());
        let count = lent.clone();
        Handle::current().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, lent) = (server.clone(), count.clone());
                // Whatever breaks it, the other end sees it.
                Handle::current().spawn(async move { serve(client, &server, &lent).await.ok() });
            }
        });
        Self { url, lent, _wire: wire }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many sessions were lent, one for each transaction.
    pub(super) fn lent(&self) -> usize {
        self.lent.load(Ordering::SeqCst)
    }
}

/// A message with its kind and its length.
async fn message(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message).await?;
    let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]);
    message.resize(1 + length as usize, 0);
    from.read_exact(&mut message[5..]).await?;
    Ok(message)
}

/// Who the client says that it is.
async fn startup(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    loop {
        let mut message = vec![0; 4];
        client.read_exact(&mut message).await?;
        let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]);
        message.resize(length as usize, 0);
        client.read_exact(&mut message[4..]).await?;
        if message[4..8] != TLS {
            return Ok(message);
        }
        client.write_all(b"N").await?;
    }
}

/// Up to the first zero.
fn name(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().take_while(|byte| *byte != 0).collect()
}

/// The statement that a message names, if it names one.
fn statement(message: &[u8]) -> Option<Vec<u8>> {
    let named = match message[0] {
        b'B' => name(&message[5 + name(&message[5..]).len() + 1..]),
        b'D' if message[5] == b'S' => name(&message[6..]),
        _ => return None,
    };
    (!named.is_empty()).then_some(named)
}

/// A session of the server, lent for one transaction.
struct Session {
    server: TcpStream,
    /// What it said when it began.
    hello: Vec<u8>,
    known: HashSet<Vec<u8>>,
    /// Statements that are being prepared, and whether the client asked for it.
    parses: VecDeque<bool>,
}

impl Session {
    async fn open(server: &str, startup: &[u8]) -> io::Result<Self> {
        let mut server = TcpStream::connect(server).await?;
        server.write_all(startup).await?;
        let mut hello = Vec::new();
        loop {
            let message = message(&mut server).await?;
            hello.extend_from_slice(&message);
            match message[0] {
                b'Z' => break,
                b'E' => break,
                _ => {}
            }
        }
        Ok(Self { server, hello, known: HashSet::new(), parses: VecDeque::new() })
    }

    /// Passes a message on, after what it needs.
    async fn ask(
        &mut self,
        message: &[u8],
        prepared: &mut HashMap<Vec<u8>, Vec<u8>>,
    ) -> io::Result<()> {
        if message[0] == b'P' {
            let named = name(&message[5..]);
            self.parses.push_back(true);
            self.known.insert(named.clone());
            prepared.insert(named, message.to_vec());
        }
        if let Some(named) = statement(message).filter(|named| !self.known.contains(named)) {
            if let Some(parse) = prepared.get(&named) {
                self.parses.push_back(false);
                self.server.write_all(parse).await?;
            }
            self.known.insert(named);
        }
        self.server.write_all(message).await
    }

    /// Passes the answers on up to the end of what was asked; whether a transaction is open.
    async fn answer(&mut self, client: &mut TcpStream) -> io::Result<bool> {
        loop {
            let message = message(&mut self.server).await?;
            if message[0] == b'1' && self.parses.pop_front() == Some(false) {
                continue;
            }
            client.write_all(&message).await?;
            if message[0] == b'Z' {
                self.parses.clear();
                return Ok(message[5] != b'I');
            }
        }
    }
}

async fn serve(mut client: TcpStream, server: &str, lent: &AtomicUsize) -> io::Result<()> {
    let startup = startup(&mut client).await?;
    let hello = Session::open(server, &startup).await?.hello;
    client.write_all(&hello).await?;
    let mut prepared = HashMap::new();
    let mut session: Option<Session> = None;
    loop {
        let message = message(&mut client).await?;
        if message[0] == b'X' {
            return Ok(());
        }
        if session.is_none() {
            lent.fetch_add(1, Ordering::SeqCst);
            session = Some(Session::open(server, &startup).await?);
        }
        let Some(open) = &mut session else { continue };
        open.ask(&message, &mut prepared).await?;
        // The client waits for an answer.
        if matches!(message[0], b'S' | b'Q') && !open.answer(&mut client).await? {
            session = None;
        }
    }
}
