//! What the rules look at: the files of the checkout and cargo's view of the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

/// The folder of the workspace manifest.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        here.ancestors().nth(2).expect("xtask is two folders down").to_path_buf()
    })
}

/// The text of a file, named from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
}

/// The files below a folder that end so, named from the root, sorted; hidden folders and build output are left out.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder entry is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, ending, found);
        } else if name.ends_with(ending) {
            let inside = path.strip_prefix(root()).expect("the walk stays inside the root");
            found.push(inside.to_string_lossy().into_owned());
        }
    }
}

/// The names in a folder that are not hidden, sorted.
pub(crate) fn names(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("a folder entry is readable").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

/// What `cargo metadata` says.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None, `dev` or `build`.
    pub(crate) kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

impl Package {
    /// The package's folder, named from the root.
    pub(crate) fn folder(&self) -> String {
        let folder = self.manifest_path.parent().expect("a manifest is in a folder");
        folder.strip_prefix(root()).unwrap_or(folder).to_string_lossy().into_owned()
    }
}

impl Metadata {
    /// Our own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Every package that some build of ours, on some platform, would compile. The lock file and the
    /// metadata hold more: optional dependencies that nobody switches on.
    pub(crate) fn built(&self) -> Vec<&Package> {
        let tree = cargo(&[
            "tree",
            "--locked",
            "--workspace",
            "--target",
            "all",
            "--edges",
            "all",
            "--prefix",
            "none",
        ]);
        let built: BTreeSet<_> = tree
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.next()?.strip_prefix('v')?))
            })
            .collect();
        self.packages
            .iter()
            .filter(|package| built.contains(&(package.name.as_str(), package.version.as_str())))
            .collect()
    }

    /// Who lists the package, for a failure text.
    pub(crate) fn users(&self, package: &Package) -> String {
        let users: Vec<_> = self
            .resolve
            .nodes
            .iter()
            .filter(|node| node.dependencies.contains(&package.id))
            .filter_map(|node| self.packages.iter().find(|user| user.id == node.id))
            .map(|user| format!("{} {}", user.name, user.version))
            .collect();
        users.join(", ")
    }
}

/// Cargo's view of the workspace, read once.
pub(crate) fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let json = cargo(&["metadata", "--format-version", "1", "--locked"]);
        serde_json::from_str(&json).expect("cargo's metadata has the documented shape")
    })
}

/// What a cargo command prints. Without the network if that is enough.
pub(crate) fn cargo(args: &[&str]) -> String {
    let run = |offline: &[&str]| {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root())
            .args(args)
            .args(offline)
            .output()
            .expect("cargo runs")
    };
    let mut output = run(&["--offline"]);
    if !output.status.success() {
        output = run(&[]);
    }
    assert!(
        output.status.success(),
        "`cargo {}` failed:\n{}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// Fails with all offenders at once, under the rule that they break.
#[track_caller]
pub(crate) fn assert_none(rule: &str, offenders: &[String]) {
    assert!(
        offenders.is_empty(),
        "\n{rule}\n\n{} offend:\n  {}\n",
        offenders.len(),
        offenders.join("\n  ")
    );
}

#[test]
fn the_walk_finds_this_file_and_nothing_that_was_built() {
    let found = files("crates/xtask", ".rs");
    assert!(found.contains(&"crates/xtask/tests/it/tree.rs".to_owned()), "{found:?}");
    assert!(files("", ".rs").iter().all(|path| !path.starts_with("target/")));
}

#[test]
fn what_is_built_is_a_part_of_what_is_locked() {
    let metadata = metadata();
    let built: Vec<_> = metadata.built().iter().map(|package| package.name.as_str()).collect();
    assert!(built.len() < metadata.packages.len());
    assert!(built.contains(&"mindflight-xtask") && built.contains(&"serde_json"));
}
