//! What a model reads about a tool.

/// The first sentence stands alone in lists.
const LONGEST_SENTENCE: usize = 115;

/// The whole text.
const LONGEST: usize = 600;

/// Summary and description, on one line: a first sentence that stands alone, and more.
pub(crate) fn text(summary: &str, description: &str, place: &str, deprecated: bool) -> String {
    let (summary, description) = (line(summary), line(description));
    let (first, rest) = match (summary.is_empty(), description.is_empty()) {
        (true, true) => (format!("Sends {place}"), String::new()),
        (true, false) => {
            let first = sentence(&description);
            (first.to_owned(), description[first.len()..].to_owned())
        }
        (false, _) => (summary, description),
    };
    let short = cut(first.trim_end_matches(['.', ' ']), LONGEST_SENTENCE);
    // A summary of several sentences goes on in the rest.
    let rest = if short.ends_with('…') { format!("{first}. {rest}") } else { rest };
    let rest = rest.trim_start_matches(['.', ' ']).trim();
    let rest = if rest.trim_end_matches('.') == short { "" } else { rest };
    let warning = if deprecated { " Deprecated." } else { "" };
    let text = format!("{short}.{warning} {rest}");
    cut(text.trim(), LONGEST)
}

/// A text on one line.
pub(crate) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, cut between words.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let end = text.char_indices().nth(most - 1).map_or(text.len(), |(at, _)| at);
    let kept = &text[..end];
    let word = kept.rfind(' ').filter(|at| *at > end / 2).unwrap_or(end);
    format!("{}…", kept[..word].trim_end_matches([',', ';', ' ', '.']))
}

fn sentence(text: &str) -> &str {
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_stands_alone() {
        assert_eq!(text("List pets", "", "GET /pets", false), "List pets.");
        assert_eq!(text("", "Lists.\n\nAll of them.", "", false), "Lists. All of them.");
        assert_eq!(text("", "", "GET /pets", true), "Sends GET /pets. Deprecated.");
        assert_eq!(text("List pets.", "List pets.", "", false), "List pets.");
        let long = text(&"word ".repeat(50), &"more ".repeat(300), "", false);
        assert!(long.split(". ").next().unwrap().chars().count() <= 120, "{long}");
        assert!(long.chars().count() <= 600 && long.ends_with('…'), "{long}");
        let unicode = text(&"ü".repeat(300), "", "", false);
        assert!(unicode.split(". ").next().unwrap().chars().count() <= 120, "{unicode}");
    }
}
