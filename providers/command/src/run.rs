//! Runs a program once: without a shell, in a group of its own, for a limited time.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use mindflight_core::api::codes;
use mindflight_core::{Context, Error, Result};
use rustix::io::Errno;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::config::ToolConfig;
use crate::group::{Group, Watch};
use crate::output::{Flood, Output};

/// How long a program that was asked to end may take before it is killed.
pub(crate) const GRACE: Duration = Duration::from_millis(500);
/// How long output is read after the end, if something that left the group still holds it open.
const AFTER_END: Duration = Duration::from_secs(1);
/// Bytes of the error output that are kept.
const MOST_ERRORS: usize = 32 * 1024;

/// What to run.
pub(crate) struct Order<'a> {
    pub(crate) name: &'a str,
    pub(crate) settings: &'a ToolConfig,
    pub(crate) program: &'a Path,
    pub(crate) path: &'a str,
    pub(crate) arguments: Vec<String>,
    pub(crate) stdin: Option<String>,
}

/// How it ended, and what it wrote.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Output,
    pub(crate) errors: Output,
}

/// A program that was just started. Dropped, it is killed.
struct Started {
    group: Group,
    watch: Watch,
    stdin: Option<Stdin>,
    output: std::process::ChildStdout,
    errors: std::process::ChildStderr,
}

struct Stdin {
    pipe: std::process::ChildStdin,
    text: String,
}

/// Why a program is stopped.
enum Cut {
    TimedOut,
    Cancelled,
    Flood,
}

/// Runs it to its end, or stops it with everything that it started. Dropping this kills it.
pub(crate) async fn run(cx: &Context, order: Order<'_>) -> Result<Ended> {
    let (name, timeout) = (order.name, order.settings.timeout.0);
    let deadline = tokio::time::sleep(timeout);
    let (mut output, mut errors) =
        (Output::new(order.settings.max_output_bytes), Output::new(MOST_ERRORS));
    let stdin = order.stdin.clone();
    let command = command(&order);
    let started = spawn_blocking(move || start(command, stdin)).await.map_err(Error::internal)?;
    let Started { group, watch, stdin, output: out, errors: err } =
        started.map_err(|error| not_started(&order, error))?;
    let pipes = Receiver::from_owned_fd(out.into())
        .and_then(|out| Ok((out, Receiver::from_owned_fd(err.into())?)));
    let (out, err) = pipes.map_err(Error::internal)?;
    let mut watching = spawn_blocking(move || watch.wait());
    let cut = {
        let pump =
            async { tokio::try_join!(feed(stdin), output.read(out), errors.read(err)).map(drop) };
        let mut pump = pin!(pump);
        let mut deadline = pin!(deadline);
        let mut pumped = false;
        loop {
            tokio::select! {
                biased;
                status = &mut watching => {
                    if !pumped {
                        // The end of the group closed the pipes; what left it may hold them for ever.
                        drop(tokio::time::timeout(AFTER_END, &mut pump).await);
                    }
                    break Ok(status.map_err(Error::internal)?.map_err(Error::internal)?);
                }
                () = cx.cancelled() => break Err(Cut::Cancelled),
                () = &mut deadline => break Err(Cut::TimedOut),
                read = &mut pump, if !pumped => match read {
                    // It closed its output, and may go on without.
                    Ok(()) => pumped = true,
                    Err(Flood) => break Err(Cut::Flood),
                },
            }
        }
    };
    match cut {
        Ok(status) => Ok(Ended { status, output, errors }),
        Err(cut) => {
            stop(&group, watching).await;
            Err(was_stopped(name, timeout, cut))
        }
    }
}

fn command(order: &Order<'_>) -> Command {
    let mut command = Command::new(order.program);
    let stdin = if order.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    command
        .args(&order.arguments)
        .env_clear()
        .env("PATH", order.path)
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .envs(&order.settings.env)
        .current_dir(&order.settings.working_dir)
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(mut command: Command, text: Option<String>) -> io::Result<Started> {
    let mut child = command.spawn()?;
    let (stdin, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (group, watch) = Group::of(child)?;
    let (Some(output), Some(errors)) = (output, errors) else {
        return Err(io::Error::other("the program has no pipes"));
    };
    let stdin = stdin.zip(text).map(|(pipe, text)| Stdin { pipe, text });
    Ok(Started { group, watch, stdin, output, errors })
}

/// Writes what the program reads. One that does not want it all closes the pipe, which is its right.
async fn feed(stdin: Option<Stdin>) -> Result<(), Flood> {
    if let Some(Stdin { pipe, text }) = stdin
        && let Ok(mut pipe) = Sender::from_owned_fd(pipe.into())
    {
        drop(pipe.write_all(text.as_bytes()).await);
    }
    Ok(())
}

/// Asks the group to end, and kills it if it does not.
async fn stop(group: &Group, mut watching: JoinHandle<io::Result<ExitStatus>>) {
    group.terminate();
    if tokio::time::timeout(GRACE, &mut watching).await.is_err() {
        group.kill();
        // Only a process that the system itself holds takes longer than this.
        drop(tokio::time::timeout(GRACE, watching).await);
    }
}

fn was_stopped(name: &str, timeout: Duration, cut: Cut) -> Error {
    match cut {
        Cut::TimedOut => Error::of(
            codes::TIMEOUT,
            format!("`{name}` did not end within {} ms and was stopped", timeout.as_millis()),
        ),
        Cut::Cancelled => Error::conflict(format!("`{name}` was cancelled and stopped")),
        Cut::Flood => Error::upstream(format!("`{name}` wrote more than 64 MiB and was stopped"))
            .code("command.too_much_output"),
    }
}

fn not_started(order: &Order<'_>, error: io::Error) -> Error {
    let (name, program) = (order.name, order.program.display());
    if error.raw_os_error() == Some(Errno::TOOBIG.raw_os_error()) {
        return Error::too_large(format!(
            "the arguments of `{name}` are longer than the system takes"
        ))
        .fix("Send shorter values.");
    }
    Error::failed(format!("`{program}`, the program of `{name}`, cannot be started: {error}"))
        .code("command.not_started")
        .because(error)
}
