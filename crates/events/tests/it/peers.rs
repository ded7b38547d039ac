//! Processes that know of each other only through the database: a log each.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mindflight_core::ports::NewEvent;
use mindflight_events::{Filter, Item, Log, Parts, Settings, Start, Subscriber};
use mindflight_store::Store;
use mindflight_store::signal::Signal;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes, so that a test that waits in vain says what for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Intervals that tests can wait for; but nothing is found by polling.
pub(crate) fn hinted(url: &str) -> Settings {
    let millis = Duration::from_millis;
    Settings {
        url: Some(url.to_owned()),
        poll: Duration::from_secs(3600),
        retry: millis(10),
        check: millis(50),
        check_timeout: millis(1500),
        connect_timeout: millis(1500),
        ..Settings::default()
    }
}

/// A log, as if it were alone in its process.
pub(crate) struct Peer {
    pub(crate) log: Log,
    heard: Arc<Mutex<Vec<Signal>>>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Peer {
    pub(crate) fn start(store: &Store, settings: Settings) -> Self {
        let log = Log::new(Parts { store: store.clone(), engine: Handle::current(), settings });
        let heard: Arc<Mutex<Vec<Signal>>> = Arc::default();
        let stop = CancellationToken::new();
        let (runs, hears, stops) = (log.clone(), heard.clone(), stop.clone());
        let hear = move |signal| hears.lock().unwrap().push(signal);
        let running = Handle::current().spawn(async move { runs.run(hear, stops).await });
        Self { log, heard, stop, running: Some(running) }
    }

    /// Waits until hints arrive.
    pub(crate) async fn listens(&self) {
        eventually("hints arrive", async || self.log.is_listening() == Some(true)).await;
    }

    /// Waits until no hint arrives.
    pub(crate) async fn is_cut(&self) {
        eventually("hints stop", async || self.log.is_listening() == Some(false)).await;
    }

    /// What it has heard since the last time.
    pub(crate) fn heard(&self) -> Vec<Signal> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    /// Publishes an event with a number.
    pub(crate) async fn publish(&self, number: u64) {
        let event = NewEvent {
            r#type: "test.number".to_owned(),
            source: "test".to_owned(),
            data: json!({"number": number}),
            key: None,
            id: None,
            cause: None,
        };
        self.log.publish(vec![event], None).await.unwrap();
    }

    /// A reader of everything.
    pub(crate) fn reader(&self) -> Subscriber {
        self.log.subscribe(Filter::all(), Start::Oldest)
    }

    /// Stops it as SIGTERM does, and waits for its end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let running = self.running.take().unwrap();
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// What this thread logs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// From now on, until the guard goes.
    pub(crate) fn here() -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        (logged, tracing::subscriber::set_default(subscriber))
    }

    /// The first line with these words.
    pub(crate) fn line(&self, words: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        text.lines().find(|line| line.contains(words)).map(str::to_owned)
    }
}

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The number of the next event.
pub(crate) async fn next(reader: &mut Subscriber) -> u64 {
    let next = tokio::time::timeout(PATIENCE, reader.next()).await;
    match next.expect("an event comes").unwrap() {
        Item::Event(delivery) => {
            let envelope = delivery.envelope().unwrap();
            envelope.data["number"].as_u64().unwrap()
        }
        Item::Reset(reset) => panic!("{reset:?}"),
    }
}

/// Waits until something is true.
pub(crate) async fn eventually(what: &str, is: impl AsyncFn() -> bool) {
    let became = async {
        while !is().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, became).await.is_ok(), "never: {what}");
}
