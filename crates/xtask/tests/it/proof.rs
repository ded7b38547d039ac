//! Rules on `docs/design/proof.md`: the whole catalogue, once, in order, and each entry with what shows it.

use crate::tree::{assert_none, read};

const PAGE: &str = "docs/design/proof.md";

/// How many entries the catalogue has.
const ENTRIES: u32 = 25;

/// The rows of the table: the entry, and what holds it.
fn rows(page: &str) -> Vec<(&str, &str)> {
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("| T")?.strip_suffix(" |")?;
    let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let [id, _, held] = cells[..] else { return None };
    id.starts_with(|c: char| c.is_ascii_digit()).then_some((id, held))
}

#[test]
fn every_entry_of_the_catalogue_stands_there_once_and_in_order() {
    let page = read(PAGE);
    let wanted: Vec<String> = (1..=ENTRIES).map(|number| number.to_string()).collect();
    let found: Vec<&str> = rows(&page).into_iter().map(|(id, _)| id).collect();
    assert_eq!(found, wanted, "{PAGE}: one row for each entry, in order, and no other");
}

#[test]
fn every_entry_of_the_catalogue_is_held_by_a_test_or_a_command() {
    let page = read(PAGE);
    let rests = |held: &str| {
        held.contains("/tests/") || held.contains("/src/") || held.contains("`cargo xtask ")
    };
    let offenders: Vec<_> = rows(&page)
        .into_iter()
        .filter(|(_, held)| !rests(held))
        .map(|(id, _)| format!("{PAGE}: T{id} is held by nothing; link a test, or name a command"))
        .collect();
    assert_none("What nothing shows is not proven.", &offenders);
}

#[test]
fn a_row_is_read_with_what_holds_it() {
    let line = "| T7 | Order | [`a_b`](../../crates/x/tests/it/a.rs) |";
    assert_eq!(row(line), Some(("7", "[`a_b`](../../crates/x/tests/it/a.rs)")));
    assert_eq!(row("| Test | What | Held by |"), None);
    assert_eq!(row("| --- | --- | --- |"), None);
}
