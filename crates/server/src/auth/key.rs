//! API keys: `mf_<id>_<secret>_<crc>`. Only SHA-256 of the whole is stored; 32 random bytes need no slow hash.

use mindflight_api::KeyId;
use mindflight_core::{Error, Result};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::base62;

const MARK: &str = "mf_";
/// Characters of the id that a key is recognised by.
const SHOWN: usize = 8;

/// SHA-256 of a credential.
pub(super) type Fingerprint = [u8; 32];

/// A new key. There is no `Debug`: the text is the secret.
pub(crate) struct Minted {
    pub(crate) id: KeyId,
    /// Shown once.
    pub(crate) text: String,
    /// What is stored.
    pub(crate) hash: Fingerprint,
    /// What people recognise it by.
    pub(crate) prefix: String,
}

/// Makes a key.
pub(crate) fn mint() -> Result<Minted> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| Error::internal(error.to_string()))?;
    Ok(of_parts(KeyId::new(), &secret))
}

fn of_parts(id: KeyId, secret: &[u8; 32]) -> Minted {
    let name = base62::encode(id.uuid().as_bytes());
    let prefix = format!("{MARK}{}", &name[..SHOWN]);
    let body = format!("{MARK}{name}_{}", base62::encode(secret));
    let text = format!("{body}_{}", checksum(&body));
    Minted { id, hash: fingerprint(&text), text, prefix }
}

/// What is wrong with a text that looks like a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoKey {
    #[error("it has not the form mf_<id>_<secret>_<checksum>")]
    Form,
    #[error("its checksum is wrong: it was mistyped or cut off")]
    Checksum,
}

/// Whether the text means to be a key at all, and not a token.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(MARK)
}

/// The id in a key, if the key is whole; nothing says yet that there is such a key.
pub(super) fn parse(text: &str) -> Result<KeyId, NoKey> {
    let parts = text.strip_prefix(MARK).ok_or(NoKey::Form)?;
    let mut parts = parts.split('_');
    let (Some(id), Some(secret), Some(crc), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(NoKey::Form);
    };
    if crc.len() != base62::length(4) {
        return Err(NoKey::Form);
    }
    let body = text.strip_suffix(crc).and_then(|body| body.strip_suffix('_')).ok_or(NoKey::Form)?;
    if checksum(body) != crc {
        return Err(NoKey::Checksum);
    }
    base62::decode::<32>(secret).ok_or(NoKey::Form)?;
    let id = base62::decode::<16>(id).map(u128::from_be_bytes).ok_or(NoKey::Form)?;
    let hex = format!("{id:032x}");
    let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    id.parse().map_err(|_| NoKey::Form)
}

/// CRC-32: finds slips of the hand without asking the database, and protects nothing.
fn checksum(body: &str) -> String {
    base62::encode(&crc32fast::hash(body.as_bytes()).to_be_bytes())
}

/// SHA-256 of a credential.
pub(super) fn fingerprint(text: &str) -> Fingerprint {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether two fingerprints are the same, in the same time wherever they differ.
pub(super) fn matches(stored: &Fingerprint, given: &Fingerprint) -> bool {
    stored.ct_eq(given).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_shows_its_start() {
        let key = mint().unwrap();
        assert_eq!(parse(&key.text), Ok(key.id));
        assert_eq!(key.text.len(), "mf_".len() + 22 + 1 + 43 + 1 + 6);
        assert_eq!(key.prefix.len(), "mf_".len() + 8);
        assert!(key.text.starts_with(&key.prefix));
        assert!(key.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        assert!(matches(&key.hash, &fingerprint(&key.text)));
        assert!(!matches(&key.hash, &fingerprint("mf_")));
    }

    #[test]
    fn two_keys_have_nothing_secret_in_common() {
        let (one, other) = (mint().unwrap(), mint().unwrap());
        let secret = |key: &Minted| key.text.split('_').nth(2).unwrap().to_owned();
        assert_ne!(secret(&one), secret(&other));
        assert_ne!(one.hash, other.hash);
    }

    #[test]
    fn every_slip_of_the_hand_is_found() {
        let text = mint().unwrap().text;
        for at in "mf_".len()..text.len() {
            let mut typed: Vec<char> = text.chars().collect();
            typed[at] = if typed[at] == 'a' { 'b' } else { 'a' };
            let typed: String = typed.into_iter().collect();
            if typed != text {
                assert!(parse(&typed).is_err(), "{at}");
            }
        }
        let mut swapped: Vec<char> = text.chars().collect();
        swapped.swap(30, 31);
        let swapped: String = swapped.into_iter().collect();
        assert_eq!(parse(&swapped).is_err(), swapped != text);
    }

    #[test]
    fn the_reason_says_whether_it_was_mistyped() {
        let text = mint().unwrap().text;
        let (last, cut) = (text.chars().last().unwrap(), &text[..text.len() - 1]);
        let other = if last == '0' { '1' } else { '0' };
        for (typed, reason) in [
            (format!("{cut}{other}"), NoKey::Checksum),
            (cut.to_owned(), NoKey::Form),
            (format!("{text}0"), NoKey::Form),
            (format!("{text}_"), NoKey::Form),
            (format!(" {text}"), NoKey::Form),
            ("mf_".to_owned(), NoKey::Form),
            ("mf___".to_owned(), NoKey::Form),
            ("sk_abc".to_owned(), NoKey::Form),
            (String::new(), NoKey::Form),
        ] {
            assert_eq!(parse(&typed), Err(reason), "{typed}");
        }
    }

    #[test]
    fn a_right_checksum_does_not_make_a_key() {
        let body = "mf_0_0";
        assert_eq!(parse(&format!("{body}_{}", checksum(body))), Err(NoKey::Form));
        // The largest 22 digits are more than 16 bytes hold.
        let body = format!("mf_{}_{}", "z".repeat(22), "0".repeat(43));
        assert_eq!(parse(&format!("{body}_{}", checksum(&body))), Err(NoKey::Form));
    }
}
