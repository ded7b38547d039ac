//! Percent-encoding (RFC 3986 §2).

/// Every byte that is not unreserved, encoded: no value can leave its place in a path or a query.
pub(crate) fn text(text: &str) -> String {
    encoded(text, |_| false)
}

/// As [`text`], but reserved characters stay where they cannot end or split a value of the query.
pub(crate) fn reserved(text: &str) -> String {
    encoded(text, |byte| b":/?@!$'()*,;".contains(&byte))
}

/// A part of a path as the document writes it: only what cannot stand in a URL is encoded.
pub(crate) fn literal(text: &str) -> String {
    encoded(text, |byte| b"/!$&'()*+,;=:@%".contains(&byte))
}

fn encoded(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || stays(byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Reads percent-encoding, as it stands in a reference; what is none stays.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let byte = match more {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match byte {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = &more[2..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(text("aZ0-._~"), "aZ0-._~");
        assert_eq!(text("a/b?c#d%2e é\\"), "a%2Fb%3Fc%23d%252e%20%C3%A9%5C");
        assert_eq!(reserved("a/b?c#d&e=f+g"), "a/b?c%23d%26e%3Df%2Bg");
        assert_eq!(decoded("a%2Fb%zz%"), "a/b%zz%");
    }
}
