//! `--fields a,b.c`: picking members out of what is printed.

use serde_json::{Map, Value};

use crate::Failure;

/// The member at a dotted path.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, member| value.as_object()?.get(member))
}

/// A copy of `value` with nothing but the members at `paths`.
pub(super) fn pick(value: &Value, paths: &[String]) -> Value {
    let mut picked = Map::new();
    for path in paths {
        if let Some(found) = at(value, path) {
            put(&mut picked, path, found);
        }
    }
    Value::Object(picked)
}

/// Refuses a path that none of the items has.
pub(super) fn check(items: &[&Value], paths: &[String]) -> Result<(), Failure> {
    let missing =
        |path: &&String| !items.is_empty() && !items.iter().any(|item| at(item, path).is_some());
    let Some(path) = paths.iter().find(missing) else {
        return Ok(());
    };
    let mut names: Vec<&str> = items
        .iter()
        .filter_map(|item| item.as_object())
        .flat_map(|object| object.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    let there = if names.is_empty() {
        "there are none here".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    Err(Failure::usage(format!("--fields: no member `{path}`; {there}")))
}

fn put(into: &mut Map<String, Value>, path: &str, found: &Value) {
    match path.split_once('.') {
        None => drop(into.insert(path.to_owned(), found.clone())),
        Some((first, rest)) => {
            let inner = into.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(object) = inner.as_object_mut() {
                put(object, rest, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_picked_with_their_place() {
        let value = json!({"id": 1, "error": {"code": "x", "status": 500}, "a": {"b": null}});
        let paths = ["error.code".to_owned(), "id".to_owned(), "a.b".to_owned(), "gone".to_owned()];
        assert_eq!(
            pick(&value, &paths),
            json!({"error": {"code": "x"}, "id": 1, "a": {"b": null}})
        );
    }

    #[test]
    fn a_path_that_no_item_has_is_refused_with_the_members_there_are() {
        let items = [json!({"a": 1}), json!({"b": 1})];
        let items: Vec<&Value> = items.iter().collect();
        assert!(check(&items, &["b".to_owned()]).is_ok());
        assert!(check(&[], &["c".to_owned()]).is_ok());
        let failure = check(&items, &["c".to_owned()]).unwrap_err();
        assert_eq!(failure.problem().detail, "--fields: no member `c`; there are a, b");
    }
}
