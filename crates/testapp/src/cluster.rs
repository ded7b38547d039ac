//! The throw-away PostgreSQL that all test processes of a user share: joined where it runs, else started.

mod folder;
mod launch;

use std::time::Duration;

use anyhow::{Context as _, Result};
use mindflight_store::Settings;
use mindflight_store::admin::Admin;

use self::folder::{Base, Current};

/// The name under which the reaper stands in the server's list of connections.
const REAPER: &str = "reaper";
const REAP: &str = include_str!("reaper.sql");

/// Shared by all who use the cluster; the reaper takes it alone when it stops the cluster.
const LEASE: &str = "
SET lock_timeout = '2s';
SELECT pg_advisory_lock_shared(7234001);
RESET lock_timeout";

/// A server to make test databases on.
pub(crate) struct Server {
    /// Of the maintenance database.
    pub(crate) url: String,
    /// Held as long as this process lives: it keeps the reaper away.
    pub(crate) admin: Admin,
    /// The connection for [`reap`], if nobody else's does it.
    pub(crate) reaper: Option<Admin>,
}

/// Waits until nobody needs the cluster, and stops it. The statement goes on when this process is gone.
pub(crate) async fn reap(mut reaper: Admin) {
    // When it comes to an end, the server does too.
    drop(reaper.run(REAP).await);
}

/// `TEST_DATABASE_URL`, or the shared cluster.
pub(crate) async fn find_or_start() -> Result<Server> {
    if let Some(url) = std::env::var_os("TEST_DATABASE_URL") {
        let url = url.into_string().ok().context("TEST_DATABASE_URL is no UTF-8")?;
        let admin = Admin::connect(&settings(&url, "mindflight-test"))
            .await
            .context("TEST_DATABASE_URL")?;
        return Ok(Server { url, admin, reaper: None });
    }
    let base = Base::locked()?;
    if let Some(current) = base.current()
        && let Ok(server) = join(current.url).await
    {
        return Ok(server);
    }
    base.remove_dead();
    let folder = base.new_folder();
    let url = launch::start(&folder)
        .await
        .context("the throw-away PostgreSQL does not start; TEST_DATABASE_URL names another one")?;
    let server = join(url.clone()).await?;
    base.set_current(&Current { folder, url })?;
    Ok(server)
}

async fn join(url: String) -> Result<Server> {
    let mut admin = Admin::connect(&settings(&url, "mindflight-test")).await?;
    admin.run(LEASE).await?;
    let reaper = if admin.is_connected(REAPER).await? {
        None
    } else {
        Some(Admin::connect(&settings(&url, REAPER)).await?)
    };
    Ok(Server { url, admin, reaper })
}

fn settings(url: &str, instance: &str) -> Settings {
    Settings {
        acquire_timeout: Duration::from_secs(10),
        instance: instance.to_owned(),
        ..Settings::new(url)
    }
}
