//! Names of tools: made from the document, legal, short enough and unique.

use std::collections::{BTreeMap, BTreeSet};

use mindflight_core::{Error, Result};

use crate::operation::Operation;

/// A tool's whole name, with the provider's and the line between them.
const LONGEST: usize = 64;

/// One name for each operation, in their order.
pub(crate) fn assign(
    operations: &[Operation],
    provider: &str,
    chosen: &BTreeMap<String, String>,
) -> Result<Vec<String>> {
    let room = LONGEST.saturating_sub(provider.len() + 1);
    for (id, name) in chosen {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > room || !name.chars().all(legal) {
            return Err(Error::failed(format!(
                "`names.{id}` is `{name}`; a name is a-z, 0-9 and _, at most {room} characters"
            )));
        }
        if !operations.iter().any(|one| one.id.as_deref() == Some(id)) {
            tracing::warn!(provider, operation = id.as_str(), "`names` has an unknown operation");
        }
    }
    let own = |one: &Operation| one.id.as_ref().and_then(|id| chosen.get(id)).cloned();
    let mut taken = BTreeSet::new();
    let mut names: Vec<Option<String>> = vec![None; operations.len()];
    // Neither the order of the document nor a name that was made decides who has a name.
    let mut order: Vec<usize> = (0..operations.len()).collect();
    order.sort_by_key(|&at| (own(&operations[at]).is_none(), operations[at].place()));
    for at in order {
        let one = &operations[at];
        let name = own(one).unwrap_or_else(|| made(one));
        let name = match name.len() > room || taken.contains(&name) {
            true => hashed(&name, &one.place(), room),
            false => name,
        };
        taken.insert(name.clone());
        names[at] = Some(name);
    }
    Ok(names.into_iter().flatten().collect())
}

fn made(operation: &Operation) -> String {
    let from_id = operation.id.as_deref().map(snake).unwrap_or_default();
    match from_id.is_empty() {
        true => snake(&operation.place()),
        false => from_id,
    }
}

/// `listPets` → `list_pets`, `GET /pets/{petId}` → `get_pets_pet_id`.
fn snake(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (at, &c) in letters.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            out.push('_');
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The name cut, with a mark of the operation that is the same in every release.
fn hashed(name: &str, place: &str, room: usize) -> String {
    // FNV-1a: any hash serves that nobody changes.
    let hash = place
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let kept = &name[..name.len().min(room.saturating_sub(9))];
    format!("{}_{hash:08x}", kept.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for (text, name) in [
            ("listPets", "list_pets"),
            ("GetHTTPStatus", "get_http_status"),
            ("pets.list-all", "pets_list_all"),
            ("v2Items", "v2_items"),
            ("GET /pets/{petId}", "get_pets_pet_id"),
            ("größe", "gr_e"),
            ("日本", ""),
        ] {
            assert_eq!(snake(text), name, "{text}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_marked() {
        let name = hashed(&"word_".repeat(20), "GET /a", 40);
        assert!(name.len() <= 40 && name.starts_with("word_word"), "{name}");
        assert_ne!(name, hashed(&"word_".repeat(20), "GET /b", 40));
    }
}
