//! Unique keys: two jobs count as the same if and only if what is compared of them is the same.

use chrono::{DateTime, TimeDelta};
use mindflight_core::policy::{Unique, canonical, unique_key};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::always;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Others may be read a bit off.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c]{0,2}|\\PC{1,3}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same with the members of every object in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let members: Vec<_> = object.iter().rev().collect();
            let reversed = members.into_iter().map(|(name, value)| (name.clone(), reversed(value)));
            Value::Object(reversed.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn key(args: &Value, unique: &Unique, second: i64) -> String {
    unique_key("mail.sync", args, unique, DateTime::from_timestamp(second, 0).unwrap())
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn the_order_of_members_never_matters(value in value()) {
        prop_assert_eq!(canonical(&value), canonical(&reversed(&value)));
    }

    #[test]
    fn what_is_canonical_is_json_that_means_the_same(value in value()) {
        let text = canonical(&value);
        let read: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(canonical(&read), text);
        prop_assert_eq!(read, value);
    }

    #[test]
    fn keys_are_the_same_for_the_same_arguments_alone(a in value(), b in value()) {
        let all = Unique::default();
        prop_assert_eq!(key(&a, &all, 0) == key(&b, &all, 0), canonical(&a) == canonical(&b));
    }

    #[test]
    fn arguments_that_are_not_named_never_matter(account in value(), one in value(), other in value()) {
        let unique = Unique { args: vec!["account".to_owned()], ..Unique::default() };
        let of = |rest: &Value| key(&json!({"rest": rest, "account": account}), &unique, 0);
        prop_assert_eq!(of(&one), of(&other));
        let another = json!({"account": [account]});
        prop_assert_ne!(of(&one), key(&another, &unique, 0));
    }

    #[test]
    fn a_slot_is_as_long_as_it_says(period in 1_i64..100_000, at in -1_000_000_000_i64..4_000_000_000) {
        let length = TimeDelta::seconds(period).to_std().unwrap();
        let unique = Unique { period: Some(length), ..Unique::default() };
        let start = at.div_euclid(period) * period;
        let of = |second| key(&Value::Null, &unique, second);
        prop_assert_eq!(of(at), of(start));
        prop_assert_eq!(of(at), of(start + period - 1));
        prop_assert_ne!(of(at), of(start + period));
        prop_assert_ne!(of(at), of(start - 1));
    }
}
