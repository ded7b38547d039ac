//! The thread that makes and drops the databases of this process.
//!
//! It has a runtime of its own, because a test's ends with the test, and the one connection that
//! tells the throw-away cluster that somebody still needs it.

use std::sync::OnceLock;
use std::sync::mpsc as blocking;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use mindflight_core::ports::SystemClock;
use mindflight_store::admin::{Admin, url_of_database};
use mindflight_store::{Settings, Store};
use tokio::sync::{mpsc, oneshot};

use crate::cluster::{self, Server};

const PREFIX: &str = "mindflight_test_";
const TEMPLATE_PREFIX: &str = "mindflight_template_";
/// Who makes the template; any number that nothing else locks in the maintenance database.
const TEMPLATE_LOCK: i64 = 0x6d66_7470;
/// A test's database is a left-over after this.
const LEFT_OVER: Duration = Duration::from_secs(3600);

enum Order {
    Create(oneshot::Sender<Result<(String, String)>>),
    Drop(String, blocking::Sender<()>),
}

/// Makes and drops the databases of this process.
pub(crate) struct Maker {
    orders: Result<mpsc::UnboundedSender<Order>, String>,
}

impl Maker {
    /// Starts it when first asked.
    pub(crate) fn of_this_process() -> &'static Self {
        static MAKER: OnceLock<Maker> = OnceLock::new();
        MAKER.get_or_init(|| Self { orders: start().map_err(|error| format!("{error:#}")) })
    }

    /// A new database: its name and its URL.
    pub(crate) async fn create(&self) -> Result<(String, String)> {
        let orders = self.orders.as_ref().map_err(|error| anyhow!("{error}"))?;
        let (reply, made) = oneshot::channel();
        orders
            .send(Order::Create(reply))
            .map_err(|_| anyhow!("the thread that makes databases has ended"))?;
        made.await.context("the thread that makes databases has ended")?
    }

    /// Drops a database, and waits for it: the process may end right after.
    pub(crate) fn remove(&self, name: &str, url: &str) {
        if std::env::var_os("KEEP_DB").is_some() {
            // Tests print into what the runner captures and shows for a failed one.
            #[expect(clippy::print_stderr, reason = "whoever sets KEEP_DB wants to read this")]
            {
                eprintln!("kept: {url}");
            }
            return;
        }
        let (reply, gone) = blocking::channel();
        if let Ok(orders) = &self.orders
            && orders.send(Order::Drop(name.to_owned(), reply)).is_ok()
        {
            // An error means that the thread has ended; then the cluster goes, too.
            gone.recv().unwrap_or_default();
        }
    }
}

fn start() -> Result<mpsc::UnboundedSender<Order>> {
    let (orders, inbox) = mpsc::unbounded_channel();
    let (reply, ready) = blocking::channel();
    std::thread::Builder::new()
        .name("test-databases".to_owned())
        .spawn(move || work(inbox, &reply))
        .context("cannot start a thread")?;
    ready.recv().context("the thread that makes databases has ended")??;
    Ok(orders)
}

fn work(inbox: mpsc::UnboundedReceiver<Order>, ready: &blocking::Sender<Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error.into()))),
    };
    runtime.block_on(async {
        match prepare().await {
            Ok((server, template)) => {
                drop(ready.send(Ok(())));
                serve(server, &template, inbox).await;
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    });
}

/// The server, and the name of the template with today's migrations.
async fn prepare() -> Result<(Server, String)> {
    let mut server = cluster::find_or_start().await?;
    let template = format!("{TEMPLATE_PREFIX}{:016x}", mindflight_store::fingerprint());
    server.admin.lock(TEMPLATE_LOCK).await?;
    let made = async {
        sweep(&mut server.admin).await?;
        make_template(&mut server, &template).await
    }
    .await;
    server.admin.unlock(TEMPLATE_LOCK).await?;
    made.context("the template of the test databases cannot be made")?;
    Ok((server, template))
}

async fn make_template(server: &mut Server, template: &str) -> Result<()> {
    let there = server.admin.databases().await?;
    if there.iter().any(|other| other.name == template && other.is_template) {
        return Ok(());
    }
    // One that is not sealed is what a killed run left half done.
    server.admin.drop_database(template).await?;
    server.admin.create_database(template, None).await?;
    let settings = Settings::new(url_of_database(&server.url, template));
    let store = Store::lazy(&settings, std::sync::Arc::new(SystemClock))?;
    store.server_version().await?;
    store.migrate().await?;
    store.close().await;
    server.admin.seal_database(template).await?;
    Ok(())
}

/// Drops what killed runs left on a server that lives longer than they did.
async fn sweep(admin: &mut Admin) -> Result<()> {
    let oldest = since_1970().saturating_sub(LEFT_OVER).as_secs();
    for database in admin.databases().await? {
        let made = database
            .name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('_').next()?.parse::<u64>().ok());
        if made.is_some_and(|made| made < oldest) && database.connections == 0 {
            admin.drop_database(&database.name).await?;
        }
    }
    Ok(())
}

async fn serve(mut server: Server, template: &str, mut inbox: mpsc::UnboundedReceiver<Order>) {
    let mut count = 0_u32;
    let reaper = server.reaper.take();
    let orders = async {
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Create(reply) => {
                    count += 1;
                    let now = since_1970();
                    let (seconds, nanos) = (now.as_secs(), now.subsec_nanos());
                    let name = format!("{PREFIX}{seconds}_{nanos}_{}_{count}", std::process::id());
                    let made = server.admin.create_database(&name, Some(template)).await;
                    let url = url_of_database(&server.url, &name);
                    // The test may have given up.
                    drop(reply.send(made.map(|()| (name, url)).map_err(Into::into)));
                }
                Order::Drop(name, reply) => {
                    // What stays is swept, or goes with the cluster.
                    drop(server.admin.drop_database(&name).await);
                    reply.send(()).unwrap_or_default();
                }
            }
        }
    };
    match reaper {
        Some(reaper) => drop(tokio::join!(orders, cluster::reap(reaper))),
        None => orders.await,
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
