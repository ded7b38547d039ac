//! The commands that need the server's own crates.

use std::path::PathBuf;
use std::process::Command;

use mindflight_cli::{
    Column, ConfigCommand, DatabaseCommand, Exit, Failure, KeyCreate, Local, Outcome, Output,
    Place, PostgresCommand, ProviderCheck, Rule, ServeArgs, UserCreate, codes,
};
use mindflight_embedded_postgres::{Options, default_data_dir, find, install};
use mindflight_server::config::{self as server_config, Mode};
use mindflight_server::{NewKey, Registry};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::database::Database;
use crate::{config, failures, provider_check, serve};

/// The commands of this binary.
pub(crate) struct Commands;

impl Local for Commands {
    fn default_data_dir(&self) -> PathBuf {
        default_data_dir()
    }

    fn serve(&self, args: &ServeArgs) -> Outcome {
        serve::serve(args)
    }

    fn dev(&self, args: &ServeArgs) -> Outcome {
        serve::dev(args)
    }

    fn migrate(&self, place: &Place) -> Outcome {
        with_database(place, |database| {
            let done = database.offline().migrate();
            let done = done.map_err(|error| failures::of_offline(&error))?;
            let line = match done.len() {
                0 => "the schema is up to date".to_owned(),
                n => format!("{n} migrations applied: {}", done.join(", ")),
            };
            Ok(Output::text(vec![line], json!({"applied": done})))
        })
    }

    fn config(&self, command: &ConfigCommand) -> Outcome {
        match command {
            ConfigCommand::Check { place } => {
                let loaded = config::read(Mode::Serve, place, Vec::new())?;
                let value = json!({"ok": true, "warnings": loaded.warnings});
                let good = Output::text(vec!["the configuration is good".to_owned()], value);
                Ok(loaded.warnings.iter().fold(good, Output::note))
            }
            ConfigCommand::Show { origin, place } => {
                let loaded = config::read(Mode::Tool, place, Vec::new())?;
                let text = loaded.show(*origin);
                Ok(Output::text(text.lines().map(str::to_owned).collect(), loaded.redacted()))
            }
            ConfigCommand::Schema => {
                let schema = server_config::schema(&registry()?);
                let text = format!("{schema:#}");
                Ok(Output::text(text.lines().map(str::to_owned).collect(), schema))
            }
        }
    }

    fn create_key(&self, key: &KeyCreate) -> Outcome {
        with_database(&key.place, |database| {
            let (name, scopes) = (key.name.clone(), key.scopes.clone());
            let (rate, expires) = (key.rate, key.expires);
            let created = database.offline().create_key(NewKey { name, scopes, rate, expires });
            let created = created.map_err(|error| failures::of_offline(&error))?;
            let value = json!(created);
            Ok(Output::plain(created.key, value))
        })
    }

    fn create_user(&self, user: &UserCreate, password: &str) -> Outcome {
        with_database(&user.place, |database| {
            let created = database.offline().create_user(&user.username, password, user.role);
            let created = created.map_err(|error| failures::of_offline(&error))?;
            Ok(Output::plain(created.id.to_string(), json!(created)))
        })
    }

    fn postgres(&self, command: &PostgresCommand) -> Outcome {
        match command {
            PostgresCommand::Install { place } => {
                let to = install::InstallOptions::new(options(place));
                let mut say = |line: &str| drop(writeln_stderr(line));
                let done = install::install(&to, &mut say)
                    .map_err(|error| failures::of_cluster(&error))?;
                Ok(installation(&done))
            }
            PostgresCommand::Find { place } => {
                let search = find::installations(&options(place));
                let items = search
                    .found
                    .iter()
                    .map(|one| json!({"bin_dir": one.bin_dir, "version": one.version.to_string()}));
                let items: Vec<_> = items.collect();
                if items.is_empty() {
                    let looked = format!("looked in {}", search.looked_in.join(", "));
                    return Err(Failure::new(
                        Exit::NotFound,
                        &codes::LOCAL,
                        "no PostgreSQL programs were found",
                    )
                    .fix("Install them with `mindflight postgres install`.")
                    .line(looked));
                }
                let columns =
                    vec![Column::new("FOLDER", "bin_dir"), Column::new("VERSION", "version")];
                Ok(Output::list(columns, items, None))
            }
        }
    }

    fn check_providers(&self, check: &ProviderCheck) -> Outcome {
        provider_check::run(check, &registry()?)
    }

    fn providers(&self) -> Vec<&'static str> {
        let linked = Registry::linked().unwrap_or_default();
        linked.iter().map(|factory| factory.id).collect()
    }

    fn rules(&self) -> Vec<Rule> {
        provider_check::rules()
    }

    fn database(&self, command: &DatabaseCommand) -> Outcome {
        match command {
            DatabaseCommand::Url { place } => with_database(place, |database| {
                let url = url(database);
                let value = json!({"url": url});
                Ok(Output::plain(url, value))
            }),
            DatabaseCommand::Psql { arguments, place } => with_database(place, |database| {
                // The cluster, if it is ours, ends with this process: psql runs below it, not in its place.
                let ended = Command::new("psql").arg(url(database)).args(arguments).status();
                match ended {
                    Ok(_) => Ok(Output::nothing()),
                    Err(error) => Err(Failure::local("psql cannot be run")
                        .fix("Install the PostgreSQL client; `mindflight db url` prints what to give to another.")
                        .because(&error)),
                }
            }),
        }
    }
}

fn with_database(place: &Place, work: impl FnOnce(&Database) -> Outcome) -> Outcome {
    let loaded = config::read(Mode::Tool, place, Vec::new())?;
    let database = Database::open(&loaded)?;
    let outcome = work(&database);
    database.close()?;
    outcome
}

fn url(database: &Database) -> String {
    let url = database.config.database.url.as_ref();
    url.map(|url| url.expose_secret().to_owned()).unwrap_or_default()
}

fn options(place: &Place) -> Options {
    Options::from_env(place.data_dir.clone().unwrap_or_else(default_data_dir))
}

fn installation(done: &find::Installation) -> Output {
    let (dir, version) = (done.bin_dir.display().to_string(), done.version.to_string());
    let value = json!({"bin_dir": dir, "version": version});
    Output::text(vec![format!("PostgreSQL {version} is in {dir}")], value)
}

fn registry() -> Result<Registry, Failure> {
    Registry::linked().map_err(|error| Failure::local(error.to_string()))
}

fn writeln_stderr(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stderr().lock(), "{line}")
}
