//! The contract that every provider keeps, as tests: see [`contract_tests!`](crate::contract_tests).

mod calls;
mod config;
mod jobs;
mod lint;
mod names;
mod routes;

use mindflight_core::Provider;
use serde_json::Value;

pub use self::calls::{
    a_mistyped_argument_is_refused_by_name, an_unknown_argument_is_refused_by_name,
    missing_arguments_are_named, no_tool_panics_without_arguments,
};
pub use self::config::{a_missing_setting_is_named, an_unknown_setting_is_refused_by_name};
pub use self::jobs::kinds_are_legal;
pub use self::lint::the_check_finds_no_error;
pub use self::names::{listing_is_the_same_each_time, names_are_legal_and_unique};
pub use self::routes::{routes_are_legal, webhooks_refuse_what_is_not_signed};
use crate::Kit;

/// What the tests are told about a provider.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// A configuration that the provider can be built from.
    pub config: Value,
    /// Tools that panic because that is what they are for.
    pub panics: Vec<&'static str>,
}

/// Runs a check on a kit of its own.
fn with_kit<P: Provider, T>(subject: &Subject, check: impl AsyncFnOnce(Kit<P>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            let kit = Kit::new(subject.config.clone()).await;
            check(kit).await
        }),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// Expands to the tests of the contract for one provider.
///
/// ```text
/// contract_tests!(Echo);
/// contract_tests!(Weather, config = json!({"api_key": "k-test"}));
/// contract_tests!(Demo, panics = ["panic"]);
/// ```
#[macro_export]
macro_rules! contract_tests {
    ($provider:ty $(, config = $config:expr)? $(, panics = [$($tool:expr),* $(,)?])? $(,)?) => {
        fn contract_subject() -> $crate::contract::Subject {
            // Either of the two may be left out.
            let mut subject = $crate::contract::Subject::default();
            $(subject.config = $config;)?
            $(subject.panics = vec![$($tool),*];)?
            if subject.config.is_null() {
                subject.config = $crate::serde_json::json!({});
            }
            subject
        }
        $crate::contract_tests!(@tests $provider:
            names_are_legal_and_unique
            the_check_finds_no_error
            listing_is_the_same_each_time
            an_unknown_setting_is_refused_by_name
            a_missing_setting_is_named
            an_unknown_argument_is_refused_by_name
            missing_arguments_are_named
            a_mistyped_argument_is_refused_by_name
            no_tool_panics_without_arguments
            kinds_are_legal
            routes_are_legal
            webhooks_refuse_what_is_not_signed
        );
    };
    (@tests $provider:ty: $($rule:ident)*) => {
        $(
            #[test]
            fn $rule() {
                $crate::contract::$rule::<$provider>(&contract_subject());
            }
        )*
    };
}
