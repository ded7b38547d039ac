//! Who calls in a test.

use mindflight_api::access::CallerKind;
use mindflight_api::{KeyId, RequestId, Scope};
use mindflight_core::Caller;
use mindflight_core::caller::{Facts, Origin};

/// A caller with a key that has these scopes.
#[track_caller]
pub(crate) fn caller(scopes: &[&str]) -> Caller {
    let scopes = scopes
        .iter()
        .map(|text| match text.parse::<Scope>() {
            Ok(scope) => scope,
            Err(error) => panic!("{error}"),
        })
        .collect();
    Facts {
        kind: CallerKind::Key,
        name: "test".to_owned(),
        user: None,
        key: Some(KeyId::new()),
        scopes,
        rate: None,
    }
    .into()
}

pub(crate) fn origin() -> Origin {
    Origin { request: RequestId::new(), ip: None }
}
