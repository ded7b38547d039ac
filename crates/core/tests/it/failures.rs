//! Failures that are the same have one fingerprint.

use mindflight_core::policy::{LONGEST_PATTERN, error_pattern, fingerprint};
use proptest::prelude::*;

use crate::always;

/// Details as errors have them: words, numbers, ids, quotes, addresses, and anything at all.
fn detail() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-z]{1,12}",
        2 => "[0-9]{1,9}",
        1 => "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
        1 => "(0x)?[a-f0-9]{4,16}",
        1 => "\"[a-z0-9 ]{0,10}\"",
        1 => "https://[a-z]{3}\\.example/[a-z0-9]{0,9}",
        1 => "[a-z]{1,5}@[a-z]{1,5}\\.[a-z]{2}",
        1 => "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z",
        1 => "[a-zA-Z0-9_.:/=-]{0,60}",
        1 => "\\PC{0,20}",
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

/// The same with other digits in place of the digits.
fn other_digits(detail: &str, digits: &[u8]) -> String {
    let mut digits = digits.iter().cycle();
    let other = |c: char| match c.is_ascii_digit() {
        true => char::from(b'0' + digits.next().unwrap() % 10),
        false => c,
    };
    detail.chars().map(other).collect()
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn digits_never_matter(detail in detail(), digits in prop::collection::vec(any::<u8>(), 1..50)) {
        let other = other_digits(&detail, &digits);
        prop_assert_eq!(error_pattern(&detail), error_pattern(&other));
    }

    #[test]
    fn neither_does_the_length_of_a_number(before in "[a-z]{1,9}", after in "[a-z]{1,9}", a in any::<u64>(), b in any::<u64>()) {
        let pattern = |number: u64| error_pattern(&format!("{before} {number} {after}"));
        prop_assert_eq!(pattern(a), pattern(b));
        let expected = format!("{before} <number> {after}");
        prop_assert_eq!(pattern(a), expected);
    }

    #[test]
    fn a_pattern_is_bounded_and_can_be_stored(detail in detail()) {
        let pattern = error_pattern(&detail);
        prop_assert!(pattern.chars().count() <= LONGEST_PATTERN);
        prop_assert!(!pattern.contains(char::is_control), "{pattern:?}");
    }

    #[test]
    fn anything_has_a_pattern(detail in any::<String>()) {
        prop_assert!(error_pattern(&detail).chars().count() <= LONGEST_PATTERN);
    }

    #[test]
    fn the_same_pattern_is_the_same_fingerprint(detail in detail(), digits in prop::collection::vec(any::<u8>(), 1..50), kind in any::<i32>(), code in "[a-z_.]{1,20}") {
        let of = |detail: &str| fingerprint(kind, &code, &error_pattern(detail));
        prop_assert_eq!(of(&detail), of(&other_digits(&detail, &digits)));
    }

    #[test]
    fn another_kind_code_or_pattern_is_another_fingerprint(
        a in (any::<i32>(), "[a-z_]{1,9}", "[a-z ]{0,20}"),
        b in (any::<i32>(), "[a-z_]{1,9}", "[a-z ]{0,20}"),
    ) {
        let of = |(kind, code, pattern): &(i32, String, String)| fingerprint(*kind, code, pattern);
        prop_assert_eq!(of(&a) == of(&b), a == b);
    }
}
