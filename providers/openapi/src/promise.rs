//! What a tool promises: the method says it, and the name has its say where services use methods loosely.

use http::Method;

const READS: &str = "count describe download export fetch find get has is list load query read search show stat view";

const ACTS: &str = "approve archive ban buy cancel charge create deploy disable enable install kill modify patch pay \
    publish refund rename reset restart revoke save send set store submit trash unsubscribe update upload write";

const DELETES: &str = "clear delete destroy drop erase overwrite purge remove truncate wipe";

/// What a tool promises.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) read_only: bool,
    pub(crate) idempotent: bool,
    pub(crate) destructive: bool,
}

impl Promise {
    /// Of the tool with this method and name.
    pub(crate) fn of(method: &Method, name: &str) -> Self {
        let mut words = name.split('_');
        let first = name.split('_').next().unwrap_or_default();
        let deletes = !has(READS, first) && words.any(|word| has(DELETES, word));
        let reads = matches!(*method, Method::GET | Method::HEAD);
        Self {
            read_only: reads && !deletes && !has(ACTS, first),
            idempotent: matches!(*method, Method::PUT | Method::DELETE),
            destructive: *method == Method::DELETE || deletes,
        }
    }
}

fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_and_name_both_have_their_say() {
        for (method, name, read_only, idempotent, destructive) in [
            (Method::GET, "list_pets", true, false, false),
            (Method::GET, "get_delete_log", true, false, false),
            (Method::GET, "send_mail", false, false, false),
            (Method::GET, "users_delete", false, false, true),
            (Method::POST, "create_pet", false, false, false),
            (Method::POST, "remove_tag", false, false, true),
            (Method::PUT, "replace_pet", false, true, false),
            (Method::DELETE, "pets_pet_id", false, true, true),
        ] {
            let expected = Promise { read_only, idempotent, destructive };
            assert_eq!(Promise::of(&method, name), expected, "{method} {name}");
        }
    }
}
