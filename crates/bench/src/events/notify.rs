//! What PostgreSQL itself gives: how soon a bare `pg_notify` on one connection is seen on another. No client program
//! tells when a notification came, so this speaks the few messages of the protocol that it takes.
//! Wire: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::histogram::Histogram;
use crate::jobs::Place;
use crate::jobs::sheet::Sheet;

const TIMES: u32 = 500;

/// The same that a server waits for its events.
const PAUSE: Duration = Duration::from_millis(2);

const PATIENCE: Duration = Duration::from_secs(10);

/// Version 3.0.
const PROTOCOL: u32 = 196_608;

/// No message of ours is near this.
const LONGEST: usize = 1 << 20;

#[expect(clippy::disallowed_methods, reason = "the database is idle between two notifications")]
pub(super) fn run(place: &Place, sheet: &mut Sheet) -> Result<()> {
    let address = Address::read(&place.database_url)
        .with_context(|| format!("no Unix socket in {}", place.database_url))?;
    let (mut listener, mut notifier) = (Session::open(&address)?, Session::open(&address)?);
    listener.run("LISTEN bench")?;
    let mut latencies = Histogram::default();
    for _ in 0..TIMES {
        std::thread::sleep(PAUSE);
        let begun = Instant::now();
        notifier.send("SELECT pg_notify('bench', '1')")?;
        listener.until(b'A')?;
        latencies.record(begun.elapsed());
        notifier.until(b'Z')?;
    }
    for (part, name) in [(0.5, "p50"), (0.99, "p99")] {
        let ms = latencies.quantile(part).as_secs_f64() * 1e3;
        sheet.add(&format!("bare: pg_notify → another connection, {name} ms"), 3, Some(ms));
    }
    Ok(())
}

/// Where the database is.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    socket: String,
    user: String,
    database: String,
}

impl Address {
    /// Of a URL such as `postgres://user@%2Frun%2Fpg:5432/database`.
    fn read(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("postgres://").or(url.strip_prefix("postgresql://"))?;
        let (user, rest) = rest.split_once('@')?;
        let (host, database) = rest.split_once('/')?;
        let (folder, port) = host.rsplit_once(':').unwrap_or((host, "5432"));
        let folder = decoded(folder)?;
        let database = database.split('?').next().unwrap_or_default().to_owned();
        let socket = format!("{folder}/.s.PGSQL.{port}");
        folder.starts_with('/').then(|| Self { socket, user: user.to_owned(), database })
    }
}

/// Without its `%2F`.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// A connection.
struct Session(UnixStream);

impl Session {
    fn open(address: &Address) -> Result<Self> {
        let stream = UnixStream::connect(&address.socket)
            .with_context(|| format!("cannot connect to {}", address.socket))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut session = Self(stream);
        let Address { user, database, .. } = address;
        let parameters = format!("user\0{user}\0database\0{database}\0\0");
        session.0.write_all(&framed(&PROTOCOL.to_be_bytes(), parameters.as_bytes())?)?;
        session.until(b'Z')?;
        Ok(session)
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        self.send(sql)?;
        self.until(b'Z')
    }

    fn send(&mut self, sql: &str) -> Result<()> {
        let mut message = vec![b'Q'];
        message.extend(framed(sql.as_bytes(), b"\0")?);
        self.0.write_all(&message).context("the database does not listen")
    }

    /// Reads up to a message of this kind.
    fn until(&mut self, wanted: u8) -> Result<()> {
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).context("the database does not answer")?;
            let [kind, length @ ..] = head;
            let length = (u32::from_be_bytes(length) as usize).checked_sub(4);
            let length = length.filter(|length| *length <= LONGEST).context("no such message")?;
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).context("the database does not answer")?;
            let text = String::from_utf8_lossy(&body);
            match kind {
                b'E' => bail!("the database refused: {}", text.replace('\0', " ")),
                b'R' => ensure!(body.iter().all(|byte| *byte == 0), "it wants a password"),
                _ => {}
            }
            if kind == wanted {
                return Ok(());
            }
        }
    }
}

/// A message with its length, which counts itself.
fn framed(first: &[u8], rest: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(4 + first.len() + rest.len())?;
    Ok([&length.to_be_bytes(), first, rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_found_in_the_url() {
        let address = Address::read("postgres://me@%2Frun%2Fa-b:5433/bench?x=y").unwrap();
        let expected = Address {
            socket: "/run/a-b/.s.PGSQL.5433".to_owned(),
            user: "me".to_owned(),
            database: "bench".to_owned(),
        };
        assert_eq!(address, expected);
        for url in ["postgres://me@localhost/a", "mysql://a@%2F/b", "postgres://me@%2/a"] {
            assert_eq!(Address::read(url), None, "{url}");
        }
    }

    #[test]
    fn a_message_counts_its_own_length() {
        assert_eq!(framed(b"SELECT 1", b"\0").unwrap(), b"\0\0\0\x0dSELECT 1\0");
    }
}
