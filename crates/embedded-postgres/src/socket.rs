//! The folder of the socket: inside the data folder, or under `/tmp` where that path is too long.

use crate::account::Account;
use crate::{Error, folder};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The kernel allows 107 bytes; some room is left for the lock file beside the socket.
const LONGEST: usize = 100;
const NAME: &str = ".s.PGSQL.5432";

/// Makes the folder if needed and checks that nobody else can use it.
pub(crate) fn prepare(dir: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    let path = choose(dir);
    folder::create_inner(&path, account)?;
    let meta = fs::symlink_metadata(&path).map_err(Error::file("read", &path))?;
    let owner = account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid);
    let refuse = |reason| Err(Error::SocketFolder { path: path.clone(), reason });
    if !meta.is_dir() {
        return refuse("is not a folder");
    }
    if meta.uid() != owner {
        return refuse("belongs to another account");
    }
    if meta.permissions().mode() & 0o777 != 0o700 {
        return refuse("can be entered by other accounts");
    }
    Ok(path)
}

/// The file by which a server claims its socket; like the pid file it can name a stranger.
pub(crate) fn lock_file(socket_dir: &Path) -> PathBuf {
    socket_dir.join(format!("{NAME}.lock"))
}

fn choose(dir: &Path) -> PathBuf {
    let inside = dir.join("s");
    if inside.as_os_str().len() + 1 + NAME.len() <= LONGEST {
        return inside;
    }
    PathBuf::from(format!("/tmp/.mindflight-pg-{:016x}", fnv(dir.as_os_str().as_bytes())))
}

/// FNV-1a: the same in every build, unlike the standard library's hash, so an orphan is found again.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A URL that both sqlx and tokio-postgres read; the port is named so that `PGPORT` cannot change it.
pub(crate) fn url(user: &str, dir: &Path, port: u16, database: &str) -> String {
    let (dir, database) = (encoded(dir.as_os_str().as_bytes()), encoded(database.as_bytes()));
    format!("postgres://{user}@{dir}:{port}/{database}")
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_keeps_the_socket_beside_the_data() {
        assert_eq!(choose(Path::new("/var/lib/mindflight")), Path::new("/var/lib/mindflight/s"));
    }

    #[test]
    fn a_long_path_gets_a_short_and_stable_one() {
        let long = PathBuf::from(format!("/{}", "x".repeat(120)));
        let other = PathBuf::from(format!("/{}", "y".repeat(120)));
        assert!(choose(&long).as_os_str().len() < 60);
        assert_eq!(choose(&long), choose(&long));
        assert_ne!(choose(&long), choose(&other));
    }

    #[test]
    fn the_url_encodes_what_a_url_cannot_hold() {
        let url = url("mindflight", Path::new("/a b/s"), 5432, "my db");
        assert_eq!(url, "postgres://mindflight@%2Fa%20b%2Fs:5432/my%20db");
    }
}
