//! What a page shows, and whether that is what happens: its blocks, its commands with their answers, and a shell to type
//! them into.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Where a server listens that was not told otherwise.
pub(crate) const ADDRESS: &str = "http://127.0.0.1:8080";

/// Stands alone on the line after a command's output.
const END: &str = "-- end of the output, status";

/// What a shell needs of the environment; the rest belongs to the tests.
pub(crate) const KEPT: [&str; 5] = ["PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME"];

/// The section below a heading.
pub(crate) fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`"));
    rest.split("\n## ").next().unwrap()
}

/// The blocks of this language.
pub(crate) fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("\n```{language}\n");
    let starts = text.split(&fence).skip(1);
    starts.map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// A command of a console block, and the lines below it.
pub(crate) struct Shown<'a> {
    pub(crate) command: &'a str,
    pub(crate) answer: Vec<&'a str>,
}

/// The commands of a text's console blocks.
pub(crate) fn shown(text: &str) -> Vec<Shown<'_>> {
    blocks(text, "console").into_iter().flat_map(commands).collect()
}

/// The commands of a console block.
pub(crate) fn commands(block: &str) -> Vec<Shown<'_>> {
    let mut all: Vec<Shown<'_>> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => all.push(Shown { command, answer: Vec::new() }),
            None => all.last_mut().expect("an answer follows a command").answer.push(line),
        }
    }
    all
}

impl Shown<'_> {
    /// Checks what was printed.
    #[track_caller]
    pub(crate) fn is(&self, printed: &str) {
        let lines: Vec<&str> = printed.lines().collect();
        let shown = self.answer.join("\n");
        let same = all_fit(&self.answer, &lines);
        assert!(same, "`{}` is shown with\n{shown}\nand prints\n{printed}", self.command);
    }
}

/// Whether all lines are as shown; a line that is `…` alone stands for any number of them.
fn all_fit(shown: &[&str], lines: &[&str]) -> bool {
    match (shown.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => {
            (0..=lines.len()).any(|skipped| all_fit(rest, &lines[skipped..]))
        }
        (Some((first, shown)), Some((line, lines))) => fits(first, line) && all_fit(shown, lines),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether a line is as shown; `…` stands for what is different each time.
pub(crate) fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = if part.is_empty() { "" } else { after };
    }
    rest.is_empty()
}

/// A shell as a person has it open: what one line sets is there for the next.
pub(crate) struct Shell {
    /// Killed with the shell.
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    /// A shell in a folder, with these variables besides its own.
    pub(crate) fn new(folder: &std::path::Path, variables: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        shell.current_dir(folder).env_clear().kill_on_drop(true);
        for kept in KEPT {
            if let Some(value) = std::env::var_os(kept) {
                shell.env(kept, value);
            }
        }
        shell.envs(variables.iter().copied());
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, stdin, lines }
    }

    /// Types a line; gives what it prints, to whichever stream.
    pub(crate) async fn types(&mut self, line: &str) -> String {
        // Not a terminal: curl would show its progress.
        let line = match line.strip_prefix("curl ") {
            Some(rest) => format!("curl --silent --show-error {rest}"),
            None => line.to_owned(),
        };
        let script = format!("{{ {line}\n}} </dev/null 2>&1\nprintf '\\n{END} %s\\n' $?\n");
        self.stdin.write_all(script.as_bytes()).await.unwrap();
        let mut printed = String::new();
        loop {
            let next = self.lines.next_line().await.unwrap();
            let next = next.unwrap_or_else(|| panic!("`{line}` ended the shell: {printed}"));
            if next.starts_with(END) {
                // The line end before the mark is not the command's.
                printed.truncate(printed.trim_end_matches('\n').len());
                return printed;
            }
            printed.push_str(&next);
            printed.push('\n');
        }
    }
}

#[test]
fn an_ellipsis_stands_for_anything_within_a_line_and_alone_for_any_lines() {
    assert!(fits("request: …", "request: 018f") && fits("a … c", "a b c") && fits("a", "a"));
    assert!(!fits("a", "ab") && !fits("a … c", "a b d") && !fits("request: …", "fix: x"));
    assert!(all_fit(&["a", "…", "d"], &["a", "b", "c", "d"]) && all_fit(&["…", "a"], &["a"]));
    assert!(!all_fit(&["a", "…", "d"], &["a", "b"]) && !all_fit(&["a"], &["a", "b"]));
}

#[tokio::test]
async fn what_one_line_sets_is_there_for_the_next() {
    let mut shell = Shell::new(std::path::Path::new("/"), &[("OUTER", "o")]);
    assert_eq!(shell.types("A=1; export B=2").await, "");
    assert_eq!(shell.types("printf '%s' \"$A$B$OUTER\"; sh -c 'echo no >&2'").await, "12ono");
    assert_eq!(shell.types("cd /tmp; false").await, "");
    assert_eq!(shell.types("pwd").await, "/tmp");
}
