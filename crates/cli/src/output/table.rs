//! Tables for people: columns as wide as their widest cell.

use serde_json::Value;

use super::fields;
use super::person::{first_sentence, printable, span};

/// One column of a table: its title, and which member of an item it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    title: String,
    path: String,
    cell: Cell,
    most: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Whole,
    Sentence,
    Count,
    Time,
    Span,
}

impl Column {
    /// Shows the member at `path` (with dots) as it is.
    #[must_use]
    pub fn new(title: &str, path: &str) -> Self {
        Self { title: title.to_owned(), path: path.to_owned(), cell: Cell::Whole, most: None }
    }

    /// Shows the first sentence alone.
    #[must_use]
    pub fn sentence(title: &str, path: &str) -> Self {
        Self { cell: Cell::Sentence, ..Self::new(title, path) }
    }

    /// Shows how many there are.
    #[must_use]
    pub fn count(title: &str, path: &str) -> Self {
        Self { cell: Cell::Count, ..Self::new(title, path) }
    }

    /// Shows a time to the second.
    #[must_use]
    pub fn time(title: &str, path: &str) -> Self {
        Self { cell: Cell::Time, ..Self::new(title, path) }
    }

    /// Shows milliseconds as a span of time.
    #[must_use]
    pub fn span(title: &str, path: &str) -> Self {
        Self { cell: Cell::Span, ..Self::new(title, path) }
    }

    /// Shows a number with the most that it can be, as `2/5`.
    #[must_use]
    pub fn of_most(title: &str, path: &str, most: &str) -> Self {
        Self { most: Some(most.to_owned()), ..Self::new(title, path) }
    }

    pub(super) fn of(&self, item: &Value) -> String {
        let Some(value) = fields::at(item, &self.path) else {
            return "-".to_owned();
        };
        let text = cell(value);
        if let Some(most) = self.most.as_ref().and_then(|most| fields::at(item, most)) {
            return format!("{text}/{}", cell(most));
        }
        match self.cell {
            Cell::Whole => text,
            Cell::Sentence => first_sentence(&text),
            Cell::Count => value.as_array().map_or(text, |items| items.len().to_string()),
            Cell::Span => value.as_u64().map_or(text, span),
            Cell::Time => match (text.get(..19), text.ends_with('Z')) {
                (Some(seconds), true) => format!("{seconds}Z"),
                _ => text,
            },
        }
    }
}

/// A header and a line for each item.
pub(super) fn table(columns: &[Column], items: &[Value], color: bool) -> String {
    let titles = columns.iter().map(|column| column.title.clone()).collect();
    let mut rows: Vec<Vec<String>> = vec![titles];
    rows.extend(items.iter().map(|item| columns.iter().map(|column| column.of(item)).collect()));
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let line = cells.join("  ");
        let line = line.trim_end();
        if at == 0 && color {
            text.push_str(&format!("\u{1b}[1m{line}\u{1b}[0m\n"));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

fn cell(value: &Value) -> String {
    let text = if value.is_null() {
        "-".to_owned()
    } else if let Some(text) = value.as_str() {
        text.to_owned()
    } else if let Some(items) = value.as_array() {
        let cells: Vec<String> = items.iter().map(cell).collect();
        if cells.is_empty() { "-".to_owned() } else { cells.join(", ") }
    } else {
        value.to_string()
    };
    printable(&text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let columns = [
            Column::new("NAME", "name"),
            Column::count("N", "tools"),
            Column::time("AT", "at"),
            Column::sentence("ABOUT", "about"),
            Column::span("AGE", "ms"),
            Column::of_most("TRY", "n", "max"),
        ];
        let items = [
            json!({"name": "ü", "tools": ["a", "b"], "at": "2026-01-02T03:04:05.678Z", "about": "One. Two.", "ms": 61000, "n": 1, "max": 5}),
            json!({"name": "long_name", "tools": [], "at": null, "about": "a\u{1b}[31m\nb", "ms": null}),
        ];
        let expected = "\
NAME       N  AT                    ABOUT     AGE        TRY
ü          2  2026-01-02T03:04:05Z  One.      1 min 1 s  1/5
long_name  0  -                     a\u{fffd}[31m b  -          -
";
        assert_eq!(table(&columns, &items, false), expected);
        assert!(table(&columns, &items, true).starts_with("\u{1b}[1mNAME"));
    }
}
