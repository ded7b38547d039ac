//! Text made fit for a person's terminal.

/// The most characters of a sentence in a table.
const SENTENCE: usize = 80;

/// The text without characters that steer a terminal: servers and tools write it, the person trusts it.
pub(super) fn printable(text: &str) -> String {
    let keep = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().map(|c| if keep(c) { c } else { '\u{fffd}' }).collect()
}

/// The first sentence, cut where it is too long for a table.
pub(super) fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |dot| dot + 1);
    let sentence = text[..end].trim();
    if sentence.chars().count() <= SENTENCE {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(SENTENCE - 1).collect();
    format!("{}…", cut.trim_end())
}

/// A span of time in its two largest units.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let two = |large: u64, small: u64, (first, second): (&str, &str)| match small {
        0 => format!("{large} {first}"),
        _ => format!("{large} {first} {small} {second}"),
    };
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, seconds % 60, ("min", "s")),
        3_600..86_400 => two(seconds / 3_600, seconds / 60 % 60, ("h", "min")),
        _ => two(seconds / 86_400, seconds / 3_600 % 24, ("d", "h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_500, "1 s"),
            (66_000, "1 min 6 s"),
            (120_000, "2 min"),
            (3_661_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn a_sentence_ends_at_its_dot_or_where_the_table_does() {
        assert_eq!(first_sentence("Adds 1.5 and x. Then more."), "Adds 1.5 and x.");
        assert_eq!(first_sentence("No dot"), "No dot");
        assert_eq!(first_sentence(&"ä".repeat(100)).chars().count(), SENTENCE);
    }
}
