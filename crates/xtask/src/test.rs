//! `cargo xtask test`: every test of the workspace, on a real database and with the real binary.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::{Workspace, exit_code};
use crate::{outside, postgres};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to the runner: `cargo nextest run` where it is installed, else `cargo test`.
    /// With arguments the doctests are left out, since the arguments chose what to run.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    postgres::ensure_database("TEST_DATABASE_URL")?;
    // Tests that spawn the server look for it beside their own executable.
    workspace.build_server(false)?;
    // Doctests first, so that the last lines of the run are the runner's own.
    let doctests = if args.args.is_empty() {
        exit_code(&mut workspace.cargo(["test", "--workspace", "--doc", "--no-fail-fast"]))?
    } else {
        ExitCode::SUCCESS
    };
    if args.args.is_empty() {
        let built = outside::build(workspace)?;
        if built != ExitCode::SUCCESS {
            return Ok(built);
        }
    }
    let runner: &[&str] = if workspace.has_cargo_command("nextest") {
        &["nextest", "run"]
    } else if args.args.is_empty() {
        // The flags below leave examples out, and the tests run one: a third party's binary.
        let built = exit_code(&mut workspace.cargo(["build", "--workspace", "--examples"]))?;
        if built != ExitCode::SUCCESS {
            return Ok(built);
        }
        // As nextest does: one failing crate does not hide the others, and doctests are apart.
        &["test", "--no-fail-fast", "--lib", "--bins", "--tests"]
    } else {
        &["test"]
    };
    let mut command = workspace.cargo(runner);
    if !selects_packages(&args.args) {
        command.arg("--workspace");
    }
    let tests = exit_code(command.args(&args.args))?;
    if doctests != ExitCode::SUCCESS {
        eprintln!("error: doctests failed; see above, or run: cargo test --workspace --doc");
        return Ok(doctests);
    }
    Ok(tests)
}

/// Whether the arguments say which packages to test.
fn selects_packages(args: &[OsString]) -> bool {
    args.iter().map_while(|arg| arg.to_str()).take_while(|arg| *arg != "--").any(|arg| {
        arg == "--package"
            || arg.starts_with("--package=")
            || (arg.starts_with("-p") && !arg.starts_with("--"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        let selects =
            |args: &[&str]| selects_packages(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(selects(&["-p", "mindflight-core"]));
        assert!(selects(&["-pmindflight-core", "lease"]));
        assert!(selects(&["lease", "--package=mindflight-core"]));
        assert!(!selects(&[]));
        assert!(!selects(&["lease", "--profile", "ci"]));
        assert!(!selects(&["lease", "--", "-p"]));
    }
}
