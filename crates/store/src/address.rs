//! What an address says, read once for every driver: where the server is, who asks, and how TLS is done.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::{Error, Result};

/// Where a server is, who asks, and how: for a driver that is not the store's own.
#[derive(Clone)]
pub struct Address {
    /// A name or an address, or the folder of a Unix socket.
    pub host: Host,
    /// The port; of a Unix socket, a part of its name.
    pub port: u16,
    /// Who asks.
    pub user: String,
    /// With which password.
    pub password: Option<String>,
    /// Which database, if not the one that is named as the user is.
    pub database: Option<String>,
    /// What the session starts with: `-c name=value`.
    pub options: Option<String>,
    /// How TLS is done.
    pub tls: Tls,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Tcp(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

/// How TLS is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// What is asked of the server.
    pub mode: TlsMode,
    /// Certificates of the authorities that may have signed the server's; none: the known ones.
    pub roots: Option<PathBuf>,
    /// This side's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

/// What is asked of the server: libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS if the server has it, whoever it is.
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// TLS, and a certificate of a known authority.
    VerifyCa,
    /// And its host name.
    VerifyFull,
}

/// An address as the store's driver takes it. `variable` is where it comes from, for errors: the address itself is not
/// repeated, because it may hold a password.
pub(crate) fn options(variable: &str, url: &str) -> Result<PgConnectOptions> {
    let known = ["postgres://", "postgresql://"];
    if !known.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Error::Config(format!(
            "{variable} has to begin with postgres:// or postgresql://"
        )));
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Error::Config(format!("{variable} cannot be read: {error}")))?;
    let tls = tls(&options);
    for (name, path) in
        [("sslrootcert", &tls.roots), ("sslcert", &tls.certificate), ("sslkey", &tls.key)]
    {
        if let Some(path) = path {
            readable(path).map_err(|error| {
                let path = path.display();
                Error::Config(format!("{variable}: {name} names {path}: {error}"))
            })?;
        }
    }
    if tls.certificate.is_some() != tls.key.is_some() {
        return Err(Error::Config(format!(
            "{variable} has sslcert or sslkey without the other: give both, or none"
        )));
    }
    Ok(options.ssl_mode(match tls.mode {
        TlsMode::Disable => PgSslMode::Disable,
        TlsMode::Prefer => PgSslMode::Prefer,
        TlsMode::Require => PgSslMode::Require,
        TlsMode::VerifyCa => PgSslMode::VerifyCa,
        TlsMode::VerifyFull => PgSslMode::VerifyFull,
    }))
}

fn readable(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path).map(drop)
}

/// How TLS is done: as libpq does it, which the store's driver does not in all cases.
fn tls(options: &PgConnectOptions) -> Tls {
    let url = options.clone().username("u").host("h").to_url_lossy();
    let path = |wanted: &str| {
        let (_, path) = url.query_pairs().find(|(name, _)| name == wanted)?;
        // What is no file is the certificate itself.
        path.strip_prefix("file: ").map(PathBuf::from)
    };
    let roots = path("sslrootcert");
    let mode = match options.get_ssl_mode() {
        // Nobody can read along on a socket of the machine, and the server offers no TLS there.
        _ if options.get_socket().is_some() => TlsMode::Disable,
        PgSslMode::Disable => TlsMode::Disable,
        // With TLS is as allowed as without.
        PgSslMode::Allow | PgSslMode::Prefer => TlsMode::Prefer,
        // Whoever names authorities wants them to be asked.
        PgSslMode::Require if roots.is_some() => TlsMode::VerifyCa,
        PgSslMode::Require => TlsMode::Require,
        PgSslMode::VerifyCa => TlsMode::VerifyCa,
        PgSslMode::VerifyFull => TlsMode::VerifyFull,
    };
    Tls { mode, roots, certificate: path("sslcert"), key: path("sslkey") }
}

impl Address {
    /// Reads an address. `variable` is where it comes from, for errors.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub fn read(variable: &str, url: &str) -> Result<Self> {
        let options = options(variable, url)?;
        let host = match options.get_socket() {
            Some(folder) => Host::Socket(folder.clone()),
            None => Host::Tcp(options.get_host().trim_matches(['[', ']']).to_owned()),
        };
        Ok(Self {
            host,
            port: options.get_port(),
            user: options.get_username().to_owned(),
            password: password(&options),
            database: options.get_database().map(str::to_owned),
            options: options.get_options().map(str::to_owned),
            tls: tls(&options),
        })
    }
}

/// The password, also if it comes from elsewhere: the driver shows it only as a part of a whole address.
fn password(options: &PgConnectOptions) -> Option<String> {
    let mut url = options.clone().username("u").host("h").to_url_lossy();
    let query = format!("p={}", url.password()?);
    url.set_query(Some(&query));
    url.query_pairs().next().map(|(_, password)| password.into_owned())
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::read("DATABASE_URL", url).unwrap()
    }

    #[test]
    fn every_part_is_read_as_the_stores_driver_reads_it() {
        let address =
            read("postgres://ad%40a:p%40s+%25%2Fs@db.example:6432/mind?options=-c%20a%3Db");
        assert_eq!(address.host, Host::Tcp("db.example".to_owned()));
        assert_eq!((address.port, address.user.as_str()), (6432, "ad@a"));
        assert_eq!(address.password.as_deref(), Some("p@s+%/s"));
        assert_eq!(address.database.as_deref(), Some("mind"));
        assert_eq!(address.options.as_deref(), Some("-c a=b"));
        assert!(!format!("{address:?}").contains("p@s"));
    }

    #[test]
    fn a_sockets_folder_needs_no_tls() {
        let address = read("postgres://ada@%2Ftmp%2Fa%20folder/mind?sslmode=require");
        assert_eq!(address.host, Host::Socket("/tmp/a folder".into()));
        assert_eq!(address.tls.mode, TlsMode::Disable);
        assert_eq!(read("postgres:///mind?host=/run/x").host, Host::Socket("/run/x".into()));
    }

    #[test]
    fn modes_are_libpqs() {
        let mode = |mode: &str| read(&format!("postgres://u@h/d?sslmode={mode}")).tls.mode;
        let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].map(mode);
        use TlsMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
        assert_eq!(modes, [Disable, Prefer, Prefer, Require, VerifyCa, VerifyFull]);

        let named = read("postgres://u@h/d?sslmode=require&sslrootcert=Cargo.toml").tls;
        assert_eq!(named.mode, VerifyCa);
        assert_eq!(named.roots, Some("Cargo.toml".into()));
    }

    #[test]
    fn files_are_looked_at_before_anybody_is_asked() {
        let error = |query: &str| {
            let url = format!("postgres://u:hunter2@h/d?{query}");
            Address::read("DATABASE_DIRECT_URL", &url).unwrap_err().to_string()
        };
        let missing = error("sslrootcert=/nowhere/ca.pem");
        for part in ["DATABASE_DIRECT_URL", "sslrootcert", "/nowhere/ca.pem"] {
            assert!(missing.contains(part) && !missing.contains("hunter2"), "{missing}");
        }
        assert!(error("sslcert=Cargo.toml").contains("sslkey"));
    }
}
