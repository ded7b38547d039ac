//! Types of events, and patterns that choose among them.

use std::fmt;
use std::str::FromStr;

/// The longest type or pattern, in bytes.
pub const LONGEST_TYPE: usize = 150;

/// Types that only the server publishes begin with this.
pub const RESERVED: &str = "mindflight.";

/// What a type of events may be.
const TYPE_RULE: &str =
    "lower-case words of a-z, 0-9, `_` and `-`, joined by dots, such as `mail.received`";

/// A text that is no type or no pattern, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadType(String);

impl fmt::Display for BadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadType {}

fn is_word(text: &str) -> bool {
    let is_allowed =
        |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-');
    !text.is_empty() && text.bytes().all(is_allowed)
}

fn check_length(text: &str) -> Result<(), BadType> {
    if text.is_empty() || text.len() > LONGEST_TYPE {
        let length = text.len();
        return Err(BadType(format!("1 to {LONGEST_TYPE} characters; got {length}")));
    }
    Ok(())
}

/// Whether `text` is a type of events: lower-case words, joined by dots.
///
/// # Errors
/// Says what a type may be.
pub fn check_type(text: &str) -> Result<(), BadType> {
    check_length(text)?;
    if !text.split('.').all(is_word) {
        return Err(BadType(format!("{TYPE_RULE}; got {text:?}")));
    }
    Ok(())
}

/// Chooses types of events: `mail.received` one, `mail.*` those with one more word, `mail.**` those with any number
/// of further words, none included, `**` all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Every type.
    #[must_use]
    pub fn all() -> Self {
        Self("**".to_owned())
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a type is chosen.
    #[must_use]
    pub fn matches(&self, r#type: &str) -> bool {
        if self.0 == "**" {
            return true;
        }
        if !self.0.contains('*') {
            return self.0 == r#type;
        }
        // Walking back to the last `**` does for the others.
        let pattern: Vec<&str> = self.0.split('.').collect();
        let words: Vec<&str> = r#type.split('.').collect();
        let (mut p, mut w, mut back) = (0, 0, None);
        while w < words.len() {
            match pattern.get(p) {
                Some(&"**") => {
                    back = Some((p, w));
                    p += 1;
                }
                Some(&word) if word == "*" || word == words[w] => (p, w) = (p + 1, w + 1),
                _ => {
                    let Some((star, from)) = back else { return false };
                    back = Some((star, from + 1));
                    (p, w) = (star + 1, from + 1);
                }
            }
        }
        pattern[p..].iter().all(|word| *word == "**")
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pattern {
    type Err = BadType;

    fn from_str(text: &str) -> Result<Self, BadType> {
        check_length(text)?;
        if !text.split('.').all(|word| matches!(word, "*" | "**") || is_word(word)) {
            return Err(BadType(format!(
                "a type, or one with `*` for one word or `**` for any number of words, such as `mail.*`; got {text:?}"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_by_words() {
        let cases = [
            ("mail.received", "mail.received", true),
            ("mail.received", "mail.received.twice", false),
            ("mail.*", "mail.received", true),
            ("mail.*", "mail", false),
            ("mail.*", "mail.a.b", false),
            ("mail.**", "mail.a.b", true),
            ("mail.**", "mail", true),
            ("**", "anything.at.all", true),
            ("**.failed", "job.failed", true),
            ("**.failed", "failed", true),
            ("**.failed", "a.failed.b", false),
            ("**.failed.**.end", "a.failed.b.failed.c.end", true),
            ("*.*", "a.b", true),
            ("*.*", "a", false),
            ("a.**.b.*.c", "a.x.b.b.y.c", true),
        ];
        for (pattern, r#type, expected) in cases {
            let read: Pattern = pattern.parse().unwrap();
            assert_eq!(read.matches(r#type), expected, "{pattern} on {type}");
        }
    }

    #[test]
    fn what_is_no_type_or_pattern_is_refused() {
        for text in ["", "Mail", "mail.", ".mail", "mail..a", "ma il", "mail/*", "mäil", "a\0"] {
            assert!(check_type(text).is_err(), "{text:?}");
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
        assert!(check_type("mail.*").is_err());
        assert!("mail.a*".parse::<Pattern>().is_err());
        assert!(check_type(&"a".repeat(LONGEST_TYPE + 1)).is_err());
        assert!(check_type("mail-2.received_now").is_ok());
    }
}
