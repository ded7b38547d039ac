//! Rules on the Rust files: small, explained, well named, and without what does not belong in them.

use crate::code::{code_of, line_of, lines_with, parenthesised, positions};
use crate::tree::{assert_none, files, read};

const MOST_LINES: usize = 600;
const MOST_LINES_OF_LIB: usize = 80;

/// Names that say a role and not a thing; whatever is called so becomes everyone's drawer.
const REFUSED_NAMES: &[&str] = &[
    "common",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "processor",
    "processors",
    "shared",
    "util",
    "utilities",
    "utils",
];

/// Every Rust file of ours, with its text.
fn sources() -> Vec<(String, String)> {
    ["crates", "providers", "examples"]
        .iter()
        .flat_map(|folder| files(folder, ".rs"))
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
        .collect()
}

#[test]
fn files_are_short() {
    let offenders: Vec<_> = sources()
        .into_iter()
        .filter_map(|(path, text)| {
            let most = if path.ends_with("/lib.rs") { MOST_LINES_OF_LIB } else { MOST_LINES };
            let lines = text.lines().count();
            (lines > most).then(|| format!("{path}: {lines} lines, {most} are allowed"))
        })
        .collect();
    assert_none(
        "A long file hides what it is about: split it by noun, `foo.rs` beside `foo/`. \
         lib.rs is a map: the crate's doc, `mod` lines, re-exports.",
        &offenders,
    );
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let offenders: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| {
            let first = text.lines().next().unwrap_or_default();
            // A lib.rs may open with its README, which says it.
            let readme = r#"#![doc = include_str!("../README.md")]"#;
            let sentence = first.strip_prefix("//!").unwrap_or_default().trim();
            first != readme && sentence.is_empty()
        })
        .map(|(path, _)| format!("{path}:1: no `//!` sentence"))
        .collect();
    assert_none("The first line of a file is a `//!` sentence: what the file is for.", &offenders);
}

#[test]
fn files_and_modules_are_named_after_things() {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        if path.ends_with("/mod.rs") {
            offenders.push(format!("{path}: call it `{}.rs`", path.trim_end_matches("/mod.rs")));
        }
        let parts = path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| REFUSED_NAMES.contains(part)) {
            offenders.push(format!("{path}: the name `{part}` is refused"));
        }
        let code = code_of(&text);
        for name in REFUSED_NAMES {
            for end in [" {", ";"] {
                let inline = format!("mod {name}{end}");
                offenders.extend(
                    lines_with(&code, &inline)
                        .into_iter()
                        .map(|line| format!("{path}:{line}: the module name `{name}` is refused")),
                );
            }
        }
    }
    assert_none(
        "A name is a noun of the domain (`lease`, `backoff`, `claim`); no mod.rs, so that tabs have names.",
        &offenders,
    );
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    assert_none(
        "Write `#[expect(lint, reason = \"…\")]`: it goes red when the reason is gone.",
        &lines_of_code_with(&["#[allow(", "#![allow(", ", allow("]),
    );
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    assert_none(
        "Finish it or leave it out; a test that cannot pass yet is not written yet.",
        &lines_of_code_with(&["todo!", "unimplemented!", "#[ignore"]),
    );
}

#[test]
fn no_test_sleeps() {
    let offenders: Vec<_> = lines_of_code_with(&["time::sleep(", "thread::sleep(", "sleep_until("])
        .into_iter()
        .filter(|offender| offender.contains("/tests/") || offender.contains("/tests.rs"))
        .collect();
    assert_none(
        "A test waits on an event, calls `step`, or moves the clock; a sleep is too short or too long.",
        &offenders,
    );
}

#[test]
fn sql_is_never_put_together_from_strings() {
    let offenders: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("sqlx"))
        .flat_map(|(path, text)| {
            let code = code_of(&text);
            let found = formatted_sql(&code);
            found.into_iter().map(move |line| format!("{path}:{line}")).collect::<Vec<_>>()
        })
        .collect();
    assert_none(
        "Values are bound (`$1`); parts that vary go through `QueryBuilder::push_bind`. `format!` inside \
         a query is how injections are made.",
        &offenders,
    );
}

/// The lines with a `format!` inside the parentheses of something that runs SQL.
fn formatted_sql(code: &str) -> Vec<usize> {
    let runs = ["query", "query_as", "query_scalar", "query_with", "raw_sql", "AssertSqlSafe"];
    let mut lines = Vec::new();
    for name in runs {
        for open in ["(", "!("] {
            let call = format!("{name}{open}");
            for at in positions(code, &call) {
                // A method of that name is a web client's query string.
                let is_method = code[..at].ends_with('.');
                if !is_method && parenthesised(code, at + call.len() - 1).contains("format!") {
                    lines.push(line_of(code, at));
                }
            }
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// `path:line: word` for each of the words that stands in code.
fn lines_of_code_with(words: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for (path, text) in sources() {
        let code = code_of(&text);
        for word in words {
            for line in lines_with(&code, word) {
                offenders.push(format!("{path}:{line}: `{word}`"));
            }
        }
    }
    offenders
}

#[test]
fn sql_from_format_is_seen_and_a_query_string_is_not() {
    assert_eq!(formatted_sql("a;\nsqlx::query(&format!(\"\"))"), [2]);
    assert_eq!(formatted_sql("sqlx::query_as::<_, X>(\"\")"), [0_usize; 0]);
    assert_eq!(formatted_sql("query(AssertSqlSafe(format!(\"\")))"), [1]);
    assert_eq!(formatted_sql("client.get(url).query(&[(\"a\", format!(\"\"))])"), [0_usize; 0]);
}
