//! The crate of `examples/` that is a third party's: no member of the workspace, with a lock file and a build of its own.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::workspace::{Workspace, exit_code, succeeds};

/// Its folder.
const FOLDER: &str = "examples/third-party-provider";

/// Builds it where the tests look for it, so that they find it built and do not compile beside one another.
///
/// With its tests, because those choose more features of some dependencies: a build without them would be another.
pub(crate) fn build(workspace: &Workspace) -> Result<ExitCode> {
    let target = workspace.target()?;
    let mut command =
        workspace.cargo(["build", "--workspace", "--all-targets", "--locked", "--offline"]);
    command.current_dir(workspace.root().join(FOLDER)).env("CARGO_TARGET_DIR", target);
    let built = exit_code(&mut command)?;
    if built != ExitCode::SUCCESS {
        eprintln!("error: {FOLDER} does not build; if its lock file is old: cargo xtask prepare");
    }
    Ok(built)
}

/// Its lock file as it has to be: the versions of the workspace, without those that it does not use.
pub(crate) fn refresh_lock(workspace: &Workspace, check: bool) -> Result<ExitCode> {
    let shown = format!("{FOLDER}/Cargo.lock");
    let path = workspace.root().join(&shown);
    let before = fs::read_to_string(&path).unwrap_or_default();
    let root = workspace.root().join("Cargo.lock");
    fs::copy(&root, &path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut update = workspace.cargo(["update", "--workspace", "--offline", "--quiet"]);
    let updated = succeeds(update.current_dir(workspace.root().join(FOLDER)));
    let after = read(&path)?;
    if check || !updated {
        fs::write(&path, &before).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if !updated {
        eprintln!("error: {shown} cannot be made; run `cargo update --workspace` in {FOLDER}");
        return Ok(ExitCode::FAILURE);
    }
    if before == after {
        println!("{shown} is up to date");
        return Ok(ExitCode::SUCCESS);
    }
    if check {
        eprintln!("error: {shown} is not up to date; run `cargo xtask prepare` and commit it");
        return Ok(ExitCode::FAILURE);
    }
    println!("{shown} has the workspace's versions now; commit it");
    Ok(ExitCode::SUCCESS)
}

fn read(path: &PathBuf) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
