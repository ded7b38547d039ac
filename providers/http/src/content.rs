//! The body of an answer as text where it is text, as base64 where it is not, within what a result may have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding as Charset, UTF_8};
use http::{HeaderMap, header};

use crate::answer::Encoding;

/// A body that can stand in a result.
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) encoding: Encoding,
    pub(crate) truncated: bool,
    /// What it takes in JSON.
    pub(crate) escaped: usize,
}

impl Content {
    /// Reads `body`; takes at most `most` bytes of it, and at most `room` bytes of the result.
    pub(crate) fn read(body: &[u8], headers: &HeaderMap, most: usize, room: usize) -> Self {
        if let Some(text) = decode(body, charset(headers)) {
            let (length, escaped) = fitting(&text, most, room);
            let truncated = length < text.len();
            let mut text = text;
            text.truncate(length);
            return Self { text, encoding: Encoding::Text, truncated, escaped };
        }
        // Three bytes become four characters.
        let taken = body.len().min(most).min(room / 4 * 3);
        let text = STANDARD.encode(&body[..taken]);
        let escaped = text.len();
        Self { text, encoding: Encoding::Base64, truncated: taken < body.len(), escaped }
    }
}

/// Whether the content type says JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn charset(headers: &HeaderMap) -> Option<&'static Charset> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let label = value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })?;
    Charset::for_label(label.as_bytes())
}

/// The body as text, unless it is none: a byte that the encoding does not have, or NUL.
fn decode(body: &[u8], charset: Option<&'static Charset>) -> Option<String> {
    let (text, _, malformed) = charset.unwrap_or(UTF_8).decode(body);
    (!malformed && !text.contains('\0')).then(|| text.into_owned())
}

/// How many bytes of `text` fit, and what they take in JSON.
fn fitting(text: &str, most: usize, room: usize) -> (usize, usize) {
    let mut escaped = 0;
    for (at, c) in text.char_indices() {
        let cost = match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            _ => c.len_utf8(),
        };
        if at + c.len_utf8() > most || escaped + cost > room {
            return (at, escaped);
        }
        escaped += cost;
    }
    (text.len(), escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &[u8], most: usize) -> (String, Encoding, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        let content = Content::read(body, &headers, most, 1000);
        (content.text, content.encoding, content.truncated)
    }

    #[test]
    fn text_is_read_in_its_encoding() {
        let latin = read("text/html; charset=ISO-8859-1", b"caf\xe9", 100);
        assert_eq!(latin, ("café".to_owned(), Encoding::Text, false));
        let japanese = read("text/plain;Charset=\"shift_jis\"", b"\x93\xfa\x96\x7b", 100);
        assert_eq!(japanese.0, "日本");
        let unnamed = read("application/octet-stream", "grüße".as_bytes(), 100);
        assert_eq!(unnamed, ("grüße".to_owned(), Encoding::Text, false));
    }

    #[test]
    fn what_is_no_text_is_base64() {
        assert_eq!(read("text/plain", b"caf\xe9", 100).1, Encoding::Base64);
        assert_eq!(
            read("image/png", b"\x89PNG\0", 100),
            ("iVBORwA=".to_owned(), Encoding::Base64, false)
        );
        assert_eq!(read("image/png", b"\x89PNG\0", 3), ("iVBO".to_owned(), Encoding::Base64, true));
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(read("text/plain", "aé".as_bytes(), 2).0, "a");
        assert_eq!(
            read("text/plain", "aé".as_bytes(), 3),
            ("aé".to_owned(), Encoding::Text, false)
        );
    }

    #[test]
    fn characters_that_json_escapes_take_more_room() {
        let content = Content::read(&[1; 100], &HeaderMap::new(), 1000, 60);
        assert_eq!((content.text.len(), content.truncated, content.escaped), (10, true, 60));
    }
}
