//! Which failures are the same but for what differs from case to case.

use std::iter::Peekable;
use std::str::CharIndices;

/// The longest pattern, in characters.
pub const LONGEST_PATTERN: usize = 300;

/// What is read of a detail, in characters.
const MOST_READ: usize = 4000;

/// A word of as many characters is a token; with a digit in it, fewer are enough.
const LONG: usize = 40;
const LONG_WITH_DIGITS: usize = 20;

/// Hexadecimal words of as many characters are hexadecimal, and no words.
const HEX: usize = 8;

const NUMBER: &str = "<number>";

/// One fingerprint for all failures of one kind with one code and one [`error_pattern`].
///
/// It is FNV-1a with 64 bits over the number of the kind as 4 bytes (the least first), the code, a zero byte, and the
/// pattern: the same in every process and every release. Kinds have other numbers in other databases, and so have
/// fingerprints.
#[must_use]
pub fn fingerprint(kind: i32, code: &str, pattern: &str) -> i64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let kind = kind.to_le_bytes();
    let bytes = kind.iter().chain(code.as_bytes()).chain(&[0]).chain(pattern.as_bytes());
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    hash.cast_signed()
}

/// What an error says, without what differs from case to case: numbers, times, UUIDs, hexadecimal numbers, quoted
/// texts, addresses and long tokens become placeholders. At most [`LONGEST_PATTERN`] characters.
#[must_use]
pub fn error_pattern(detail: &str) -> String {
    let end = detail.char_indices().nth(MOST_READ).map_or(detail.len(), |(end, _)| end);
    let mut written = Written::default();
    for word in words(&detail[..end]) {
        written.space();
        written.word(&word);
    }
    let end = written.text.char_indices().nth(LONGEST_PATTERN);
    if let Some((end, _)) = end {
        written.text.truncate(end);
    }
    written.text
}

/// The words between spaces; quoted texts are placeholders already, for they may have spaces.
fn words(detail: &str) -> Vec<String> {
    let (mut words, mut word, mut before) = (Vec::new(), String::new(), ' ');
    let mut rest = detail.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_whitespace() || c.is_control() {
            words.push(std::mem::take(&mut word));
        } else if matches!(c, '"' | '\'') && !before.is_alphanumeric() {
            match closed(&detail[at + 1..], c) {
                Some(length) => {
                    word.push_str("<text>");
                    skip_to(&mut rest, at + length + 2);
                }
                None => word.push(c),
            }
        } else {
            word.push(c);
        }
        before = c;
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn skip_to(rest: &mut Peekable<CharIndices<'_>>, end: usize) {
    while rest.next_if(|(at, _)| *at < end).is_some() {}
}

/// Where the quote ends that begins here: an apostrophe within a word ends none.
fn closed(text: &str, quote: char) -> Option<usize> {
    let follows = |at: usize| text[at + 1..].chars().next();
    let mut ends = text.match_indices(quote).map(|(at, _)| at);
    ends.find(|at| follows(*at).is_none_or(|next| !next.is_alphanumeric()))
}

/// The pattern as it is written.
#[derive(Default)]
struct Written {
    text: String,
    /// Behind the number that was written last.
    after_number: Option<usize>,
}

impl Written {
    fn space(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    fn word(&mut self, word: &str) {
        if word.contains("://") {
            return self.segment(word);
        }
        let is_delimiter = |c: char| "[](){}<>,;=|".contains(c);
        let mut rest = word;
        while let Some(end) = rest.find(is_delimiter) {
            self.segment(&rest[..end]);
            self.text.push_str(&rest[end..=end]);
            rest = &rest[end + 1..];
        }
        self.segment(rest);
    }

    fn segment(&mut self, segment: &str) {
        let is_edge = |c: char| !c.is_alphanumeric();
        let cores =
            [segment.trim_matches(is_edge), segment.trim_matches(|c| is_edge(c) && c != ':')];
        let found = cores.into_iter().find_map(|core| Some((core, whole(core)?)));
        let Some((core, whole)) = found else { return self.parts(segment) };
        let (before, after) = segment.split_once(core).unwrap_or_default();
        self.parts(before);
        self.text.push_str(whole);
        self.parts(after);
    }

    /// A word, part by part: letters and digits, and what is between.
    fn parts(&mut self, word: &str) {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let is_part = first.is_alphanumeric();
            let end = rest.find(|c: char| c.is_alphanumeric() != is_part).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            match is_part {
                true => self.part(part),
                false => self.text.push_str(part),
            }
            rest = after;
        }
    }

    fn part(&mut self, part: &str) {
        let has_digit = part.contains(|c: char| c.is_ascii_digit());
        let length = part.chars().count();
        // Whatever digit: one that differs makes no other pattern.
        let hex = part.strip_prefix(|c: char| c.is_ascii_digit());
        let hex = hex.and_then(|rest| rest.strip_prefix('x')).unwrap_or(part);
        let is_hex = !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit());
        let has_letter = hex.contains(|c: char| c.is_ascii_alphabetic());
        if is_hex && (hex.len() < part.len() || (length >= HEX && has_digit && has_letter)) {
            self.text.push_str("<hex>");
        } else if !has_digit && length < LONG {
            self.text.push_str(part);
        } else if has_letter && length >= if has_digit { LONG_WITH_DIGITS } else { LONG } {
            self.text.push_str("<token>");
        } else {
            self.digits(part);
        }
    }

    /// What has digits: each number in it is one, however long.
    fn digits(&mut self, part: &str) {
        let mut was_digit = false;
        for c in part.chars() {
            match c.is_ascii_digit() {
                true if was_digit => {}
                true => self.number(),
                false => self.text.push(c),
            }
            was_digit = c.is_ascii_digit();
        }
    }

    /// Numbers that belong together are one: a time, a version, an address, a list.
    fn number(&mut self) {
        let is_joint = |c: char| matches!(c, '.' | ',' | ':' | '-' | '/' | '+' | 'T' | ' ');
        let joined = self.after_number.filter(|at| {
            let between = self.text.get(*at..).unwrap_or_default();
            between.len() <= 2 && between.chars().all(is_joint)
        });
        match joined {
            Some(at) => self.text.truncate(at),
            None => self.text.push_str(NUMBER),
        }
        self.after_number = Some(self.text.len());
    }
}

/// What a whole word is, if its parts would say less.
fn whole(word: &str) -> Option<&'static str> {
    if word.contains("://") {
        return Some("<url>");
    }
    if let Some((name, host)) = word.split_once('@')
        && !name.is_empty()
        && host.contains('.')
    {
        return Some("<address>");
    }
    let is_uuid = word.len() == 36
        && word.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
    if is_uuid {
        return Some("<uuid>");
    }
    // An address of IPv6, other than a time of day.
    let is_v6 = word.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'))
        && word.matches(':').count() >= 2
        && (word.contains("::") || word.contains(|c: char| c.is_ascii_alphabetic()));
    is_v6.then_some("<address>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_case_to_case_becomes_a_placeholder() {
        for (detail, expected) in [
            ("no account 42", "no account <number>"),
            ("took 1532ms, 3.5 times as long", "took <number>ms, <number> times as long"),
            ("row 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 is gone.", "row <uuid> is gone."),
            ("commit 9fceb02d is not there", "commit <hex> is not there"),
            ("at 0x7ffe12: fault", "at <hex>: fault"),
            ("`key` must be one of \"a b\", 'c'", "`key` must be one of <text>, <text>"),
            ("it didn't; he can't", "it didn't; he can't"),
            ("connect 10.1.2.3:5432 refused", "connect <number> refused"),
            ("connect [fe80::1]:80 refused", "connect [<address>]:<number> refused"),
            ("at 2026-11-21T09:13:00.125Z or 2026-11-21 09:13", "at <number>Z or <number>"),
            ("ids [1, 2, 3]", "ids [<number>]"),
            ("GET https://a.example/x?y=1 gave 503", "GET <url> gave <number>"),
            ("no mailbox ada+7@example.com here", "no mailbox <address> here"),
            ("token eyJhbGciOiJIUzI1NiIsInR5 expired", "token <token> expired"),
            ("a  line\nand\tmore", "a line and more"),
            ("mail.send_2 failed", "mail.send_<number> failed"),
            ("", ""),
        ] {
            assert_eq!(error_pattern(detail), expected, "{detail}");
        }
    }

    #[test]
    fn fingerprints_are_what_they_always_were() {
        assert_eq!(fingerprint(0, "", ""), -0x1b43_b026_dad4_16b1);
        let one = fingerprint(7, "upstream_error", "no account <number>");
        for other in [
            fingerprint(8, "upstream_error", "no account <number>"),
            fingerprint(7, "upstream_erro", "r no account <number>"),
            fingerprint(7, "timeout", "no account <number>"),
        ] {
            assert_ne!(one, other);
        }
    }
}
