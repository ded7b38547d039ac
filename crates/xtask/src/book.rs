//! `cargo xtask book`: the manual as pages, from the texts in `docs/`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// What `cargo xtask book` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Open the first page when all are built.
    #[arg(long)]
    open: bool,
}

/// The mdBook that is installed where there is none of its line.
const VERSION: &str = "0.5.4";
/// What `mdbook --version` begins with if it reads our `book.toml`.
const LINE: &str = "mdbook v0.5.";

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mdbook = ensure_mdbook(workspace)?;
    let mut command = Command::new(&mdbook);
    command.arg("build").arg(workspace.root().join("docs"));
    if args.open {
        command.arg("--open");
    }
    // Only what is worth reading, and without colours between the words that are looked for.
    command.env("MDBOOK_LOG", "warn").env("NO_COLOR", "1");
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    print!("{said}");
    if !output.status.success() || has_complaint(&said) {
        eprintln!("error: mdBook complains about docs/; its words are above");
        return Ok(ExitCode::FAILURE);
    }
    println!("the manual is in {}", workspace.root().join("target/book/index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// An mdBook that can be used: in `PATH`, else in `target/tools`, where it is installed once.
fn ensure_mdbook(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.root().join("target/tools");
    let installed = tools.join("bin/mdbook");
    for candidate in [PathBuf::from("mdbook"), installed.clone()] {
        if is_usable(&candidate) {
            return Ok(candidate);
        }
    }
    eprintln!("no mdBook of this line found; installing {VERSION} into {}", tools.display());
    let status = workspace
        .cargo(["install", "mdbook", "--version", VERSION, "--locked", "--no-default-features"])
        .arg("--root")
        .arg(&tools)
        .status()
        .context("cannot run cargo")?;
    if !status.success() || !is_usable(&installed) {
        bail!("mdBook {VERSION} could not be installed; cargo's messages are above");
    }
    Ok(installed)
}

fn is_usable(mdbook: &Path) -> bool {
    Command::new(mdbook)
        .arg("--version")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with(LINE))
}

/// mdBook warns of links and files that are not there, and builds the rest all the same.
fn has_complaint(said: &str) -> bool {
    said.lines().any(|line| line.split_whitespace().any(|word| word == "WARN" || word == "ERROR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_a_complaint_and_progress_is_none() {
        assert!(has_complaint(" INFO Book building has started\n WARN unclosed HTML tag"));
        assert!(has_complaint("ERROR chapter not found"));
        assert!(!has_complaint(" INFO Running the html backend\n INFO WARNINGS.md"));
    }

    #[test]
    fn what_is_installed_is_of_the_line_that_is_used() {
        assert!(format!("mdbook v{VERSION}").starts_with(LINE));
    }

    #[test]
    fn a_program_that_is_not_there_is_not_used() {
        assert!(!is_usable(Path::new("/no/such/folder/mdbook")));
    }
}
