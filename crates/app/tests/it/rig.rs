//! What most tests start from: a database, a server on it, and a key.

use mindflight_testapp::{Answer, Instance, Launch, TestDb};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mindflight");

/// Checks status, code, the text, and the place of the first mistake.
#[track_caller]
pub(crate) fn says(answer: &Answer, (status, code): (u16, &str), pointer: &str, text: &str) {
    let detail = answer.problem(status, code);
    assert!(detail.contains(text), "no `{text}` in {}", answer.text);
    assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.text);
}

/// A server with a database of its own. The server ends before its database is dropped.
pub(crate) struct Rig {
    pub(crate) server: Instance,
    pub(crate) db: TestDb,
}

impl Rig {
    /// A production server and a key that may do everything.
    pub(crate) async fn new() -> Self {
        Self::with(|launch| launch).await
    }

    /// The same with other settings.
    pub(crate) async fn with(change: impl FnOnce(Launch) -> Launch) -> Self {
        let db = TestDb::new().await;
        let key = key(&db, "admin").await;
        let server = start(change(Launch::serve(BINARY, db.url()))).await.with_key(&key);
        Self { server, db }
    }

    /// A key with these scopes.
    pub(crate) async fn key(&self, scopes: &str) -> String {
        key(&self.db, scopes).await
    }

    /// Another server on the same database, with a key of its own.
    pub(crate) async fn second(&self) -> Instance {
        let key = self.key("admin").await;
        start(Launch::serve(BINARY, self.db.url())).await.with_key(&key)
    }
}

/// Starts a server that has to come up.
pub(crate) async fn start(launch: Launch) -> Instance {
    launch.start().await.unwrap_or_else(|ended| panic!("exit {:?}: {}", ended.code, ended.output))
}

/// A key made on the command line.
pub(crate) async fn key(db: &TestDb, scopes: &str) -> String {
    let create = Launch::new(BINARY, &["key", "create", "--name", "test", "--scopes", scopes])
        .env("DATABASE_URL", db.url());
    create.stdout().await.unwrap()
}

/// A third party's binary whose providers go wrong in every way: `examples/faulty.rs`, built with the tests.
pub(crate) fn faulty() -> String {
    let folder = std::path::Path::new(BINARY).parent().unwrap();
    folder.join("examples/faulty").display().to_string()
}

/// A command on a database.
pub(crate) fn command(arguments: &[&str]) -> Launch {
    Launch::new(BINARY, arguments)
}

/// Asks again and again until there is an answer, as long as a test may take.
///
/// Each question is a request that waits for its answer, so this does not spin.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(std::time::Instant::now() < patience, "it did not happen");
        tokio::task::yield_now().await;
    }
}
