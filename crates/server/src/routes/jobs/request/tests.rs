//! What may be asked for, and what is said about the rest.

use mindflight_calls::validate::Schema;
use serde_json::json;

use super::*;

mod graphs;

/// One kind, `demo.sleep {ms}`.
struct Demo;

impl Kinds for Demo {
    fn check_kind(&self, name: &str) -> Result<()> {
        if name == "demo.sleep" {
            return Ok(());
        }
        let detail = format!("there is no kind `{name}`; near kinds: demo.sleep");
        Err(Error::of(codes::UNKNOWN_KIND, detail).field("", "", vec!["demo.sleep".into()]))
    }

    fn check_args(&self, _: &str, args: &Value) -> Result<()> {
        let schema = json!({
            "type": "object", "properties": {"ms": {"type": "integer", "minimum": 0}},
            "required": ["ms"], "additionalProperties": false,
        });
        Schema::compile(&schema).unwrap().check_arguments(args)
    }
}

fn asked(body: &Value) -> Result<Asked> {
    read(&Bytes::from(body.to_string()), &Demo)
}

/// Status, code, and the place and words of each mistake.
fn refused(body: &Value) -> (u16, String, Vec<(String, String)>) {
    let error = asked(body).unwrap_err();
    let fields = error.fields().iter().map(|one| (one.pointer.clone(), one.detail.clone()));
    (error.status(), error.name().to_owned(), fields.collect())
}

/// The one mistake that a job with this member beside a good kind and arguments has.
fn mistake(member: &str, value: Value) -> String {
    let mut body = json!({"kind": "demo.sleep", "args": {"ms": 1}});
    body[member] = value;
    let (status, code, fields) = refused(&body);
    assert_eq!((status, code.as_str(), fields.len()), (422, "invalid_body", 1), "{fields:?}");
    assert_eq!(fields[0].0, format!("/{member}"));
    fields[0].1.clone()
}

#[test]
fn a_job_is_read_with_all_that_it_may_say() {
    let body = json!({
        "kind": "demo.sleep", "args": {"ms": 1}, "queue": "a_b.c-1", "priority": 0, "delay": "5m",
        "unique_key": "k", "max_attempts": 1000, "tags": ["vip"], "run_at": null,
    });
    let asked = asked(&body).unwrap();
    assert!(asked.is_single);
    let options = EnqueueOptions {
        delay: Some(Duration::from_secs(300)),
        run_at: None,
        queue: Some("a_b.c-1".to_owned()),
        max_attempts: Some(1000),
        priority: Some(0),
        unique_key: Some("k".to_owned()),
        tags: vec!["vip".to_owned()],
        ..EnqueueOptions::default()
    };
    let job = NewJob { kind: "demo.sleep".to_owned(), args: json!({"ms": 1}), options };
    assert_eq!(asked.jobs, [job]);
}

#[test]
fn several_come_as_an_array_and_times_in_any_zone() {
    let one =
        json!({"kind": "demo.sleep", "args": {"ms": 1}, "run_at": "2026-11-21T10:00:00+01:00"});
    let asked = asked(&json!([one, one])).unwrap();
    assert_eq!((asked.jobs.len(), asked.is_single), (2, false));
    assert_eq!(asked.jobs[0].options.run_at, "2026-11-21T09:00:00Z".parse().ok());
    assert_eq!(refused(&json!([])).1, "invalid_body");
    assert_eq!(refused(&json!(vec![one; 1001])).0, 413);
}

#[test]
fn each_bound_is_named() {
    for priority in [json!(10), json!(-1), json!(1.5), json!("5")] {
        assert!(mistake("priority", priority).contains("from 0 to 9"));
    }
    assert_eq!(
        mistake("max_attempts", json!(0)),
        "`max_attempts` must be a whole number from 1 to 1000; got 0"
    );
    for delay in
        [json!(-1), json!("5 minutes"), json!("5"), json!(true), json!("3651d"), json!(1e300)]
    {
        assert!(mistake("delay", delay).contains("at most 10 years"));
    }
    assert!(mistake("run_at", json!("tomorrow")).contains("2026-11-21T09:00:00Z"));
    assert!(mistake("queue", json!("Mail")).contains("a-z, 0-9"));
    assert!(mistake("queue", json!("")).contains("1 to 100"));
    assert!(
        mistake("unique_key", json!("x".repeat(201)))
            .contains("1 to 200 characters; got a string of 201")
    );
    assert!(mistake("tags", json!(vec!["x"; 11])).contains("at most 10"));
    assert_eq!(mistake("kind", json!(7)), "`kind` must be a string such as \"demo.sleep\"; got 7");
    for delay in [json!(0), json!(0.5), json!("3650d")] {
        assert!(asked(&json!({"kind": "demo.sleep", "args": {"ms": 1}, "delay": delay})).is_ok());
    }
}

#[test]
fn every_mistake_of_every_job_comes_at_once() {
    let (status, code, fields) = refused(&json!([
        {"kind": "demo.slep"},
        {"kind": "demo.sleep", "args": {"ms": -1, "x": 1}, "priority": 11, "tags": ["", 3]},
        {"args": {}},
        7,
        {"kind": "demo.sleep", "args": {"ms": 1}, "delay": 1, "run_at": "2026-11-21T09:00:00Z"},
    ]));
    assert_eq!((status, code.as_str()), (422, "unknown_kind"));
    let places: Vec<&str> = fields.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "/0/kind",
            "/1/priority",
            "/1/tags/0",
            "/1/tags/1",
            "/1/args/ms",
            "/1/args/x",
            "/2/kind",
            "/3",
            "/4/run_at"
        ]
    );
    assert_eq!(fields[6].1, "`kind` is missing");
    assert!(fields[8].1.contains("cannot be given together"));
}

#[test]
fn wrong_arguments_alone_are_said_as_a_tool_says_it() {
    let (status, code, fields) = refused(&json!({"kind": "demo.sleep"}));
    assert_eq!((status, code.as_str()), (422, "invalid_arguments"));
    assert_eq!(fields, [("/args/ms".to_owned(), "`ms` is missing".to_owned())]);
    let (_, code, fields) = refused(&json!({"kind": "demo.sleep", "args": [1]}));
    assert_eq!((code.as_str(), fields[0].0.as_str()), ("invalid_arguments", "/args"));
}

#[test]
fn an_unknown_member_is_another_kind_of_mistake() {
    let (status, code, fields) = refused(&json!({"kind": "demo.sleep", "arguments": {}}));
    assert_eq!(
        (status, code.as_str(), fields[0].0.as_str()),
        (400, "invalid_request", "/arguments")
    );
    let (.., fields) = refused(&json!({"kind": "demo.sleep", "prioritty": 1}));
    assert!(fields[0].1.ends_with("did you mean `priority`?"), "{}", fields[0].1);
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let (status, code, fields) = refused(&json!([{"kind": "demo.sleep", "args": {"a": ["x\0"]}}]));
    assert_eq!(
        (status, code.as_str(), fields[0].0.as_str()),
        (400, "invalid_request", "/0/args/a/0")
    );
    let args = json!({"ms": 1, "text": "x".repeat(256 * 1024)});
    let (status, code, fields) = refused(&json!({"kind": "demo.sleep", "args": args}));
    assert_eq!((status, code.as_str(), fields[0].0.as_str()), (413, "too_large", "/args"));
}
