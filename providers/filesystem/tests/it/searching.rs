//! `search`: what fits, what is skipped, and what ends it.

use serde_json::{Value, json};

use crate::world::World;

fn places(found: &Value) -> Vec<String> {
    let matches = found["matches"].as_array().expect("as it is listed");
    let place = |one: &Value| {
        format!(
            "{}:{}:{}",
            one["path"].as_str().expect("as it is listed"),
            one["line"],
            one["column"]
        )
    };
    matches.iter().map(place).collect()
}

fn world() -> World {
    let world = World::new();
    world.write("src/a.rs", "fn one() {}\r\nfn tw\u{f6}() {}\n");
    world.write("src/b.md", "Fn is a word\nf.n\n");
    world.write("src/c.bin", "fn\0fn");
    world
}

#[tokio::test]
async fn texts_and_regular_expressions_are_found_line_by_line() {
    let kit_world = world();
    let kit = kit_world.kit().await;
    let cases = [
        (json!({"query": "fn "}), vec!["src/a.rs:1:1", "src/a.rs:2:1"]),
        (
            json!({"query": "fn ", "case_sensitive": false}),
            vec!["src/a.rs:1:1", "src/a.rs:2:1", "src/b.md:1:1"],
        ),
        (json!({"query": "f.n"}), vec!["src/b.md:2:1"]),
        (json!({"query": r"\b\w+\(\) \{\}$", "regex": true}), vec!["src/a.rs:1:4", "src/a.rs:2:4"]),
        (
            json!({"query": "{}", "glob": "*.rs", "path": "src"}),
            vec!["src/a.rs:1:10", "src/a.rs:2:10"],
        ),
        (json!({"query": "f", "glob": "*.md"}), vec!["src/b.md:2:1"]),
        (json!({"query": "inside", "path": "notes.txt"}), vec!["notes.txt:1:1"]),
        (json!({"query": "nothing has this"}), vec![]),
    ];
    for (arguments, expected) in cases {
        let reply = kit.call("search", arguments.clone()).await;
        assert_eq!(places(reply.output()), expected, "{arguments}");
        assert_eq!(reply.output()["truncated"], false, "{arguments}");
    }
    let reply = kit.call("search", json!({"query": "fn", "path": "src"})).await;
    assert_eq!((&reply.output()["files"], &reply.output()["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(reply.output()["matches"][0]["text"], "fn one() {}");
}

#[tokio::test]
async fn a_limit_that_is_reached_is_named() {
    let world = world();
    world.write("many.txt", "hit\n".repeat(50));
    let kit = world.kit_with(json!({"max_search_files": 3})).await;
    let reply = kit.call("search", json!({"query": "hit", "path": "many.txt", "limit": 7})).await;
    assert_eq!(places(reply.output()).len(), 7);
    assert_eq!(
        (&reply.output()["truncated"], &reply.output()["limit"]),
        (&json!(true), &json!("matches"))
    );
    let reply = kit.call("search", json!({"query": "no such text"})).await;
    assert_eq!((&reply.output()["files"], &reply.output()["limit"]), (&json!(3), &json!("files")));
}

#[tokio::test]
async fn an_expression_that_is_none_is_refused_by_name() {
    let world = world();
    let kit = world.kit().await;
    for query in ["(", "(?=a)", r"(a)\1", "(a{1000}){1000}"] {
        let reply = kit.call("search", json!({"query": query, "regex": true})).await;
        reply.assert_error().status(422).names_field("/query").has_fix();
    }
}
