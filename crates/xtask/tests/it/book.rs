//! Rules on the manual: every page has its place in it, and each kind of page keeps to its form.

use crate::tree::{assert_none, files, read, root};

/// An entry of the table of contents.
struct Entry {
    title: String,
    /// Named from the root.
    path: String,
}

/// The entries of `docs/SUMMARY.md`, in their order.
fn entries() -> Vec<Entry> {
    read("docs/SUMMARY.md").lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let line = line.trim_start().trim_start_matches("- ");
    let (title, rest) = line.strip_prefix('[')?.split_once("](")?;
    let path = format!("docs/{}", rest.strip_suffix(')')?);
    Some(Entry { title: title.to_owned(), path })
}

fn pages() -> Vec<String> {
    files("docs", ".md").into_iter().filter(|path| path != "docs/SUMMARY.md").collect()
}

/// The first heading, as the table of contents writes it.
fn title(text: &str) -> String {
    let first = text.lines().find_map(|line| line.strip_prefix("# "));
    first.unwrap_or_default().replace('`', "")
}

#[test]
fn every_page_stands_in_the_table_of_contents_once() {
    let entries = entries();
    let mut offenders = Vec::new();
    for page in pages() {
        match entries.iter().filter(|entry| entry.path == page).count() {
            1 => {}
            0 => offenders.push(format!("{page}: add a line for it to docs/SUMMARY.md")),
            n => offenders.push(format!("{page}: stands {n} times in docs/SUMMARY.md")),
        }
    }
    for entry in &entries {
        if !root().join(&entry.path).is_file() {
            offenders.push(format!("docs/SUMMARY.md: there is no {}", entry.path));
        }
    }
    assert_none("A page that is not in the table of contents is found by nobody.", &offenders);
}

#[test]
fn the_table_of_contents_has_the_titles_of_the_pages() {
    let offenders: Vec<_> = entries()
        .iter()
        .filter(|entry| root().join(&entry.path).is_file())
        .filter_map(|entry| {
            let title = title(&read(&entry.path));
            (title != entry.title).then(|| {
                format!("docs/SUMMARY.md: `{}` is titled `{title}` ({})", entry.title, entry.path)
            })
        })
        .collect();
    assert_none("One page has one name: the first line of the page.", &offenders);
}

#[test]
fn a_how_to_begins_with_a_goal_and_ends_with_a_check() {
    let mut offenders = Vec::new();
    for page in files("docs/how-to", ".md") {
        let text = read(&page);
        let last = text.lines().rfind(|line| line.starts_with("## ")).unwrap_or_default();
        if last != "## Check that it worked" {
            offenders.push(format!("{page}: the last section is `## Check that it worked`"));
        }
        let goal = text.lines().nth(2).unwrap_or_default();
        if !goal.starts_with("You ") {
            offenders.push(format!("{page}: say first who needs it: `You want …`, `You have …`"));
        }
    }
    assert_none("A how-to leads from a goal to seeing that it was reached.", &offenders);
}

#[test]
fn an_explanation_has_no_commands() {
    let offenders: Vec<_> = files("docs/explanation", ".md")
        .into_iter()
        .filter(|page| read(page).lines().any(|line| line.trim_start().starts_with("```")))
        .map(|page| format!("{page}: move the block into a how-to or a tutorial, and link to it"))
        .collect();
    assert_none("An explanation is read, not typed.", &offenders);
}

/// In Markdown every sentence has its own line; in lists and tables several may share one.
#[test]
fn every_sentence_of_the_newer_pages_has_its_own_line() {
    let mut offenders = Vec::new();
    for folder in ["docs/how-to", "docs/explanation", "docs/tutorials"] {
        for page in files(folder, ".md") {
            let text = read(&page);
            for (at, line) in prose(&text) {
                if has_two_sentences(line) {
                    offenders.push(format!("{page}:{at}: begin a line for each sentence"));
                }
            }
        }
    }
    assert_none(
        "One sentence a line: then a change of a text is a change of its lines.",
        &offenders,
    );
}

/// The lines of paragraphs, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        let begins = line.chars().next()?;
        let is_prose = !fenced && (begins.is_alphabetic() || begins == '`' || begins == '[');
        is_prose.then_some((at + 1, line))
    })
}

fn has_two_sentences(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).any(|pair| {
        pair[0].ends_with('.') && pair[0].len() > 2 && pair[1].starts_with(char::is_uppercase)
    })
}

/// An alert on a metric that nobody counts never comes.
#[test]
fn every_metric_that_an_alert_looks_at_is_counted() {
    let counted = read("crates/server/src/telemetry/meters.rs");
    let page = read("docs/how-to/metrics.md");
    let offenders: Vec<_> = metrics(&page)
        .into_iter()
        .filter(|name| !counted.contains(&format!("\"{name}\"")))
        .map(|name| format!("docs/how-to/metrics.md: nobody counts `{name}`"))
        .collect();
    assert_none("Alerts name metrics that are described in telemetry/meters.rs.", &offenders);
    assert!(metrics(&page).len() > 5, "{PREFIX}… are not found any more");
}

const PREFIX: &str = "mindflight_";

/// The names of metrics in a text, without what Prometheus adds to those of histograms.
fn metrics(text: &str) -> Vec<&str> {
    text.match_indices(PREFIX)
        .map(|(at, _)| {
            let rest = &text[at..];
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            ["_bucket", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
        })
        .collect()
}

/// What a reader's browser would fetch from elsewhere tells others who reads what.
#[test]
fn the_book_takes_nothing_from_elsewhere() {
    let book: toml::Table = read("docs/book.toml").parse().expect("the settings are TOML");
    assert_eq!(book["book"]["src"].as_str(), Some("."), "docs/book.toml: the texts stay in docs/");
    let built = book["build"]["build-dir"].as_str().expect("a folder");
    assert!(built.starts_with("../target/"), "docs/book.toml: build into ../target, not {built}");
    let html = book["output"]["html"].as_table().expect("settings of the pages");
    let foreign = ["additional-js", "additional-css", "mathjax-support", "theme"];
    let offenders: Vec<_> = foreign
        .iter()
        .filter(|setting| html.contains_key(**setting))
        .map(|setting| format!("docs/book.toml: take `{setting}` out"))
        .collect();
    assert_none("The book is texts and mdBook's own pages.", &offenders);
    assert!(!root().join("docs/theme").exists(), "docs/theme: no theme of our own");
}

#[test]
fn an_entry_is_a_link_in_a_list_or_alone() {
    let read = |line| entry(line).map(|entry| (entry.title, entry.path));
    let found = Some(("Jobs".to_owned(), "docs/JOBS.md".to_owned()));
    assert_eq!(read("- [Jobs](JOBS.md)"), found);
    assert_eq!(read("  - [Jobs](JOBS.md)"), found);
    assert_eq!(read("[Jobs](JOBS.md)"), found);
    assert_eq!(read("# Reference"), None);
}

#[test]
fn two_sentences_on_a_line_are_seen_and_short_forms_are_none() {
    assert!(has_two_sentences("One thing. Another thing."));
    assert!(!has_two_sentences("Positions run 1, 2, 3 and so on."));
    assert!(!has_two_sentences("See `docs/API.md` and more."));
    let text = "# No\nyes\n```\nno\n```\n- no\n| no |\n`yes` too";
    assert_eq!(prose(text).map(|(at, _)| at).collect::<Vec<_>>(), [2, 8]);
}

#[test]
fn metrics_are_found_by_the_names_that_they_have_in_the_code() {
    let text = "sum(rate(mindflight_x_seconds_bucket{a=\"b\"}[5m])) > mindflight_y";
    assert_eq!(metrics(text), ["mindflight_x_seconds", "mindflight_y"]);
}
