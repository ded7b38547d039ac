//! `cargo xtask ci`: the one list of checks, the same here and in continuous integration.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::workspace::{Workspace, succeeds};

/// A check: what it is called, and the cargo command with the flags of the compiler it wants.
struct Step {
    name: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

// `tests` is the command of the README, word for word.
const STEPS: [Step; 6] = [
    Step { name: "format", args: &["fmt", "--all", "--check"], env: &[] },
    Step {
        name: "lints",
        args: &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: &[],
    },
    Step {
        name: "docs",
        args: &["doc", "--locked", "--workspace", "--no-deps"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Step { name: "book", args: &["xtask", "book"], env: &[] },
    Step { name: "tests", args: &["xtask", "test"], env: &[] },
    // The server that the tests have built, and other faults each time; a seed that fails is printed.
    Step {
        name: "chaos",
        args: &["xtask", "chaos", "--minutes", "5", "--jobs", "100000", "--profile", "dev"],
        env: &[],
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let begun = Instant::now();
    for component in ["rustfmt", "clippy"] {
        ensure_component(workspace, component)?;
    }
    for step in &STEPS {
        let mut command = workspace.cargo(step.args);
        command.envs(step.env.iter().copied());
        println!("\n=== {}: {}", step.name, described(step));
        let started = Instant::now();
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        let took = seconds(started.elapsed());
        if !status.success() {
            println!(
                "=== {} failed after {took}; run it alone with: {}",
                step.name,
                described(step)
            );
            return Ok(ExitCode::FAILURE);
        }
        println!("=== {} passed in {took}", step.name);
    }
    println!("\n=== all {} steps passed in {}", STEPS.len(), seconds(begun.elapsed()));
    Ok(ExitCode::SUCCESS)
}

/// Installs a missing component of the toolchain, if rustup manages it.
fn ensure_component(workspace: &Workspace, component: &str) -> Result<()> {
    let (name, package) = match component {
        "rustfmt" => ("fmt", "rustfmt"),
        _ => (component, component),
    };
    if workspace.has_cargo_command(name) {
        return Ok(());
    }
    println!("installing the toolchain's {package}");
    if succeeds(Command::new("rustup").current_dir(workspace.root()).args([
        "component",
        "add",
        package,
    ])) {
        return Ok(());
    }
    bail!(
        "`cargo {name}` is missing and `rustup component add {package}` does not install it; \
         install {package} as you installed cargo"
    )
}

/// The step as a line to paste into a shell.
fn described(step: &Step) -> String {
    let mut line = String::new();
    for (name, value) in step.env {
        line.push_str(&format!("{name}='{value}' "));
    }
    line.push_str("cargo ");
    line.push_str(&step.args.join(" "));
    line
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_shown_as_a_line_that_can_be_pasted() {
        let lines: Vec<_> = STEPS.iter().map(described).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert!(lines[2].starts_with("RUSTDOCFLAGS='-D warnings' cargo doc "), "{}", lines[2]);
    }

    #[test]
    fn the_tests_are_the_readmes_command_and_chaos_reuses_what_they_built() {
        let lines: Vec<_> = STEPS.iter().map(described).collect();
        let at = lines.iter().position(|line| line == "cargo xtask test");
        let chaos = at.and_then(|at| lines.get(at + 1)).map(String::as_str);
        assert!(chaos.is_some_and(|line| line.starts_with("cargo xtask chaos ")), "{lines:?}");
        assert!(chaos.is_some_and(|line| line.ends_with(" --profile dev")), "{lines:?}");
    }
}
