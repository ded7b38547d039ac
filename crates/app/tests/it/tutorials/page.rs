//! A tutorial as steps: commands with their answers, and changes of files.

use std::fs;
use std::path::Path;

use crate::shown::{Shown, commands};

/// What the reader does next.
pub(super) enum Step<'a> {
    Type(Shown<'a>),
    /// A `diff` block: its first line is `--- FILE`, then come lines that stay, go (`-`) or come (`+`).
    Change {
        file: &'a str,
        lines: Vec<&'a str>,
    },
}

/// The steps of a page. A block of another kind would be a step that nobody tries.
pub(super) fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (tag, body) = block.split_once('\n').unwrap();
        match tag {
            "console" => steps.extend(commands(body).into_iter().map(Step::Type)),
            "diff" => {
                let mut lines = body.lines();
                let file = lines.next().and_then(|line| line.strip_prefix("--- "));
                let file = file.expect("a change begins with `--- FILE`");
                steps.push(Step::Change { file, lines: lines.collect() });
            }
            "text" => {}
            tag => panic!("a tutorial has blocks of kind console, diff and text; this is `{tag}`"),
        }
    }
    assert!(!steps.is_empty(), "no steps");
    steps
}

/// Makes a change. What is to be replaced stands in the file exactly once.
pub(super) fn apply(file: &Path, lines: &[&str]) {
    let without = |mark: char| -> String {
        let kept = lines.iter().filter(|line| !line.starts_with(mark));
        kept.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    let (before, after) = (without('+'), without('-'));
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let found = text.matches(&before).count();
    assert_eq!(found, 1, "{} has this {found} times:\n{before}\nit is\n{text}", file.display());
    fs::write(file, text.replacen(&before, &after, 1)).unwrap();
}

#[test]
fn a_change_replaces_what_goes_by_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, "one\ntwo\n\nthree\n").unwrap();
    let page = "\n```diff\n--- a\n two\n\n-three\n+3\n+4\n```\n\n```console\n$ ls\na\n```\n";
    let [Step::Change { file: name, lines }, Step::Type(typed)] = &steps(page)[..] else {
        panic!("two steps")
    };
    apply(&folder.path().join(name), lines);
    assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\n\n3\n4\n");
    assert_eq!((typed.command, &typed.answer), ("ls", &vec!["a"]));
}
