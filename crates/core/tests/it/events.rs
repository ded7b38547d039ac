//! Patterns of event types, against a matcher that tries everything.

use mindflight_core::policy::{Pattern, check_type};
use proptest::prelude::*;

use crate::always;

/// Whether these words fit, by trying every length for each `**`.
fn fits(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern, words) {
        ([], words) => words.is_empty(),
        (["**", rest @ ..], words) => (0..=words.len()).any(|taken| fits(rest, &words[taken..])),
        (["*", rest @ ..], [_, words @ ..]) => fits(rest, words),
        ([one, rest @ ..], [word, words @ ..]) => one == word && fits(rest, words),
        (_, []) => false,
    }
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn a_pattern_chooses_what_trying_everything_chooses(
        pattern in prop::collection::vec(prop_oneof![Just("*"), Just("**"), Just("a"), Just("b")], 1..8),
        words in prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..10),
    ) {
        let read: Pattern = pattern.join(".").parse().unwrap();
        prop_assert_eq!(read.matches(&words.join(".")), fits(&pattern, &words));
    }

    #[test]
    fn a_type_is_a_pattern_that_chooses_itself(r#type in "[a-z0-9_-]{1,9}(\\.[a-z0-9_-]{1,9}){0,4}") {
        prop_assert!(check_type(&r#type).is_ok());
        let pattern: Pattern = r#type.parse().unwrap();
        prop_assert!(pattern.matches(&r#type) && Pattern::all().matches(&r#type));
        prop_assert_eq!(pattern.to_string(), r#type);
    }

    #[test]
    fn what_is_no_type_is_refused_without_a_panic(text in any::<String>()) {
        let is_type = check_type(&text).is_ok();
        prop_assert_eq!(is_type, text.parse::<Pattern>().is_ok() && !text.contains('*'));
    }
}
