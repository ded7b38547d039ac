//! The words that the rules know, and how names and texts fall into words.

/// What tools do. A list cannot be complete: a description that begins with a verb is enough, too.
const VERBS: &str = "accept add analyse analyze answer apply ask assign attach browse build calculate call \
    check choose classify close collect compare compute connect convert copy count decode \
    describe detect do download draw echo edit encode estimate evaluate execute expect \
    explain export extract fetch fill filter find follow forward generate get give greet \
    group import inspect invite join list load look lookup make mark match measure merge \
    open parse ping plan play poll predict preview print put query read refresh register \
    render repeat reply resolve resume retrieve reverse run say scan schedule search select \
    show sign simulate sleep solve sort split start stat subscribe suggest summarise \
    summarize sync tag take tell track transform translate try undo validate verify wait \
    watch";

/// What changes the world.
const ACTS: &str = "approve archive ban buy cancel charge create delete deploy destroy disable drop enable \
    erase insert install kill modify overwrite patch pay publish purge refund remove rename \
    reset restart revoke save send set store submit trash truncate uninstall unsubscribe \
    update upload wipe write";

/// What takes something away for good.
const DELETES: &str = "delete destroy drop erase overwrite purge remove truncate wipe";

/// Praise.
const MARKETING: &str = "amazing awesome best-in-class blazing cutting-edge effortless effortlessly \
    enterprise-grade game-changing industry-leading innovative next-generation powerful \
    revolutionary seamless seamlessly state-of-the-art supercharge unparalleled world-class";

/// Marks of a text that somebody meant to come back to.
const UNFINISHED: &str = "fixme lorem tbd todo xxx";

/// Last words of the names of secrets.
const SECRETS: &str = "credentials key passphrase password secret token";

/// Arguments that bound a list: one of these words is part of the name.
const LIMITS: &str =
    "count cursor first head last limit lines max most n offset page per size tail top";

/// The words of a name: `list_open_orders` and `listOpenOrders` have the same.
pub(super) fn of_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_small) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        after_small = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words of a text in lower case, with their hyphens.
pub(super) fn of_text(text: &str) -> impl Iterator<Item = String> {
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '\'';
    text.split(move |c| !inside(c)).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The first sentence; it stands alone where there is little room.
pub(super) fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    text.split_once(". ").map_or(text, |(sentence, _)| sentence)
}

/// What a name says that is done, and what it is done to.
pub(super) fn act_and_thing(name: &str) -> (Option<String>, String) {
    let mut words = of_name(name);
    let act = words.iter().position(|word| is_verb(word)).map(|at| words.remove(at));
    if let Some(last) = words.last_mut().filter(|last| last.len() > 3 && !last.ends_with("ss")) {
        // Near enough: both ends of a comparison lose the same letter.
        *last = last.trim_end_matches('s').to_owned();
    }
    (act, words.join("_"))
}

fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

pub(super) fn is_verb(word: &str) -> bool {
    has(VERBS, word) || acts(word)
}

pub(super) fn acts(word: &str) -> bool {
    has(ACTS, word)
}

pub(super) fn deletes(word: &str) -> bool {
    has(DELETES, word)
}

pub(super) fn is_praise(word: &str) -> bool {
    has(MARKETING, word)
}

pub(super) fn is_unfinished(word: &str) -> bool {
    has(UNFINISHED, word)
}

/// Whether something with this name is a secret. A public key is none.
pub(super) fn is_secret(name: &str) -> bool {
    let words = of_name(name);
    let open = ["public", "primary", "foreign", "sort", "partition", "idempotency", "next", "page"];
    let is_open = words.iter().any(|word| open.contains(&word.as_str()));
    // A bare `key` names a thing more often than it opens one.
    let is_bare_key = words.len() == 1 && words[0] == "key";
    let last = words.last().is_some_and(|last| has(SECRETS, last));
    last && !is_open && !is_bare_key
}

pub(super) fn bounds_a_list(name: &str) -> bool {
    of_name(name).iter().any(|word| has(LIMITS, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words_and_acts() {
        assert_eq!(of_name("listOpenOrders"), ["list", "open", "orders"]);
        assert_eq!(of_name("list_open__orders2"), ["list", "open", "orders2"]);
        assert_eq!(act_and_thing("mail_send"), (Some("send".into()), "mail".into()));
        assert_eq!(
            act_and_thing("list_deleted_mails"),
            (Some("list".into()), "deleted_mail".into())
        );
        assert_eq!(act_and_thing("calculator"), (None, "calculator".into()));
        assert_eq!(act_and_thing("say"), (Some("say".into()), String::new()));
    }

    #[test]
    fn secrets_are_known_by_their_last_word() {
        for name in ["api_key", "apiKey", "password", "signing_secret", "access_token"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["public_key", "key", "next_page_token", "monkey", "token_count", "keys"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn the_lists_are_sorted_so_that_nothing_stands_twice() {
        for list in [VERBS, ACTS, DELETES, MARKETING, UNFINISHED, SECRETS, LIMITS] {
            let list: Vec<&str> = list.split(' ').collect();
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{list:?}");
        }
    }
}
