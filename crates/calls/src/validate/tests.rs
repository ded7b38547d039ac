//! What callers read when their arguments are wrong.

use serde_json::json;

use super::*;

fn details(arguments: &Value) -> Vec<(String, String)> {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1},
            "units": {"enum": ["metric", "imperial"]},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "a/b": {"type": "boolean"},
        },
        "required": ["city"],
        "additionalProperties": false,
    });
    let error = Schema::compile(&schema).unwrap().check_arguments(arguments).unwrap_err();
    assert_eq!((error.status(), error.name()), (422, "invalid_arguments"));
    error.fields().iter().map(|field| (field.pointer.clone(), field.detail.clone())).collect()
}

fn one(arguments: &Value) -> (String, String) {
    let mut all = details(arguments);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn each_mistake_names_the_field_what_was_wrong_and_what_is_allowed() {
    let cases = [
        (json!({}), "/city", "`city` is missing"),
        (json!({"city": 3}), "/city", "`city` must be a string; got 3"),
        (
            json!({"city": ""}),
            "/city",
            "`city` must have at least 1 characters; got the string \"\"",
        ),
        (
            json!({"city": "Oslo", "units": "celsius"}),
            "/units",
            "`units` must be one of \"metric\", \"imperial\"; got the string \"celsius\"",
        ),
        (json!({"city": "Oslo", "days": 1.5}), "/days", "`days` must be an integer; got 1.5"),
        (json!({"city": "Oslo", "days": 15}), "/days", "`days` must be at most 14; got 15"),
        (json!({"city": "Oslo", "a/b": 1}), "/a~1b", "`a/b` must be a boolean; got 1"),
        (
            json!({"city": "Oslo", "unit": "metric"}),
            "/unit",
            "`unit` is not an argument here; did you mean `units`?",
        ),
        (
            json!({"city": "Oslo", "q": 1}),
            "/q",
            "`q` is not an argument here; there are city, units, days, a/b",
        ),
        (json!([1]), "", "the arguments must be a JSON object; got an array"),
    ];
    for (arguments, pointer, detail) in cases {
        assert_eq!(one(&arguments), (pointer.to_owned(), detail.to_owned()), "{arguments}");
    }
}

#[test]
fn all_mistakes_come_at_once() {
    assert_eq!(details(&json!({"days": 0, "unit": "metric"})).len(), 3);
}

#[test]
fn broken_bodies_say_where_reading_stopped() {
    let detail = |body: &[u8]| parse(body).unwrap_err().detail().to_owned();
    assert!(detail(b"{\"a\":").starts_with("the body is not JSON: EOF"));
    assert_eq!(detail(b"{\"a\":\"\xff\"}"), "the body is not UTF-8: byte 6 cannot be read");
    let deep = "[".repeat(129) + &"]".repeat(129);
    assert_eq!(detail(deep.as_bytes()), "the body is nested deeper than 128 levels");
    let deep = "[".repeat(127) + &"]".repeat(127);
    assert!(parse(deep.as_bytes()).is_ok());
    assert!(detail(b"").starts_with("the body is not JSON"));
    assert!(detail(b"{} {}").starts_with("the body is not JSON: trailing"));
}

#[test]
fn a_result_error_names_the_place_and_not_the_value() {
    let schema =
        Schema::compile(&json!({"type": "object", "properties": {"n": {"type": "integer"}}}));
    let error = schema.unwrap().check_result(&json!({"n": "secret"})).unwrap_err();
    assert_eq!(error.detail(), "the tool's result breaks its own schema at `/n` (type)");
}

#[test]
fn a_schema_that_points_elsewhere_is_refused() {
    assert!(Schema::compile(&json!({"$ref": "https://example.com/schema.json"})).is_err());
    assert!(Schema::compile(&json!({"type": "text"})).is_err());
}
