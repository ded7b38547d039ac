//! The pages, and their blocks.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The tags that blocks may have. Those that this test reads are the first.
const TAGS: &[&str] = &[
    "sh",
    "console",
    "json",
    "jsonl",
    "yaml",
    "",
    "rust",
    "ignore",
    "no_run",
    "compile_fail",
    "toml",
    "text",
    "diff",
    "http",
    "sql",
    "ini",
    "systemd",
    "nginx",
    "caddy",
    "haproxy",
    "dockerfile",
    "promql",
    "javascript",
    "typescript",
    "python",
    "html",
    "mermaid",
];

/// A page.
pub(super) struct Page {
    /// From the root of the repository.
    pub(super) path: String,
    pub(super) text: String,
}

/// A block of code.
pub(super) struct Block<'a> {
    pub(super) page: &'a str,
    /// The number of its first line.
    pub(super) line: usize,
    pub(super) tag: &'a str,
    /// What follows the tag: `abridged`.
    pub(super) marks: &'a str,
    pub(super) lines: Vec<&'a str>,
}

/// What is wrong, where, and what to do.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) page: String,
    line: usize,
    pub(super) text: String,
}

impl Finding {
    pub(super) fn new(page: &str, line: usize, text: impl Into<String>) -> Self {
        Self { page: page.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.page, self.line, self.text)
    }
}

/// The root of the repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Page {
    /// Every page of the repository.
    pub(super) fn all() -> Vec<Self> {
        let (root, mut paths) = (root(), Vec::new());
        for folder in ["docs", "examples", "providers", "crates", "migrations"] {
            collect(&root.join(folder), &mut paths);
        }
        paths.push(root.join("README.md"));
        paths.sort();
        paths.iter().map(|path| Self::read(&root, path)).collect()
    }

    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        Self { path: path.strip_prefix(root).unwrap().display().to_string(), text }
    }

    /// Its blocks, those of list items too.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut open: Option<(&str, usize)> = None;
        for (number, line) in self.text.lines().enumerate() {
            let inner = line.trim_start();
            let ticks = &inner[..inner.len() - inner.trim_start_matches('`').len()];
            let info = inner[ticks.len()..].trim();
            match open {
                None if ticks.len() >= 3 && !info.contains('`') => {
                    open = Some((ticks, line.len() - inner.len()));
                    let (tag, marks) = info.split_once([',', ' ']).unwrap_or((info, ""));
                    let line = number + 2;
                    blocks.push(Block { page: &self.path, line, tag, marks, lines: Vec::new() });
                }
                None => {}
                Some((fence, _)) if ticks.len() >= fence.len() && info.is_empty() => open = None,
                Some((_, indent)) => {
                    let line = line.get(indent..).unwrap_or(inner);
                    blocks.last_mut().unwrap().lines.push(line);
                }
            }
        }
        blocks
    }

    /// The lines outside blocks, with their numbers from 1.
    pub(super) fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let blocks = self.blocks();
        let inside: Vec<(usize, usize)> =
            blocks.iter().map(|block| (block.line - 1, block.line + block.lines.len())).collect();
        let lines = self.text.lines().enumerate().map(|(number, line)| (number + 1, line));
        lines.filter(move |(number, _)| {
            !inside.iter().any(|(from, to)| (from..=to).contains(&number))
        })
    }
}

impl Block<'_> {
    /// A finding in a line of the block, counted from 0.
    pub(super) fn finding(&self, line: usize, text: impl Into<String>) -> Finding {
        Finding::new(self.page, self.line + line, text)
    }

    /// What hides commands from this test: a tag that it does not know, or none.
    pub(super) fn untagged(&self) -> Option<Finding> {
        if !TAGS.contains(&self.tag) {
            let text = format!(
                "`{}` is no tag of ours; commands are `sh` (or `console`, with `$ ` and their output), data is `json` or `yaml`, all else `text`",
                self.tag
            );
            return Some(self.finding(0, text));
        }
        let is_command = |line: &str| {
            ["$ ", "mindflight ", "curl ", "cargo "].iter().any(|start| line.starts_with(start))
        };
        (self.tag.is_empty() && self.lines.iter().any(|line| is_command(line)))
            .then(|| self.finding(0, "a block with commands has no tag; write `sh`, or `console` with `$ ` and the output, or `text` for a pattern of commands"))
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy();
        match path.is_dir() {
            true if name.starts_with('.')
                || ["target", "node_modules", "book"].contains(&&*name) => {}
            true => collect(&path, into),
            false if name.ends_with(".md") => into.push(path),
            false => {}
        }
    }
}
