//! Bytes as digits and letters, always of the same length: what survives every shell, URL and double click.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many digits `bytes` bytes take.
pub(super) const fn length(bytes: usize) -> usize {
    match bytes {
        4 => 6,
        16 => 22,
        32 => 43,
        // log(256) / log(62) is a little under 1.344.
        other => other * 1344 / 1000 + 1,
    }
}

/// The number that `bytes` are, big end first, with leading zeros.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; length(bytes.len())];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let part = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(part / 62).unwrap_or_default();
            rest = part % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.into_iter().map(char::from).collect()
}

/// The bytes of [`encode`]; `None` for another length, another character or too large a number.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != length(N) {
        return None;
    }
    let mut number = [0u8; N];
    for character in text.bytes() {
        let mut carry = match character {
            b'0'..=b'9' => u32::from(character - b'0'),
            b'A'..=b'Z' => u32::from(character - b'A') + 10,
            b'a'..=b'z' => u32::from(character - b'a') + 36,
            _ => return None,
        };
        for byte in number.iter_mut().rev() {
            let part = u32::from(*byte) * 62 + carry;
            *byte = u8::try_from(part & 0xff).unwrap_or_default();
            carry = part >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_as_written() {
        for fill in [0x00, 0x01, 0x3d, 0x3e, 0x80, 0xff] {
            assert_eq!(decode::<4>(&encode(&[fill; 4])), Some([fill; 4]));
            assert_eq!(decode::<16>(&encode(&[fill; 16])), Some([fill; 16]));
            assert_eq!(decode::<32>(&encode(&[fill; 32])), Some([fill; 32]));
        }
        assert_eq!(encode(&[0, 0, 0, 61]), "00000z");
        assert_eq!(encode(&[0, 0, 0, 62]), "000010");
        assert_eq!(encode(&[0xff; 4]), "4gfFC3");
    }

    #[test]
    fn nothing_but_what_encode_writes_is_read() {
        for wrong in ["", "00000", "0000000", "4gfFC4", "zzzzzz", "00000-", "00000ä", "0000é"] {
            assert_eq!(decode::<4>(wrong), None, "{wrong}");
        }
    }
}
