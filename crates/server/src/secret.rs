//! The secret of a development server: made once, kept in its data folder, so that sign-ins outlive a restart.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::SecretString;

/// Random bytes of the secret; as text it is twice as long.
const BYTES: usize = 32;

/// The secret that is kept in `data_dir`, made if there is none.
///
/// # Errors
/// When the file cannot be read or written, or the system gives no random bytes.
pub fn development_secret(data_dir: &Path) -> io::Result<SecretString> {
    let file = data_dir.join("jwt-secret");
    match std::fs::read_to_string(&file) {
        Ok(kept) if kept.trim().len() >= BYTES => return Ok(kept.trim().to_owned().into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Nobody else on the machine may read it.
    let mut out =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    writeln!(out, "{secret}")?;
    Ok(secret.into())
}
