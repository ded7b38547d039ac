//! The checkout, the cargo that started us, and the two things we ask of it: run this, build the server.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The checkout that the commands work on.
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: OsString,
}

impl Workspace {
    /// The checkout that this program belongs to: `cargo run` names our crate's folder.
    pub(crate) fn find() -> Result<Self> {
        let crate_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = crate_dir
            .ancestors()
            .nth(2)
            .with_context(|| format!("{} is not <checkout>/crates/xtask", crate_dir.display()))?;
        Ok(Self {
            root: root.to_path_buf(),
            cargo: env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")),
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A cargo command on this checkout.
    pub(crate) fn cargo<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root).args(args);
        command
    }

    /// Where cargo builds.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let mut command = self.cargo(["metadata", "--no-deps", "--format-version", "1"]);
        let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
        let facts: Metadata = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{command:?}` gives no metadata"))?;
        Ok(facts.target_directory)
    }

    /// Whether `cargo <name>` exists.
    pub(crate) fn has_cargo_command(&self, name: &str) -> bool {
        succeeds(&mut self.cargo([name, "--version"]))
    }

    /// Builds the server, showing cargo's progress, and says where the program is.
    pub(crate) fn build_server(&self, release: bool) -> Result<PathBuf> {
        let profile = if release { "release" } else { "dev" };
        let [server] = self.build(["mindflight"], profile)?;
        Ok(server)
    }

    /// Builds these programs, showing cargo's progress, and says where they are.
    ///
    /// Features are chosen over the whole workspace, as they are for the tests: with `-p mindflight`
    /// cargo would choose fewer for some dependencies and build half the tree a second time.
    pub(crate) fn build<const N: usize>(
        &self,
        programs: [&str; N],
        profile: &str,
    ) -> Result<[PathBuf; N]> {
        let mut command = self.cargo(["build", "--workspace", "--profile", profile]);
        for name in programs {
            command.args(["--bin", name]);
        }
        let output = command
            .arg("--message-format=json-render-diagnostics")
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {command:?}"))?;
        if !output.status.success() {
            bail!("{} does not build; cargo's messages are above", programs.join(", "));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let mut paths = [const { PathBuf::new() }; N];
        for (path, name) in paths.iter_mut().zip(programs) {
            *path = program(&messages, name).with_context(|| {
                format!("cargo built no program named `{name}`; is its crate still a member?")
            })?;
        }
        Ok(paths)
    }
}

/// Runs the command with our terminal and answers with its exit code.
pub(crate) fn exit_code(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    // A signal leaves no code; as a shell does, we still answer with a failure.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Whether the command runs and exits with 0; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether the variable is set to something: an empty one counts as unset.
pub(crate) fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The path of a program in cargo's JSON messages, one on each line.
fn program(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == name))
        .find_map(|message| message.executable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_among_cargos_messages() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"name":"mindflight","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"other","kind":["bin"]},"executable":"/t/debug/other"}
a line that is no message
{"reason":"compiler-artifact","target":{"name":"mindflight","kind":["bin"]},"executable":"/t/debug/mindflight"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(program(messages, "mindflight"), Some(PathBuf::from("/t/debug/mindflight")));
        assert_eq!(program(messages, "other"), Some(PathBuf::from("/t/debug/other")));
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#, "mindflight"), None);
    }

    #[test]
    fn the_checkout_is_the_folder_of_the_workspace_manifest() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root().join("Cargo.toml").is_file());
        assert!(workspace.root().join("crates/xtask").is_dir());
    }

    #[test]
    fn an_exit_code_is_passed_on() {
        let code = exit_code(Command::new("/bin/sh").args(["-c", "exit 7"])).unwrap();
        assert_eq!(code, ExitCode::from(7));
        let killed = exit_code(Command::new("/bin/sh").args(["-c", "kill -9 $$"])).unwrap();
        assert_eq!(killed, ExitCode::FAILURE);
    }
}
