//! What `mindflight provider check` finds, in the provider's own tests.

use mindflight_core::Provider;
use mindflight_core::lint::{self, Level};

use super::{Subject, with_kit};

/// No rule of `mindflight provider check` is broken whose breaking is an error: names, descriptions, portable
/// schemas, marks that clients trust. Warnings are the check's own to tell.
pub fn the_check_finds_no_error<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        let found = lint::check(&kit.mounted);
        let errors = found.iter().filter(|finding| finding.rule.level == Level::Error);
        let errors: Vec<String> = errors.map(ToString::to_string).collect();
        assert!(errors.is_empty(), "\n  {}\n", errors.join("\n  "));
    });
}
