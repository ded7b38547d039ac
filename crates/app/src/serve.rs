//! `serve` and `dev`: the server with the database it is given, or with one of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mindflight_cli::{Failure, Outcome, Output, ServeArgs, quoted};
use mindflight_embedded_postgres::{Lock, default_data_dir};
use mindflight_server::config::{Config, Loaded, Mode};
use mindflight_server::{Registry, announce, development_secret, run};
use serde_json::json;

use crate::database::Database;
use crate::{config, failures};

/// `serve`: for others. The database is someone else's.
pub(crate) fn serve(args: &ServeArgs) -> Outcome {
    let loaded = read(Mode::Serve, args)?;
    let dir = loaded.config.server.data_dir.clone();
    // The folder is this server's as long as it runs.
    let _lock =
        dir.as_deref().map(Lock::take).transpose().map_err(|error| failures::of_cluster(&error))?;
    start(loaded.config, false, |address| {
        say(&format!("listening on http://{address}"));
        tell(dir.as_deref(), address, None);
    })
}

/// `dev`: for one person. Without a database it runs one, in its data folder.
pub(crate) fn dev(args: &ServeArgs) -> Outcome {
    let loaded = read(Mode::Dev, args)?;
    let dir = config::data_dir(&loaded);
    let (database, _lock) = match loaded.config.database.url {
        Some(_) => {
            let lock = Lock::take(&dir).map_err(|error| failures::of_cluster(&error))?;
            (Database::open(&loaded)?, Some(lock))
        }
        None => (Database::private(loaded.config, &dir).map_err(|error| error.failure())?, None),
    };
    let mut config = database.config.clone();
    if config.auth.jwt_secret.is_none() {
        let secret = development_secret(&dir);
        let failed =
            |error| Failure::local("the secret for sign-ins cannot be kept").because(&error);
        config.auth.jwt_secret = Some(secret.map_err(failed)?);
    }
    config.server.data_dir = Some(dir.clone());
    give_files(&mut config, &dir)?;
    let private = database.private_url();
    let result = start(config, true, |address| {
        say(&format!("listening on http://{address}"));
        invite(address, &dir);
        tell(Some(&dir), address, private.as_deref());
    });
    database.close()?;
    result
}

/// Gives agents a folder of the data folder, unless the configuration names folders for them.
fn give_files(config: &mut Config, dir: &Path) -> Result<(), Failure> {
    let settings = &mut config.providers.entry("filesystem".to_owned()).or_default().settings;
    if settings.contains_key("allowed_dirs") {
        return Ok(());
    }
    let files = std::path::absolute(dir.join("files"));
    let made = files.and_then(|files| std::fs::create_dir_all(&files).map(|()| files));
    let files =
        made.map_err(|error| Failure::local("the folder `files` cannot be made").because(&error))?;
    settings.insert("allowed_dirs".to_owned(), json!([files]));
    Ok(())
}

fn read(mode: Mode, args: &ServeArgs) -> Result<Loaded, Failure> {
    let listen = args.listen.map(|address| ("server.listen".to_owned(), address.to_string()));
    config::read(mode, &args.place, listen.into_iter().collect())
}

fn start(config: Config, dev: bool, ready: impl FnOnce(SocketAddr)) -> Outcome {
    let registry = Registry::linked().map_err(|error| Failure::local(error.to_string()))?;
    let dir = config.server.data_dir.clone();
    let result = run(config, registry, dev, ready);
    if let Some(dir) = dir {
        // Whoever finds the file finds a server.
        drop(std::fs::remove_file(dir.join("server.json")));
    }
    result.map_err(|error| failures::of_start(&error))?;
    Ok(Output::nothing())
}

/// Lines that work as printed, for someone who has just started their first server.
fn invite(address: SocketAddr, dir: &Path) {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mindflight"));
    let program = quoted(&program);
    let place = match dir == default_data_dir() {
        true => String::new(),
        false => format!(" --data-dir {}", quoted(dir)),
    };
    if !address.ip().is_loopback() {
        say("other machines can reach this address, so every caller needs a key; to make one:");
        say(&format!("  {program} key create --name me --scopes tools:call{place}"));
        return say("stop with Ctrl-C");
    }
    say("try:");
    say(&format!("  curl --json '{{\"a\":2,\"b\":3}}' http://{address}/api/tools/demo_add"));
    say(&format!("  curl http://{address}/api/tools"));
    say(&format!("  {program} tool list{place}"));
    say(&format!("  {program} tool call demo_greet name=Ada{place}"));
    say("open on loopback only, no key needed; stop with Ctrl-C");
}

/// Tells commands on this machine where the server is. A folder that cannot be written costs only that.
fn tell(dir: Option<&Path>, address: SocketAddr, private: Option<&str>) {
    let Some(dir) = dir else { return };
    let mut facts = json!({"url": format!("http://{address}"), "pid": std::process::id()});
    if let Some(private) = private {
        facts["database"] = json!(private);
    }
    // The line that matters is printed; commands can be given `--url`.
    drop(announce(dir, &facts));
}

/// Before the end there is no other output, so this does not wait for the command line's own.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads it: the server runs all the same.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
