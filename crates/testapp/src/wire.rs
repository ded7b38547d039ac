//! A connection to the database that can freeze, break, or lose an answer after the server has done its work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mindflight_core::ports::SystemClock;
use mindflight_store::{Settings, Store};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::TestDb;

/// What is done to all connections.
#[derive(Default)]
struct Faults {
    /// Of connections with this in their name nothing passes, and nothing breaks.
    frozen: Mutex<Option<&'static str>>,
    /// Connections of a role lose the answer that has these bytes, once, and break.
    lose: Mutex<Option<(&'static str, &'static str)>>,
    lost: AtomicUsize,
    /// Notifications do not arrive.
    deaf: AtomicBool,
    /// Questions that passed.
    asked: AtomicUsize,
    /// Questions of connections that were frozen.
    swallowed: AtomicUsize,
}

impl Faults {
    fn is_frozen(&self, name: &[u8]) -> bool {
        locked(&self.frozen).is_some_and(|part| has(name, part))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection to the database that can freeze, break, or lose an answer after the server has done its work.
pub struct Wire {
    store: Store,
    url: String,
    faults: Arc<Faults>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where the server is: everything that a URL says.
struct Address {
    host: String,
    port: u16,
}

impl Address {
    fn of(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").expect("an address with a scheme");
        let (authority, path) = rest.split_once('/').expect("an address with a database");
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (format!("{user}@"), server),
            None => (String::new(), authority),
        };
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().expect("a port")),
            None => (server, 5432),
        };
        let host = host.replace("%2F", "/").replace("%2f", "/");
        (Self { host, port }, format!("{scheme}://{user}127.0.0.1:PORT/{path}"))
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        if self.host.starts_with('/') {
            let path = format!("{}/.s.PGSQL.{}", self.host, self.port);
            return Ok(Box::new(UnixStream::connect(path).await?));
        }
        Ok(Box::new(TcpStream::connect((self.host.as_str(), self.port)).await?))
    }
}

impl Wire {
    /// A connection to a test's database, and a store that uses it and is called so.
    ///
    /// # Panics
    /// When the machine gives no port.
    pub async fn new(db: &TestDb, instance: &str) -> Self {
        let (address, url) = Address::of(db.url());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("the port's number").port();
        let faults = Arc::new(Faults::default());
        let shared = faults.clone();
        tokio::runtime::Handle::current().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = address.connect().await {
                    tokio::runtime::Handle::current().spawn(pass(client, server, shared.clone()));
                }
            }
        });
        let url = url.replace("PORT", &port.to_string());
        let settings = Settings {
            url: url.clone(),
            instance: instance.to_owned(),
            acquire_timeout: Duration::from_millis(500),
            statement_timeout: Duration::from_millis(500),
            ..db.settings()
        };
        let store = Store::lazy(&settings, Arc::new(SystemClock)).expect("a test's address");
        Self { store, url, faults }
    }

    /// A store whose connections all go through here.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The database's address by way of this.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on nothing passes on connections with this in their name.
    pub fn freeze(&self, name: &'static str) {
        *locked(&self.faults.frozen) = Some(name);
    }

    /// New connections are well.
    pub fn thaw(&self) {
        *locked(&self.faults.frozen) = None;
    }

    /// From now on notifications do not arrive, as behind a pooler that lends a session for one transaction.
    pub fn deafen(&self) {
        self.faults.deaf.store(true, Ordering::SeqCst);
    }

    /// The next answer with these bytes to a role does not arrive.
    pub fn lose(&self, role: &'static str, answer: &'static str) {
        *locked(&self.faults.lose) = Some((role, answer));
    }

    /// Answers that did not arrive.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.faults.lost.load(Ordering::SeqCst)
    }

    /// Questions of connections that were frozen.
    #[must_use]
    pub fn swallowed(&self) -> usize {
        self.faults.swallowed.load(Ordering::SeqCst)
    }

    /// Questions that passed.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.faults.asked.load(Ordering::SeqCst)
    }
}

fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Messages of the server, whole ones, without those that notify.
fn without_notifications(mut messages: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while let [kind, a, b, c, d, ..] = *messages {
        let length = 1 + u32::from_be_bytes([a, b, c, d]) as usize;
        let (message, rest) = messages.split_at(length.min(messages.len()));
        if kind != b'A' {
            kept.extend_from_slice(message);
        }
        messages = rest;
    }
    kept.extend_from_slice(messages);
    kept
}

/// Passes bytes between the two until one ends, or a fault does.
async fn pass(mut client: TcpStream, mut server: Box<dyn Stream>, faults: Arc<Faults>) {
    let (mut question, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let (mut name, mut swallowed) = (Vec::new(), false);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let Ok(count @ 1..) = read else { return };
                if name.len() < 1024 {
                    name.extend_from_slice(&question[..count]);
                }
                faults.asked.fetch_add(1, Ordering::SeqCst);
                if faults.is_frozen(&name) {
                    faults.swallowed.fetch_add(1, Ordering::SeqCst);
                    swallowed = true;
                    continue;
                }
                if swallowed || server.write_all(&question[..count]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(count @ 1..) = read else { return };
                if faults.is_frozen(&name) {
                    swallowed = true;
                    continue;
                }
                let is_lost = locked(&faults.lose).take_if(|(role, part)| {
                    has(&name, &format!("-{role}")) && has(&answer[..count], part)
                });
                if is_lost.is_some() {
                    faults.lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                let kept = match faults.deaf.load(Ordering::SeqCst) {
                    true => &without_notifications(&answer[..count]),
                    false => &answer[..count],
                };
                if client.write_all(kept).await.is_err() {
                    return;
                }
            }
        }
    }
}
