//! Cargo on crates that are no members of the workspace, as their authors run it.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::rig::BINARY;

/// A crate somewhere, built where the workspace is built: most of what it needs lies there already.
pub(crate) struct Outside {
    folder: PathBuf,
    target: PathBuf,
}

impl Outside {
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        // `<target>/debug/mindflight`, whatever CARGO_TARGET_DIR says now.
        let target = Path::new(BINARY).ancestors().nth(2).unwrap().to_path_buf();
        Self { folder: folder.into(), target }
    }

    /// A program that was built.
    pub(crate) fn program(&self, name: &str) -> String {
        self.target.join("debug").join(name).display().to_string()
    }

    /// Runs cargo, which has to succeed; gives what it said.
    pub(crate) async fn cargo(&self, arguments: &[&str]) -> String {
        self.run(arguments, false).await
    }

    /// The same with clippy as the compiler of the crate itself, and every warning an error.
    ///
    /// What the crate depends on is not compiled again for it, as `cargo clippy` would do.
    pub(crate) async fn linted(&self, arguments: &[&str]) -> String {
        self.run(arguments, true).await
    }

    async fn run(&self, arguments: &[&str], linted: bool) -> String {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        // What the tests' own cargo says about the tests' own crate.
        for (name, _) in std::env::vars_os() {
            let of_tests = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
            if of_tests || name == "DATABASE_URL" {
                command.env_remove(&name);
            }
        }
        if let Some(driver) = clippy(Path::new(&cargo)).filter(|_| linted) {
            command.env("RUSTC_WORKSPACE_WRAPPER", driver);
            command.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
        }
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            output.status.success(),
            "`cargo {}` in {}; if a lock file is old, run `cargo xtask prepare`:\n{said}",
            arguments.join(" "),
            self.folder.display()
        );
        said
    }
}

/// The driver of clippy, beside cargo in its toolchain or on the PATH. `cargo xtask ci` sees to it that there is one;
/// where tests alone are run, a toolchain without it is no failure of theirs.
fn clippy(cargo: &Path) -> Option<PathBuf> {
    let beside = cargo.with_file_name("clippy-driver");
    let found = [beside, PathBuf::from("clippy-driver")];
    found.into_iter().find(|driver| {
        let asked = std::process::Command::new(driver).arg("--version").output();
        asked.is_ok_and(|answer| answer.status.success())
    })
}
