//! HMAC-SHA256, its two spellings, and the comparison that takes the same time whatever it finds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mindflight_core::{Error, Result};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// What is before the base64 of a Standard Webhooks secret.
const PREFIX: &str = "whsec_";

/// A key whose length has been looked at.
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// The bytes of the secret's text, as all but Standard Webhooks take it.
    pub(crate) fn text(secret: &str) -> Result<Self> {
        Self::checked(secret.as_bytes().to_vec())
    }

    /// What the base64 after `whsec_` stands for; the prefix may be missing.
    pub(crate) fn base64(secret: &str) -> Result<Self> {
        let text = secret.strip_prefix(PREFIX).unwrap_or(secret);
        let bytes = STANDARD.decode(text).map_err(|_| {
            let detail =
                "the secret of this webhook is not `whsec_` and base64, so nothing can be verified";
            Error::unavailable(detail)
                .fix("Operators: copy the signing secret again, as the sender shows it.")
        })?;
        Self::checked(bytes)
    }

    /// With an empty key anybody could sign.
    fn checked(bytes: Vec<u8>) -> Result<Self> {
        if bytes.is_empty() {
            let detail = "this webhook has no secret yet, so nothing can be verified";
            let fix = "Operators: set the signing secret in the provider's configuration.";
            return Err(Error::unavailable(detail).fix(fix));
        }
        Ok(Self(bytes))
    }

    /// The MAC over the parts, as if they were one text.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Result<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Error::internal)?;
        parts.iter().for_each(|part| mac.update(part));
        Ok(mac.finalize().into_bytes().into())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(digit).collect()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Whether any of `given` is `expected`. Looks at all of them, and at every byte of each.
pub(crate) fn any_equals<'a>(given: impl Iterator<Item = &'a str>, expected: &str) -> bool {
    given.fold(false, |found, text| {
        let equal: bool = text.as_bytes().ct_eq(expected.as_bytes()).into();
        found | equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_that_of_rfc_4231_and_its_parts_are_one_text() {
        let key = Key::text("Jefe").unwrap();
        let mac = key.mac(&[b"what do ya want ", b"for nothing?"]).unwrap();
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn one_equal_among_several_is_enough_and_a_part_is_not() {
        assert!(any_equals(["x", "abc"].into_iter(), "abc"));
        assert!(!any_equals(["ab", "abcd", ""].into_iter(), "abc"));
        assert!(!any_equals(std::iter::empty(), ""));
    }
}
