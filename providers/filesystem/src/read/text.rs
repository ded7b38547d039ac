//! Decides how bytes are written in JSON, and how many of them fit.

use super::Encoding;
use crate::config::MOST_CONTENT;

/// How a piece is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) encoding: Encoding,
    pub(super) lossy: bool,
    /// So many of the bytes.
    pub(super) taken: usize,
}

/// How `bytes` are written, if `more` follows them in the file and the caller wanted this.
pub(super) fn write(bytes: &[u8], more: bool, wanted: Option<Encoding>) -> Written {
    let base64 = || Written {
        encoding: Encoding::Base64,
        lossy: false,
        taken: bytes.len().min(MOST_CONTENT / 4 * 3),
    };
    let text = |taken, lossy| Written { encoding: Encoding::Text, lossy, taken };
    let (valid, broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        // A character that the end of the piece cuts is left to the next piece.
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let cut = more && error.error_len().is_none() && !valid.is_empty();
            (std::str::from_utf8(valid).unwrap_or_default(), !cut)
        }
    };
    match (wanted, broken) {
        (Some(Encoding::Base64), _) => base64(),
        (None, broken) if broken || valid.contains('\0') => base64(),
        // Every byte may become `�`, of three bytes; escapes of the rest are at most twice that.
        (Some(Encoding::Text), true) => text(bytes.len().min(MOST_CONTENT / 6), true),
        (Some(Encoding::Text) | None, _) => text(fitting(valid), false),
    }
}

/// So many bytes of the text are at most [`MOST_CONTENT`] in JSON.
fn fitting(text: &str) -> usize {
    let mut length = 0;
    for (at, c) in text.char_indices() {
        length += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if u32::from(c) < 0x20 => 6,
            c => c.len_utf8(),
        };
        if length > MOST_CONTENT {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_if_they_are_and_base64_if_not() {
        let check = |bytes: &[u8], more, wanted, encoding, lossy, taken| {
            let expected = Written { encoding, lossy, taken };
            assert_eq!(write(bytes, more, wanted), expected, "{bytes:?} {more} {wanted:?}");
        };
        use Encoding::{Base64, Text};
        check(b"", false, None, Text, false, 0);
        check("grün".as_bytes(), false, None, Text, false, 5);
        check(b"a\0b", false, None, Base64, false, 3);
        check(b"a\0b", false, Some(Text), Text, false, 3);
        check(b"\xff\xfe", false, None, Base64, false, 2);
        check(b"\xff\xfe", false, Some(Text), Text, true, 2);
        check(b"a", false, Some(Base64), Base64, false, 1);
        // `ü` is cut: by the end of the piece, and by the end of the file.
        check(b"gr\xc3", true, None, Text, false, 2);
        check(b"gr\xc3", false, None, Base64, false, 3);
    }

    #[test]
    fn no_text_grows_beyond_a_result_by_its_escapes() {
        for text in ["\u{1}", "\n", "\"", "a", "ü"] {
            let text = text.repeat(2 * MOST_CONTENT);
            let taken = write(text.as_bytes(), false, None).taken;
            let json = serde_json::to_string(&text[..taken]).unwrap();
            assert!(json.len() <= MOST_CONTENT + 2, "{}", json.len());
            assert!(json.len() > MOST_CONTENT - 6, "{}", json.len());
        }
    }
}
