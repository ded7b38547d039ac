//! The account the cluster runs as when we are root, because PostgreSQL refuses to be root.

use crate::options::is_root;
use crate::{Error, Options, programs};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Accounts to try, in this order, when nothing else decides.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Somebody to run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// None when we are not root: then we run as ourselves.
    ///
    /// An existing cluster keeps its owner, or it would stop working.
    pub(crate) fn choose(options: &Options) -> Result<Option<Self>, Error> {
        if !is_root() {
            return Ok(None);
        }
        let account = match (&options.account, owner(&options.data_dir.join("data"))) {
            (Some(name), _) => {
                named(name, options).ok_or_else(|| Error::UnknownAccount { name: name.clone() })?
            }
            (None, Some(owner)) => owner,
            (None, None) => {
                CANDIDATES.iter().find_map(|name| named(name, options)).ok_or(Error::NoAccount)?
            }
        };
        if account.uid == 0 {
            return Err(Error::AccountIsRoot { data: options.data_dir.join("data") });
        }
        Ok(Some(account))
    }

    /// The first folder on the way to `path` that this account cannot pass.
    pub(crate) fn blocked(&self, path: &Path, options: &Options) -> Option<PathBuf> {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        let folder = ancestors.into_iter().find(|folder| !self.may_pass_by_mode(folder))?;
        // An access list may allow what the mode denies, so the refusal is tried out.
        let mut attempt = programs::command("/bin/sh", options, Some(self));
        attempt.args(["-c", "cd -- \"$1\" 2>/dev/null", "enter"]).arg(folder);
        match programs::run(&mut attempt) {
            Ok(output) if output.status.success() => None,
            _ => Some(folder.to_owned()),
        }
    }

    fn may_pass_by_mode(&self, folder: &Path) -> bool {
        let Ok(meta) = fs::metadata(folder) else {
            return true;
        };
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        !meta.is_dir() || meta.mode() & bit != 0
    }
}

fn owner(data: &Path) -> Option<Account> {
    let meta = fs::metadata(data).ok()?;
    let (uid, gid) = (meta.uid(), meta.gid());
    let name = passwd().find(|a| a.uid == uid).map_or_else(|| format!("uid {uid}"), |a| a.name);
    Some(Account { name, uid, gid })
}

fn named(name: &str, options: &Options) -> Option<Account> {
    passwd().find(|account| account.name == name).or_else(|| from_directory(name, options))
}

fn passwd() -> impl Iterator<Item = Account> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(parse).collect::<Vec<_>>().into_iter()
}

fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid })
}

/// Accounts that a directory service knows (LDAP, macOS) are not in the file.
fn from_directory(name: &str, options: &Options) -> Option<Account> {
    let ask = |what: &str| {
        let output =
            programs::command("id", options, None).args([what, "--", name]).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    Some(Account { name: name.to_owned(), uid: ask("-u")?, gid: ask("-g")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_name_and_ids() {
        let account =
            parse("postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash");
        assert_eq!(account, Some(Account { name: "postgres".into(), uid: 101, gid: 104 }));
        assert_eq!(parse("+::::::"), None);
        assert_eq!(parse("# comment"), None);
    }
}
