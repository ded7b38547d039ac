//! Routes that can be served, and webhooks that let nobody in who did not sign.

use http::Method;
use mindflight_api::Scope;
use mindflight_core::Provider;
use mindflight_core::routes::{Access, Verification};

use super::{Subject, with_kit};
use crate::routing::Table;
use crate::webhook::signs_time;

/// Paths can be told apart, and the scopes that routes ask for exist.
pub fn routes_are_legal<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        let surface = kit.mounted.surface();
        if let Err(mistake) = Table::of(&surface) {
            panic!("{mistake}");
        }
        for route in &surface.routes {
            if let Access::Scope(scope) = &route.access {
                let known = scope.parse::<Scope>();
                assert!(known.is_ok(), "{} {}: {known:?}", route.method, route.path);
            }
            assert!(route.max_body > 0 || route.method == Method::GET, "{}", route.path);
        }
    });
}

/// A webhook refuses a delivery without a signature, with a wrong one, and with one that is too old.
pub fn webhooks_refuse_what_is_not_signed<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        for route in &kit.mounted.surface().routes {
            let Access::Signed(verification) = &route.access else {
                continue;
            };
            let path = route.path.replace(['{', '}', '*'], "");
            let hook = kit.webhook(&path).body("{}");
            let refused = hook.clone().unsigned().send().await;
            let Verification::Scheme { scheme, .. } = verification else {
                // What a check of the provider's own answers is its own affair, but it is a refusal.
                assert!((400..500).contains(&refused.status()), "{path}: {refused:?}");
                continue;
            };
            refused.assert_error().code("unauthenticated").status(401).has_fix();
            let wrong = hook.clone().wrong().send().await;
            wrong.assert_error().code("unauthenticated").status(401);
            if signs_time(scheme) {
                let stale = hook.stale().send().await;
                stale.assert_error().detail_contains("too old").status(401);
            }
        }
    });
}
