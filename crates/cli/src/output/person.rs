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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_at_its_dot_or_where_the_table_does() {
        assert_eq!(first_sentence("Adds 1.5 and x. Then more."), "Adds 1.5 and x.");
        assert_eq!(first_sentence("No dot"), "No dot");
        assert_eq!(first_sentence(&"ä".repeat(100)).chars().count(), SENTENCE);
    }
}
