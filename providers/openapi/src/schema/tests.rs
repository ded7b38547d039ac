//! Schemas before and after.

use super::*;

fn read(schema: &Value) -> Value {
    Reader::new(Root(schema), false).read(schema).unwrap()
}

#[test]
fn what_may_be_null_may_be_left_out() {
    let schema = json!({
        "type": "object", "required": ["must"],
        "properties": {
            "old": {"type": "string", "nullable": true, "enum": ["a", null], "default": null},
            "new": {"type": ["integer", "null"]},
            "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "must": {"type": "string", "nullable": true, "description": "Needed."},
        }
    });
    let read = read(&schema);
    assert_eq!(
        read["properties"],
        json!({
            "old": {"type": "string", "enum": ["a"]},
            "new": {"type": "integer"},
            "any": {"type": "string"},
            "must": {"description": "Needed.", "anyOf": [{"type": "string"}, {"type": "null"}]},
        })
    );
    let patch = Reader::new(Root(&schema), true).read(&schema).unwrap();
    assert_eq!(patch["properties"]["new"]["anyOf"][1], json!({"type": "null"}));
}

#[test]
fn parts_of_a_whole_become_one() {
    let schema = json!({
        "allOf": [
            {"type": "object", "required": ["id"], "additionalProperties": false,
             "properties": {"id": {"type": "integer", "readOnly": true}, "n": {"type": "number", "minimum": 1}}},
            {"required": ["n"], "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 9}}},
        ],
        "description": "A whole."
    });
    assert_eq!(
        read(&schema),
        json!({
            "description": "A whole.", "type": "object", "required": ["n"],
            "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 9}}
        })
    );
}

#[test]
fn words_that_vendors_refuse_are_gone() {
    let schema = json!({
        "type": "object", "xml": {}, "x-own": 1, "externalDocs": {}, "$comment": "", "not": {"type": "null"},
        "patternProperties": {"^x": {}}, "discriminator": {"propertyName": "a"}, "title": "Title",
        "properties": {
            "a": {"const": 5}, "b": {"type": "integer", "format": "int32", "exclusiveMinimum": true, "minimum": 0},
            "c": {"type": "array"}, "d": true, "e": {"type": "file"}, "f": {"type": ["string", "array"]},
            "g": {"type": "string", "pattern": "(?!a)b", "example": "c"}, "h": {"prefixItems": [{"type": "string"}]},
        }
    });
    assert_eq!(
        read(&schema),
        json!({
            "type": "object", "description": "Title",
            "properties": {
                "a": {"type": "integer", "minimum": 5, "maximum": 5, "description": "Allowed: 5."}, "b": {"type": "integer", "exclusiveMinimum": 0},
                "c": {"type": "array", "items": {}}, "d": {}, "e": {},
                "f": {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}]},
                "g": {"type": "string", "description": "Matches `(?!a)b`. Example: `c`."},
                "h": {"items": {"type": "string"}},
            }
        })
    );
}

#[test]
fn a_cycle_is_cut_with_a_note() {
    let document = json!({"tree": {
        "type": "object",
        "properties": {
            "children": {"type": "array", "items": {"$ref": "#/tree"}},
            "parent": {"$ref": "#/tree"},
        }
    }, "loop": {"$ref": "#/loop"}});
    let reference = json!({"$ref": "#/tree"});
    let read = Reader::new(Root(&document), false).read(&reference).unwrap();
    let cut =
        json!({"type": "object", "description": "Another `tree`, formed as the one around it."});
    assert_eq!(read["properties"]["children"]["items"], cut);
    assert_eq!(read["properties"]["parent"], cut);
    let endless = json!({"$ref": "#/loop"});
    assert!(Reader::new(Root(&document), false).read(&endless).is_err());
    let outside = json!({"properties": {"a": {"$ref": "other.yaml#/a"}}});
    let reason = Reader::new(Root(&document), false).read(&outside).unwrap_err();
    assert!(reason.contains("`other.yaml#/a`"), "{reason}");
}

#[test]
fn a_schema_without_end_ends() {
    // Each level refers to the next one twice: 2^40 schemas, if nobody counted.
    let mut document = Map::new();
    for level in 0..40 {
        let next = json!({"$ref": format!("#/l{}", level + 1)});
        document.insert(format!("l{level}"), json!({"properties": {"a": next, "b": next}}));
    }
    document.insert("l40".to_owned(), json!({"type": "string"}));
    let document = Value::Object(document);
    let start = json!({"$ref": "#/l0"});
    let read = Reader::new(Root(&document), false).read(&start).unwrap();
    assert!(read.to_string().len() < 300_000);
}
