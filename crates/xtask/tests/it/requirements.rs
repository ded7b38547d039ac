//! Rules on `docs/requirements.md`: all of them, once, in order, and each with what shows its state.

use crate::tree::{assert_none, read, root};

const PAGE: &str = "docs/requirements.md";

/// How many there are of each group.
const GROUPS: [(&str, u32); 4] = [("000", 13), ("001", 15), ("002", 24), ("003", 16)];

/// A row of the tables.
struct Row {
    id: String,
    state: String,
    place: String,
}

fn rows() -> Vec<Row> {
    read(PAGE).lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let [id, _, state, place] = cells[..] else { return None };
    id.starts_with(|c: char| c.is_ascii_digit()).then(|| Row {
        id: id.to_owned(),
        state: state.trim_matches('`').to_owned(),
        place: place.to_owned(),
    })
}

/// The tests that a cell names, as (name, file from the root).
fn tests(place: &str) -> Vec<(String, String)> {
    place
        .split("[`")
        .skip(1)
        .filter_map(|piece| {
            let (name, rest) = piece.split_once("`](../")?;
            let (file, _) = rest.split_once(')')?;
            file.ends_with(".rs").then(|| (name.to_owned(), file.to_owned()))
        })
        .collect()
}

/// What a cell says is still to come: the text behind `later: `.
fn work(place: &str) -> Option<&str> {
    let (_, work) = place.split_once("later: ")?;
    Some(work.trim()).filter(|work| !work.is_empty())
}

#[test]
fn every_requirement_stands_there_once_and_in_order() {
    let wanted: Vec<String> = GROUPS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}-{n}")))
        .collect();
    let found: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(found, wanted, "{PAGE}: one row for each id, in order, and no other");
}

#[test]
fn every_state_shows_what_it_rests_on() {
    let mut offenders = Vec::new();
    for Row { id, state, place } in rows() {
        let has_link = place.contains("](");
        let fault = match state.as_str() {
            "met" if tests(&place).is_empty() => "is met by no test; link one, or say `partly`",
            "met" if work(&place).is_some() => "is met, and has work left; say `partly`",
            "partly" if !has_link => "is met in part by nothing; link what there is",
            "partly" | "later" if work(&place).is_none() => {
                "names no work; write `later: ` and which"
            }
            "met" | "partly" | "later" => continue,
            _ => "has another state than `met`, `partly` or `later`",
        };
        offenders.push(format!("{PAGE}: {id} {fault}"));
    }
    assert_none("A state that rests on nothing is a wish.", &offenders);
}

#[test]
fn every_test_that_a_requirement_names_is_there() {
    let mut offenders = Vec::new();
    for Row { id, place, .. } in rows() {
        for (name, file) in tests(&place) {
            let is_there =
                root().join(&file).is_file() && read(&file).contains(&format!("fn {name}()"));
            if !is_there {
                offenders.push(format!("{PAGE}: {id}: {file} has no test `{name}`"));
            }
        }
    }
    assert_none("Name the test that shows it, or take the state back.", &offenders);
}

#[test]
fn a_row_is_read_with_its_tests_and_its_work() {
    let line = "| 000-1 | It works | `partly` | [`it_works`](../crates/x/tests/it/a.rs); later: the rest |";
    let row = row(line).expect("a row");
    assert_eq!((row.id.as_str(), row.state.as_str()), ("000-1", "partly"));
    let named = ("it_works".to_owned(), "crates/x/tests/it/a.rs".to_owned());
    assert_eq!(tests(&row.place), [named]);
    assert_eq!(work(&row.place), Some("the rest"));
    assert_eq!(work("[`a`](b.rs)"), None);
    assert!(self::row("| id | requirement | state | where |").is_none());
    assert!(self::row("| --- | --- | --- | --- |").is_none());
}
