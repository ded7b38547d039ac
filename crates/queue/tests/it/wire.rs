//! A connection to the database that can freeze, break, or lose an answer after the server has done its work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mindflight_core::ports::SystemClock;
use mindflight_store::{Settings, Store};
use mindflight_testapp::TestDb;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// What is done to all connections.
#[derive(Default)]
struct Faults {
    /// Of connections with this in their name nothing passes, and nothing breaks.
    frozen: Mutex<Option<&'static str>>,
    /// Connections of a role lose the answer that has these bytes, once, and break.
    lose: Mutex<Option<(&'static str, &'static str)>>,
    lost: AtomicUsize,
    /// Questions that passed.
    asked: AtomicUsize,
}

impl Faults {
    fn is_frozen(&self, name: &[u8]) -> bool {
        self.frozen.lock().unwrap().is_some_and(|part| has(name, part))
    }
}

/// The connection.
pub(crate) struct Wire {
    pub(crate) store: Store,
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
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (format!("{user}@"), server),
            None => (String::new(), authority),
        };
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap()),
            None => (server, 5432),
        };
        let host = host.replace("%2F", "/").replace("%2f", "/");
        (Self { host, port }, format!("{scheme}://{user}127.0.0.1:PORT/{path}"))
    }

    async fn connect(&self) -> Box<dyn Stream> {
        if self.host.starts_with('/') {
            let path = format!("{}/.s.PGSQL.{}", self.host, self.port);
            return Box::new(UnixStream::connect(path).await.unwrap());
        }
        Box::new(TcpStream::connect((self.host.as_str(), self.port)).await.unwrap())
    }
}

impl Wire {
    /// A store whose connections all go through here.
    pub(crate) async fn new(db: &TestDb, instance: &str) -> Self {
        let (address, url) = Address::of(db.url());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let shared = faults.clone();
        tokio::runtime::Handle::current().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults) = (address.connect().await, shared.clone());
                tokio::runtime::Handle::current().spawn(pass(client, server, faults));
            }
        });
        let settings = Settings {
            url: url.replace("PORT", &port.to_string()),
            instance: instance.to_owned(),
            acquire_timeout: std::time::Duration::from_millis(500),
            statement_timeout: std::time::Duration::from_millis(500),
            ..db.settings()
        };
        Self { store: Store::lazy(&settings, Arc::new(SystemClock)).unwrap(), faults }
    }

    /// From now on nothing passes on connections with this in their name.
    pub(crate) fn freeze(&self, name: &'static str) {
        *self.faults.frozen.lock().unwrap() = Some(name);
    }

    /// New connections are well.
    pub(crate) fn thaw(&self) {
        *self.faults.frozen.lock().unwrap() = None;
    }

    /// The next answer with these bytes to a role does not arrive.
    pub(crate) fn lose(&self, role: &'static str, answer: &'static str) {
        *self.faults.lose.lock().unwrap() = Some((role, answer));
    }

    /// Answers that did not arrive.
    pub(crate) fn lost(&self) -> usize {
        self.faults.lost.load(Ordering::SeqCst)
    }

    /// Questions that passed.
    pub(crate) fn asked(&self) -> usize {
        self.faults.asked.load(Ordering::SeqCst)
    }
}

fn has(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
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
                let is_lost = faults.lose.lock().unwrap().take_if(|(role, part)| {
                    has(&name, &format!("-{role}")) && has(&answer[..count], part)
                });
                if is_lost.is_some() {
                    faults.lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
