//! Measured figures say which command measures them.

use super::pages::{Finding, Page};

const PAGE: &str = "docs/BENCHMARKS.md";
const COMMAND: &str = "cargo xtask bench ";

/// Words that stand beside a measured figure.
const MEASURED: [&str; 6] = [
    " p50 ",
    " p99 ",
    " calls a second",
    " jobs a second",
    " events a second",
    " requests a second",
];

pub(super) fn check(page: &Page) -> Vec<Finding> {
    match page.path.as_str() {
        PAGE => sections(page),
        _ => quoted(page),
    }
}

/// Each part of the benchmarks' own page has its command, or is about all of them.
fn sections(page: &Page) -> Vec<Finding> {
    let (mut found, mut line) = (Vec::new(), 1);
    for section in page.text.split("\n## ") {
        let rows = section.lines().filter(|row| row.starts_with('|'));
        let has_figures = rows.into_iter().any(|row| row.contains(|c: char| c.is_ascii_digit()));
        if has_figures && !section.contains(COMMAND) {
            let what = format!("this section has figures and does not name its `{COMMAND}…`");
            found.push(Finding::new(&page.path, line, what));
        }
        line += section.lines().count() + 1;
    }
    found
}

/// Another page that has a figure says where it comes from.
fn quoted(page: &Page) -> Vec<Finding> {
    if page.text.contains(COMMAND) || page.text.contains("BENCHMARKS.md") {
        return Vec::new();
    }
    let is_figure = |line: &str| {
        let mut before = MEASURED.iter().filter_map(|word| line.split_once(word));
        before.any(|(before, after)| {
            let near = |text: &str| text.contains(|c: char| c.is_ascii_digit());
            near(before.rsplit(' ').next().unwrap_or_default())
                || near(after.trim_start().split(' ').next().unwrap_or_default())
        })
    };
    let figures = page.prose().filter(|(_, line)| is_figure(line));
    let what =
        format!("a measured figure; name the `{COMMAND}…` that prints it, or link to {PAGE}");
    figures.map(|(number, _)| Finding::new(&page.path, number, what.clone())).collect()
}

#[test]
fn a_figure_without_its_command_is_found() {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    let count = |path: &str, text: &str| check(&page(path, text)).len();
    assert_eq!(count("a.md", "It runs 20,000 jobs a second here."), 1);
    assert_eq!(count("a.md", "It runs 20,000 jobs a second: `cargo xtask bench jobs`."), 0);
    assert_eq!(count("a.md", "It counts jobs a second time."), 0);
    assert_eq!(count(PAGE, "\n## A\n\n| x | 1 |\n"), 1);
    assert_eq!(count(PAGE, "\n## A\n\ncargo xtask bench jobs\n\n| x | 1 |\n"), 0);
}
