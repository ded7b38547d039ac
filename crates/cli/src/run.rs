//! From the words of a command line to its exit code.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, FromArgMatches, ValueEnum};

use crate::connect::Session;
use crate::output::Printer;
use crate::parser::remote::{KeyCommand, ProviderCommand, UserCommand};
use crate::parser::{Cli, Command, Form, command};
use crate::{ConfigCommand, DatabaseCommand, Place, PostgresCommand};
use crate::{Environment, Exit, Failure, Local, Outcome, Streams, Terminals};
use crate::{access, event, explain, help, job, provider, queue, scaffold, schedule, tool, worker};

/// Runs a command line of this process; `args` starts with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>, local: &dyn Local) -> ExitCode {
    // Not locked: a server that runs below writes to the same streams from its own threads.
    let (mut out, mut err, mut input) = (io::stdout(), io::stderr(), io::stdin());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        input: &mut input,
        terminals: Terminals::of_process(),
    };
    execute(args, &Environment::read(), &mut streams, local).into()
}

/// The same with streams and environment of the caller's, as tests have them.
pub fn execute(
    args: impl IntoIterator<Item = OsString>,
    env: &Environment,
    streams: &mut Streams<'_>,
    local: &dyn Local,
) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let guessed = Printer::new(
        word_after(&args, "-o", "--output").unwrap_or_default(),
        word_after(&args, "", "--color").unwrap_or_default(),
        streams.terminals,
        env,
    );
    let parsed = command()
        .try_get_matches_from(args)
        .and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&error, &guessed, streams),
    };
    let mut printer = Printer::new(cli.global.output, cli.global.color, streams.terminals, env);
    printer.fields.clone_from(&cli.global.fields);
    let outcome = match help_asked(&cli.command) {
        Some(error) => return refuse(&error, &printer, streams),
        None => only_where_used(&cli.command, &matches)
            .and_then(|()| dispatch(cli, env, streams, local)),
    };
    let printed =
        outcome.and_then(|output| printer.output(&output, streams).map(|()| output.exit()));
    match printed {
        Ok(exit) => exit,
        Err(failure) => {
            printer.failure(&failure, streams);
            failure.exit()
        }
    }
}

fn dispatch(cli: Cli, env: &Environment, streams: &mut Streams<'_>, local: &dyn Local) -> Outcome {
    let Cli { global, mut command } = cli;
    if let Some(place) = place(&mut command) {
        place.data_dir.clone_from(&global.data_dir);
    }
    let session = || Session::open(&global, env, local);
    match &command {
        Command::Dev(args) => local.dev(args),
        Command::Serve(args) => local.serve(args),
        Command::Migrate(place) => local.migrate(place),
        Command::Config(command) => local.config(command),
        Command::Postgres(command) => local.postgres(command),
        Command::Db(command) => local.database(command),
        Command::Key(KeyCommand::Create(key)) => local.create_key(key),
        Command::User(UserCommand::Create(user)) => {
            let password = access::password(user, env, streams)?;
            local.create_user(user, &password)
        }
        Command::Key(KeyCommand::List(pages)) => access::list_keys(&session()?, pages),
        Command::Key(KeyCommand::Revoke { id }) => access::revoke_key(&session()?, *id),
        Command::User(UserCommand::List(pages)) => access::list_users(&session()?, pages),
        Command::Tool(command) => tool::run(command, session, streams),
        Command::Provider(ProviderCommand::New(new)) => scaffold::run(new, &local.providers()),
        Command::Provider(ProviderCommand::Check(check)) => local.check_providers(check),
        Command::Provider(command) => provider::run(command, &session()?),
        Command::Job(command) => job::run(command, session, env, streams),
        Command::Event(command) => event::run(command, session, streams),
        Command::Queue(command) => queue::run(command, &session()?),
        Command::Schedule(command) => schedule::run(command, &session()?, streams),
        Command::Worker(command) => worker::run(command, &session()?),
        Command::Explain { code } => explain::run(code.as_deref(), &local.rules()),
        Command::Version => Ok(help::version()),
        Command::Help { .. } => Ok(help::exit_codes()),
    }
}

/// The place of a command that works on this machine, to be completed with the global flags.
fn place(command: &mut Command) -> Option<&mut Place> {
    match command {
        Command::Dev(args) | Command::Serve(args) => Some(&mut args.place),
        Command::Config(ConfigCommand::Check { place } | ConfigCommand::Show { place, .. })
        | Command::Postgres(PostgresCommand::Install { place } | PostgresCommand::Find { place })
        | Command::Db(DatabaseCommand::Url { place } | DatabaseCommand::Psql { place, .. })
        | Command::Migrate(place) => Some(place),
        Command::Key(KeyCommand::Create(key)) => Some(&mut key.place),
        Command::User(UserCommand::Create(user)) => Some(&mut user.place),
        Command::Provider(ProviderCommand::Check(check)) => Some(&mut check.place),
        Command::Config(ConfigCommand::Schema)
        | Command::Key(KeyCommand::List(_) | KeyCommand::Revoke { .. })
        | Command::User(UserCommand::List(_))
        | Command::Tool(_)
        | Command::Provider(_)
        | Command::Job(_)
        | Command::Event(_)
        | Command::Queue(_)
        | Command::Schedule(_)
        | Command::Worker(_)
        | Command::Explain { .. }
        | Command::Version
        | Command::Help { .. } => None,
    }
}

/// Refuses flags about a server where no server is asked: they would be ignored in silence.
fn only_where_used(command: &Command, matches: &ArgMatches) -> Result<(), Failure> {
    let remote = matches!(
        command,
        Command::Tool(_)
            | Command::Provider(
                ProviderCommand::List
                    | ProviderCommand::Enable { .. }
                    | ProviderCommand::Disable { .. }
            )
            | Command::Job(_)
            | Command::Event(_)
            | Command::Queue(_)
            | Command::Schedule(_)
            | Command::Worker(_)
            | Command::Key(KeyCommand::List(_) | KeyCommand::Revoke { .. })
            | Command::User(UserCommand::List(_))
    );
    let given = |id: &&&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match ["url", "key_file", "timeout"].iter().find(given) {
        Some(id) if !remote => Err(Failure::usage(format!(
            "--{} is for commands that talk to a server; this one works on this machine alone",
            id.replace('_', "-")
        ))
        .fix("Leave it out.")),
        Some(_) | None => Ok(()),
    }
}

/// What the parser says to `help TOPIC…`, unless the topic is ours.
fn help_asked(command: &Command) -> Option<clap::Error> {
    let Command::Help { topic } = command else {
        return None;
    };
    if topic.first().is_some_and(|first| first == "exit-codes") {
        return None;
    }
    let words =
        ["mindflight"].into_iter().chain(topic.iter().map(String::as_str)).chain(["--help"]);
    crate::command().try_get_matches_from(words).err()
}

fn refuse(error: &clap::Error, printer: &Printer, streams: &mut Streams<'_>) -> Exit {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || matches!(printer.form, Form::Table | Form::Name) {
        printer.parser(error, streams);
        return if asked { Exit::Done } else { Exit::Usage };
    }
    printer.failure(&help::usage(error), streams);
    Exit::Usage
}

/// The choice behind a flag, found without the parser: also a wrong command line is answered in its form.
fn word_after<T: ValueEnum>(args: &[OsString], short: &str, long: &str) -> Option<T> {
    let mut words = args.iter().map_while(|arg| (arg != "--").then(|| arg.to_str().unwrap_or("")));
    let mut found = None;
    while let Some(word) = words.next() {
        let value = if word == long || (word == short && !short.is_empty()) {
            words.next()
        } else if let Some(value) = word.strip_prefix(long) {
            value.strip_prefix('=')
        } else if !short.is_empty() && !word.starts_with("--") {
            word.strip_prefix(short).map(|value| value.trim_start_matches('='))
        } else {
            None
        };
        found = value.and_then(|value| T::from_str(value, false).ok()).or(found);
    }
    found
}
