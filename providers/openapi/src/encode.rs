//! Percent-encoding (RFC 3986 §2): which characters stay in which part of a URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters: no value can leave its place in a path or a query.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reserved characters stay where they cannot end or split a value of the query.
const RESERVED: &AsciiSet = &but(VALUE, b":/?@!$'()*,;");

/// Only what cannot stand in the path of a URL.
const PATH: &AsciiSet = &but(VALUE, b"/!$&'()*+,;=:@%");

/// Every byte that is not unreserved, encoded.
pub(crate) fn text(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// As [`text`], for a value in which the document allows reserved characters.
pub(crate) fn reserved(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A part of a path as the document writes it.
pub(crate) fn literal(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// Reads percent-encoding, as it stands in a reference; what is none stays.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `set` without these characters.
const fn but(set: &AsciiSet, characters: &[u8]) -> AsciiSet {
    let (mut set, mut at) = (set.remove(characters[0]), 1);
    while at < characters.len() {
        set = set.remove(characters[at]);
        at += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(text("aZ0-._~"), "aZ0-._~");
        assert_eq!(text("a/b?c#d%2e é\\"), "a%2Fb%3Fc%23d%252e%20%C3%A9%5C");
        assert_eq!(reserved("a/b?c#d&e=f+g"), "a/b?c%23d%26e%3Df%2Bg");
        assert_eq!(literal("/a b/{x}?"), "/a%20b/%7Bx%7D%3F");
        assert_eq!(decoded("a%2Fb%zz%"), "a/b%zz%");
    }
}
