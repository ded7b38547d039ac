//! The way to the database.

use std::time::Duration;

use mindflight_store::{Address, Host};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::lost::Lost;
use super::tls;

/// How errors call what is connected to: two variables can name it.
pub(super) const ADDRESS: &str = "the database's address";

/// What the server's list of connections shows.
const NAME: &str = "mindflight-listen";

/// A connection that nobody uses is asked after this time whether its other end is there,
const IDLE: Duration = Duration::from_secs(10);
/// so often,
const INTERVAL: Duration = Duration::from_secs(3);
/// so many times.
const TIMES: u32 = 3;
/// What was sent has to arrive within this time.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// The driver's connection; it does nothing unless it is polled.
pub(super) type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Connects. The address is read each time, and with it the certificates, which may be others by now.
pub(super) async fn connect(url: &str) -> Result<(Client, Wire), Lost> {
    let address = Address::read(ADDRESS, url)?;
    let connector = tls::connector(&address.tls)?;
    config(&address).connect(connector).await.map_err(Lost::Refused)
}

fn config(address: &Address) -> Config {
    let mut config = Config::new();
    match &address.host {
        Host::Tcp(host) => config.host(host),
        Host::Socket(folder) => config.host_path(folder),
    };
    config
        .port(address.port)
        .user(&address.user)
        .application_name(NAME)
        .ssl_mode(tls::mode(&address.tls))
        .keepalives(true)
        .keepalives_idle(IDLE)
        .keepalives_interval(INTERVAL)
        .keepalives_retries(TIMES)
        .tcp_user_timeout(UNACKNOWLEDGED);
    if let Some(password) = &address.password {
        config.password(password);
    }
    if let Some(database) = &address.database {
        config.dbname(database);
    }
    if let Some(options) = &address.options {
        config.options(options);
    }
    config
}
