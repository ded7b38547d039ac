//! The drivers of other queues: their sources are copied, and what they need is installed beside the copies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// What a driver is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Node,
    Rust,
    Ours,
}

/// Where the script keeps its list of drivers.
const LIST: &str = "PEERS = {\n";

/// Our entry of that list.
const OURS: &str = r#"    "mindflight": dict(cmd=[os.environ["MINDFLIGHT_BENCH"], "peer"],
        left="SELECT EXISTS(SELECT FROM mindflight.ready) OR EXISTS(SELECT FROM mindflight.lease)",
        count="SELECT (SELECT count(*) FROM mindflight.ready) + (SELECT count(*) FROM mindflight.lease)",
        clear="TRUNCATE mindflight.ready, mindflight.lease, mindflight.job, mindflight.outcome, mindflight.attempt, mindflight.log_line, mindflight.progress"),
"#;

/// What is installed and built stays when the sources are copied again.
const KEPT: [&str; 5] = ["venv", "node_modules", "target", "out", "__pycache__"];

/// Drivers that are ready.
pub(super) struct Drivers {
    pub(super) folder: PathBuf,
    /// Our own program.
    pub(super) ours: PathBuf,
    node: Result<()>,
    rust: Result<()>,
}

impl Drivers {
    /// Copies and installs them. What cannot be installed is left out, but for what the script itself needs.
    pub(super) fn prepare(sources: &Path, folder: &Path) -> Result<Self> {
        println!(
            "drivers of other queues: {}, installed in {}",
            sources.display(),
            folder.display()
        );
        copy(sources, folder)?;
        let script = folder.join("bench.py");
        let text = fs::read_to_string(&script).context("the drivers have no bench.py")?;
        fs::write(&script, with_ours(&text)?).context("cannot add our line to bench.py")?;
        python(folder).context("the script needs Python with psycopg")?;
        let ours = std::env::current_exe().context("our own program is not to be found")?;
        let (node, rust) = (node(&folder.join("node")), build(&folder.join("rust")));
        Ok(Self { folder: folder.to_owned(), ours, node, rust })
    }

    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }

    /// Whether this was installed, or why not.
    pub(super) fn has(&self, part: Part) -> Result<()> {
        let installed = match part {
            Part::Node => &self.node,
            Part::Rust => &self.rust,
            Part::Ours => return Ok(()),
        };
        match installed {
            Ok(()) => Ok(()),
            Err(error) => bail!("{error:#}"),
        }
    }
}

fn with_ours(script: &str) -> Result<String> {
    ensure!(script.contains(LIST), "bench.py has no list of peers");
    Ok(script.replacen(LIST, &format!("{LIST}{OURS}"), 1))
}

/// Copies the sources; newer copies of what was installed stay.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if KEPT.iter().any(|kept| name == **kept) {
            continue;
        }
        let target = to.join(&name);
        if path.is_dir() {
            copy(&path, &target)?;
        } else if !is_same(&path, &target) {
            // Only what has changed: cargo would build anew what looks new.
            fs::copy(&path, &target).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn python(folder: &Path) -> Result<()> {
    let python = folder.join("venv/bin/python");
    if succeeds(Command::new(&python).args(["-c", "import psycopg"])) {
        return Ok(());
    }
    println!("installing psycopg");
    done(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
    done(Command::new(python).args(["-m", "pip", "install", "--quiet", "psycopg[binary]"]))
}

fn node(folder: &Path) -> Result<()> {
    let node = folder.join("node_modules/.bin/node");
    if !succeeds(Command::new(&node).arg("--version")) {
        println!("installing the drivers for Node.js");
        let mut npm = Command::new("npm");
        done(npm.args(["install", "--no-audit", "--no-fund", "--silent"]).current_dir(folder))?;
    }
    done(Command::new(node).arg("--version"))
}

/// Builds a program that is no part of our workspace, in its own folder.
pub(super) fn build(folder: &Path) -> Result<()> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).context("no Cargo.toml")?;
    if !text.contains("[workspace]") {
        fs::write(&manifest, format!("{text}\n[workspace]\n"))
            .context("cannot write Cargo.toml")?;
    }
    println!("building {}", folder.display());
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--quiet", "--target-dir", "target"]).current_dir(folder);
    done(&mut cargo)
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn done(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.trim().lines().rev().take(3).collect();
    let last = last.into_iter().rev().collect::<Vec<_>>().join(" / ");
    ensure!(output.status.success(), "{command:?} ended with {}: {last}", output.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_line_stands_first_in_the_list_of_the_script() {
        let text = with_ours("import os\nPEERS = {\n    \"gw\": 1,\n}\n").unwrap();
        assert!(text.starts_with("import os\nPEERS = {\n    \"mindflight\": dict("), "{text}");
        assert!(text.ends_with("    \"gw\": 1,\n}\n"), "{text}");
        assert!(with_ours("nothing").is_err());
    }

    #[test]
    fn what_was_installed_beside_a_copy_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("node/node_modules")).unwrap();
        fs::write(from.join("node/a.mjs"), "new").unwrap();
        fs::write(from.join("node/node_modules/b"), "theirs").unwrap();
        fs::create_dir_all(to.join("node/node_modules")).unwrap();
        fs::write(to.join("node/node_modules/b"), "installed").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("node/a.mjs")).unwrap(), "new");
        assert_eq!(fs::read_to_string(to.join("node/node_modules/b")).unwrap(), "installed");
    }
}
