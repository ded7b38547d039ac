//! One step of an installation: a program is looked for, run, and heard.

use super::{InstallOptions, Source};
use crate::{Error, programs};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SHOWN_LINES: usize = 12;

/// The program in `PATH`.
pub(super) fn program(name: &str, source: Source, to: &InstallOptions) -> Result<PathBuf, Error> {
    let path = to.find.path.clone().unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_absolute() && file.is_file())
        .ok_or_else(|| Error::Missing {
            source,
            needs: format!("there is no program `{name}` in PATH"),
        })
}

/// A command as ourselves: installing is what we are asked to do with our own rights.
pub(super) fn command(program: &Path, to: &InstallOptions) -> Command {
    let mut command = programs::command(program, &to.find, None);
    // Proxies, certificates and registries are named there.
    command.envs(to.find.environment.iter().map(|(name, value)| (name, value)));
    command
}

/// Runs a step that takes long; its lines go to `progress`.
pub(super) fn run_aloud(
    mut command: Command,
    source: Source,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let step = written(&command);
    progress(&step);
    let fail = |error: std::io::Error| Error::Install {
        source,
        step: step.clone(),
        output: error.to_string(),
    };
    let (reader, writer) = std::io::pipe().map_err(fail)?;
    command.stdout(writer.try_clone().map_err(fail)?).stderr(Stdio::from(writer));
    let mut child = command.spawn().map_err(fail)?;
    // The command keeps copies of the pipe's end, which would hold it open for ever.
    drop(command);
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line.map_err(fail)?).trim_end().to_owned();
        if !line.is_empty() {
            progress(&format!("  {line}"));
            lines.push(line);
        }
    }
    if child.wait().map_err(fail)?.success() {
        return Ok(());
    }
    let output = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
    Err(Error::Install { source, step, output })
}

/// Runs a step whose output is an answer.
pub(super) fn run(mut command: Command, source: Source) -> Result<String, Error> {
    let output = programs::run(&mut command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::Install { source, step: written(&command), output: programs::text(&output) })
}

fn written(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let mut words = vec![program.to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
