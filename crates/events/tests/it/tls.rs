//! TLS with certificates that are checked: by the pool, and by the LISTEN connection.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mindflight_core::ports::SystemClock;
use mindflight_embedded_postgres::{Cluster, Options};
use mindflight_store::admin::Admin;
use mindflight_store::{Settings, Store};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::peers::{Logged, Peer, eventually, hinted};

/// Fails unless the session has TLS.
const HAS_TLS: &str = "DO $$ BEGIN
    ASSERT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'no TLS';
END $$";

/// A server with TLS, whose certificate is for `localhost`, and which wants one of whoever asks for `template1`.
struct Server {
    /// Stopped before its folder goes.
    _cluster: Cluster,
    folder: TempDir,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Others may pass: as root, the server runs as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let dir = folder.path().canonicalize().unwrap();
        let mut options = Options { durable: false, ..Options::from_env(dir.join("cluster")) };
        Cluster::open(&options).unwrap().stop().unwrap();
        let owner = fs::metadata(dir.join("cluster/data")).unwrap();

        let authority = Authority::new();
        write(&dir, "ca.pem", &authority.pem);
        write(&dir, "other.pem", &Authority::new().pem);
        for (name, subject) in [("server", "localhost"), ("client", "mindflight")] {
            let (certificate, key) = authority.sign(subject);
            write(&dir, &format!("{name}.pem"), &certificate);
            write(&dir, &format!("{name}.key"), &key);
            let key = dir.join(format!("{name}.key"));
            fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        }
        let key = dir.join("server.key");
        std::os::unix::fs::chown(&key, Some(owner.uid()), Some(owner.gid())).unwrap();
        let access = "local all all trust
            hostssl template1 all 127.0.0.1/32 trust clientcert=verify-ca
            host all all 127.0.0.1/32 trust";
        write(&dir, "hba.conf", access);

        let port = free_port();
        let path = |name: &str| dir.join(name).display().to_string();
        options.settings = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", port.to_string()),
            ("hba_file", path("hba.conf")),
            ("ssl", "on".to_owned()),
            ("ssl_ca_file", path("ca.pem")),
            ("ssl_cert_file", path("server.pem")),
            ("ssl_key_file", path("server.key")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        let cluster = Cluster::open(&options).unwrap();
        Self { _cluster: cluster, folder, port }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, host: &str, database: &str, mode: &str, authority: Option<&str>) -> String {
        let port = self.port;
        let roots = authority.map(|name| format!("&sslrootcert={}", self.file(name).display()));
        let roots = roots.unwrap_or_default();
        format!("postgres://mindflight@{host}:{port}/{database}?sslmode={mode}{roots}")
    }
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn sign(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// What the pool's driver says.
async fn store(url: &str) -> Result<Admin, String> {
    Admin::connect(&Settings::new(url)).await.map_err(|error| error.to_string())
}

/// What the LISTEN connection says.
async fn link(url: &str) -> Result<(), String> {
    let (logged, _guard) = Logged::here();
    let said = || logged.line("hints of other processes");
    // Its other parts have nothing to do with this address.
    let nowhere = Settings::new("postgres://nobody@127.0.0.1:1/nothing");
    let nowhere = Store::lazy(&nowhere, Arc::new(SystemClock)).unwrap();
    let peer = Peer::start(&nowhere, hinted(url));
    let is_up = || peer.log.is_listening() == Some(true);
    eventually("it is up, or says why not", async || is_up() || said().is_some()).await;
    let result = said().map_or(Ok(()), Err);
    peer.stop().await;
    result
}

#[tokio::test]
async fn both_drivers_check_the_servers_certificate_as_they_are_told() {
    let server = Server::start();
    let ca = Some("ca.pem");
    for (host, mode, authority) in [
        ("localhost", "verify-full", ca),
        ("127.0.0.1", "verify-ca", ca),
        ("127.0.0.1", "require", ca),
        ("127.0.0.1", "require", None),
        ("127.0.0.1", "prefer", None),
        ("127.0.0.1", "allow", None),
    ] {
        let url = server.url(host, "postgres", mode, authority);
        let mut admin = store(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        admin.run(HAS_TLS).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        link(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    let open = server.url("127.0.0.1", "postgres", "disable", None);
    assert!(store(&open).await.unwrap().run(HAS_TLS).await.is_err());
    link(&open).await.unwrap();

    for (host, mode, authority, says) in [
        ("localhost", "verify-full", Some("other.pem"), ["not trusted", "sslrootcert"]),
        ("localhost", "verify-full", None, ["not trusted", "sslrootcert"]),
        ("localhost", "verify-ca", Some("other.pem"), ["not trusted", "sslrootcert"]),
        ("localhost", "require", Some("other.pem"), ["not trusted", "sslrootcert"]),
        ("127.0.0.1", "verify-full", ca, ["for another host", "localhost"]),
    ] {
        let url = server.url(host, "postgres", mode, authority);
        let Err(by_store) = store(&url).await else { panic!("{url} is taken by the pool") };
        let Err(by_link) = link(&url).await else { panic!("{url} is taken by LISTEN") };
        for text in [by_store, by_link] {
            assert!(says.iter().all(|part| text.contains(part)), "{url}: {text}");
        }
    }
}

#[tokio::test]
async fn both_drivers_show_a_certificate_of_their_own() {
    let server = Server::start();
    let without = server.url("localhost", "template1", "verify-full", Some("ca.pem"));
    assert!(store(&without).await.is_err() && link(&without).await.is_err());
    let (certificate, key) = (server.file("client.pem"), server.file("client.key"));
    let with = format!("{without}&sslcert={}&sslkey={}", certificate.display(), key.display());
    store(&with).await.unwrap();
    link(&with).await.unwrap();
}

#[tokio::test]
async fn the_variable_that_is_wrong_is_the_one_that_is_named() {
    let server = Server::start();
    let good = server.url("localhost", "postgres", "verify-full", Some("ca.pem"));
    let bad = server.url("localhost", "postgres", "verify-full", Some("other.pem"));
    let settings = Settings { direct_url: Some(bad), ..Settings::new(good) };
    let store = Store::lazy(&settings, Arc::new(SystemClock)).unwrap();
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("not trusted") && error.contains("DATABASE_DIRECT_URL"), "{error}");
}
