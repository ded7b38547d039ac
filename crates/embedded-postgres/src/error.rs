//! What can go wrong, one variant a step, each saying where it happened and what to do.

use crate::find::{Installation, Search};
use crate::install::Source;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no cluster, or no programs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The machine has no usable PostgreSQL programs.
    NothingFound {
        /// Where they were looked for, and what was refused.
        search: Search,
        /// How they are installed here.
        advice: String,
    },
    /// The data needs another major version than the machine has.
    WrongMajor {
        /// The folder that was left as it is.
        data: PathBuf,
        /// What `PG_VERSION` says.
        written_by: String,
        /// What the machine has.
        search: Search,
    },
    /// Another server has the folder.
    Busy {
        /// The data folder.
        dir: PathBuf,
        /// Who has it, if the lock tells.
        pid: Option<u32>,
    },
    /// `data` is there, but no cluster.
    NotACluster {
        /// The folder that was left as it is.
        data: PathBuf,
    },
    /// The folder is used for something else.
    NotOurFolder {
        /// The folder.
        dir: PathBuf,
        /// One of the things in it.
        holds: String,
    },
    /// `MINDFLIGHT_PG_USER` names nobody.
    UnknownAccount {
        /// The name.
        name: String,
    },
    /// We are root and there is neither `postgres` nor `nobody`.
    NoAccount,
    /// The data, or the account asked for, is root's.
    AccountIsRoot {
        /// The data.
        data: PathBuf,
    },
    /// The account cannot come to the data folder.
    CannotEnter {
        /// Who.
        account: String,
        /// The folder that stops it.
        folder: PathBuf,
        /// Where it has to go.
        wanted: PathBuf,
    },
    /// The folder of the socket is not safe.
    SocketFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A step on a file failed.
    File {
        /// The step, as a verb.
        step: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A program could not be run.
    Program {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// `initdb` failed.
    Initdb {
        /// The data folder.
        dir: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The server ended while it was starting.
    Exited {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        lines: String,
    },
    /// The server did not become ready in time.
    NotReady {
        /// The data.
        data: PathBuf,
        /// How long it was waited for.
        waited: Duration,
        /// The log's last lines.
        lines: String,
    },
    /// A server without a pid file, or a rest of one, still works in the data.
    InUse {
        /// The data.
        data: PathBuf,
        /// The process.
        pid: u32,
    },
    /// The server did not stop.
    StillRunning {
        /// The data.
        data: PathBuf,
        /// The server.
        pid: u32,
    },
    /// A program that an installation needs is not on this machine.
    Missing {
        /// The way of installing.
        source: Source,
        /// What it lacks.
        needs: String,
    },
    /// A step of an installation failed.
    Install {
        /// The way of installing.
        source: Source,
        /// The step.
        step: String,
        /// What was printed.
        output: String,
    },
    /// No way of installing worked.
    NotInstalled {
        /// What was tried, and why it failed.
        tried: Vec<Error>,
        /// How it is done by hand.
        advice: String,
    },
}

impl Error {
    pub(crate) fn file(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { step, path, source }
    }
}

impl std::error::Error for Error {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other variants have no cause")]
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Program { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::NothingFound { search, advice } => nothing_found(search, advice),
            Self::WrongMajor { data, written_by, search } => wrong_major(data, written_by, search),
            Self::Busy { dir, pid } => busy(dir, *pid),
            Self::Missing { source, needs } => format!("{source}: {needs}"),
            Self::Install { source, step, output } => format!("{source}: {step}: {output}"),
            Self::NotInstalled { tried, advice } => not_installed(tried, advice),
            Self::File { step, path, .. } => format!("cannot {step} {}", path.display()),
            Self::Program { program, .. } => format!("cannot run {}", program.display()),
            Self::NotACluster { .. }
            | Self::NotOurFolder { .. }
            | Self::UnknownAccount { .. }
            | Self::NoAccount
            | Self::AccountIsRoot { .. }
            | Self::CannotEnter { .. }
            | Self::SocketFolder { .. } => self.about_the_folder(),
            Self::Initdb { .. }
            | Self::Exited { .. }
            | Self::NotReady { .. }
            | Self::InUse { .. }
            | Self::StillRunning { .. } => self.about_the_server(),
        })
    }
}

impl Error {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen the variants")]
    fn about_the_folder(&self) -> String {
        match self {
            Self::NotACluster { data } => format!(
                "{} exists, but is not the data of a PostgreSQL server (it has no PG_VERSION). It was left as it is: \
                 move it away, or use another folder (--data-dir)",
                data.display()
            ),
            Self::NotOurFolder { dir, holds } => format!(
                "{} cannot be the data folder: it is used for something else (it holds `{holds}`). Use an empty or a \
                 new folder (--data-dir)",
                dir.display()
            ),
            Self::UnknownAccount { name } => format!(
                "MINDFLIGHT_PG_USER is `{name}`, and there is no such account. Create it, or name another one"
            ),
            Self::NoAccount => "PostgreSQL does not run as root, and there is neither an account `postgres` nor \
                 `nobody` to run it as. Create one (useradd --system postgres), name one in MINDFLIGHT_PG_USER, run as \
                 a user, or set DATABASE_URL"
                .to_owned(),
            Self::AccountIsRoot { data } => format!(
                "PostgreSQL does not run as root, but {} belongs to root, or MINDFLIGHT_PG_USER names it. Give the \
                 data to another account (chown -R postgres), or name another one in MINDFLIGHT_PG_USER",
                data.display()
            ),
            Self::CannotEnter { account, folder, wanted } => format!(
                "the account {account}, which PostgreSQL runs as, cannot enter {}, and so cannot reach {}. Use a data \
                 folder elsewhere (--data-dir, for instance /var/lib/mindflight), or let it in: chmod o+x {}",
                folder.display(),
                wanted.display(),
                folder.display()
            ),
            Self::SocketFolder { path, reason } => format!(
                "{}, the folder of the database's socket, {reason}; whoever can use it is the database's owner. \
                 Remove it, or use a data folder with a shorter path (--data-dir)",
                path.display()
            ),
            _ => String::new(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller has chosen the variants")]
    fn about_the_server(&self) -> String {
        match self {
            Self::Initdb { dir, output } => {
                format!("initdb could not make a database in {}:\n{output}", dir.display())
            }
            Self::Exited { log, lines } => {
                format!("PostgreSQL ended while starting; the end of {}:\n{lines}", log.display())
            }
            Self::NotReady { data, waited, lines } => format!(
                "PostgreSQL on {} was not ready after {} s; the end of its log:\n{lines}",
                data.display(),
                waited.as_secs()
            ),
            Self::InUse { data, pid } => format!(
                "process {pid} still works in {}, but does not answer as its server. Wait until it is gone, or end it \
                 (kill -INT {pid})",
                data.display()
            ),
            Self::StillRunning { data, pid } => format!(
                "PostgreSQL (pid {pid}) on {} does not stop, not even after an immediate shutdown. Look at its log; \
                 end it by hand (kill -QUIT {pid})",
                data.display()
            ),
            _ => String::new(),
        }
    }
}

fn nothing_found(search: &Search, advice: &str) -> String {
    let mut text = format!(
        "no database. mindflight needs PostgreSQL {} or newer: a running one (set DATABASE_URL), or its programs, to run \
         one of its own.\nLooked in: {}\n",
        crate::OLDEST,
        search.looked_in.join(", ")
    );
    if search.rejected.is_empty() {
        text.push_str("Found: none\n");
    }
    text + &rejected(search) + advice
}

fn rejected(search: &Search) -> String {
    search.rejected.iter().fold(String::new(), |text, (folder, reason)| {
        format!("{text}Found, but not usable: {} {reason}\n", folder.display())
    })
}

fn wrong_major(data: &Path, written_by: &str, search: &Search) -> String {
    let has = |i: &Installation| format!("{} ({})", i.version, i.bin_dir.display());
    let has: Vec<String> = search.found.iter().map(has).collect();
    let has = if has.is_empty() { "no PostgreSQL that works".to_owned() } else { has.join(", ") };
    let text = format!(
        "{} was written by PostgreSQL {written_by}, and this machine has {has}. Nothing was changed. Install PostgreSQL \
         {written_by}, or name its program folder (MINDFLIGHT_PG_BIN), or start with another data folder (--data-dir)\n{}",
        data.display(),
        rejected(search)
    );
    text.trim_end().to_owned()
}

fn busy(dir: &Path, pid: Option<u32>) -> String {
    let who = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    format!(
        "another server{who} already uses {}. Stop it, or start this one with another folder (--data-dir)",
        dir.display()
    )
}

fn not_installed(tried: &[Error], advice: &str) -> String {
    let tried: String = tried.iter().map(|error| format!("- {error}\n")).collect();
    format!("PostgreSQL could not be installed.\n{tried}{advice}")
}
