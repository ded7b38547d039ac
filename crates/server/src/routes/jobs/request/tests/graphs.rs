//! Jobs that wait for each other, and what makes jobs the same.

use mindflight_core::policy::{Release, Unique};
use mindflight_core::ports::OnFailure;

use super::*;

fn item(more: Value) -> Value {
    let mut item = json!({"kind": "demo.sleep", "args": {"ms": 1}});
    let Value::Object(more) = more else { panic!("{more}") };
    item.as_object_mut().unwrap().extend(more);
    item
}

/// Place and words of the one mistake.
fn one_mistake(body: &Value) -> (String, String) {
    let (status, code, mut fields) = refused(body);
    assert_eq!((status, code.as_str(), fields.len()), (422, "invalid_body", 1), "{fields:?}");
    fields.remove(0)
}

#[test]
fn names_of_one_call_become_ids_in_whatever_order_they_stand() {
    let other = JobId::new();
    let body = json!([
        item(json!({"after": ["a", "b", other.to_string()], "on_failure": "run"})),
        item(json!({"name": "a"})),
        item(json!({"name": "b", "after": ["a"]})),
    ]);
    let asked = asked(&body).unwrap();
    let id = |place: usize| asked.jobs[place].options.id.unwrap();
    assert_eq!(asked.jobs[0].options.after, [id(1), id(2), other]);
    assert_eq!(asked.jobs[0].options.on_failure, OnFailure::Run);
    assert_eq!(
        (&asked.jobs[2].options.after, asked.jobs[2].options.on_failure),
        (&vec![id(1)], OnFailure::Cancel)
    );
    assert_eq!(asked.outside, [("/0/after/2".to_owned(), other)]);
    assert!(super::asked(&item(json!({}))).unwrap().jobs[0].options.id.is_none());
}

#[test]
fn what_is_wrong_with_a_graph_is_named_with_its_place() {
    let name = |name: &str, after: &[&str]| item(json!({"name": name, "after": after}));
    let (pointer, words) = one_mistake(&json!([name("fetch", &[]), name("b", &["fetsh"])]));
    assert_eq!(pointer, "/1/after/0");
    assert!(words.contains("did you mean \"fetch\"?"), "{words}");
    let (pointer, words) =
        one_mistake(&json!([name("a", &["b"]), name("b", &["a"]), item(json!({"after": ["a"]}))]));
    assert!(pointer == "/0/after" || pointer == "/1/after", "{pointer}");
    assert!(words.contains("would wait for itself"), "{words}");
    let (pointer, words) = one_mistake(&json!([name("a", &[]), name("a", &[])]));
    assert_eq!((pointer.as_str(), words.contains("item 0")), ("/1/name", true), "{words}");
    let twice = json!([name("a", &[]), item(json!({"after": ["a", "a"]}))]);
    assert_eq!(one_mistake(&twice).0, "/1/after/1");
    let own = JobId::new().to_string();
    assert!(one_mistake(&item(json!({"name": own}))).1.contains("look like an id"));
    let many: Vec<String> = (0..101).map(|_| JobId::new().to_string()).collect();
    assert!(mistake("after", json!(many)).contains("at most 100"));
    assert_eq!(one_mistake(&item(json!({"after": [7]}))).0, "/after/0");
    for late in ["delay", "run_at"] {
        let time = if late == "delay" { json!("5m") } else { json!("2100-01-01T00:00:00Z") };
        let mut body = item(json!({"after": [own]}));
        body[late] = time;
        let (pointer, words) = one_mistake(&body);
        assert_eq!((pointer.as_str(), words.contains(late)), ("/after", true), "{words}");
    }
    assert!(mistake("on_failure", json!("run")).contains("without `after`"));
    let body = item(json!({"after": [own], "on_failure": "ignore"}));
    assert!(one_mistake(&body).1.contains("\"cancel\" or \"run\""));
}

#[test]
fn what_makes_jobs_the_same_is_read() {
    let unique = |unique: Value| {
        let asked = asked(&item(json!({"unique": unique}))).unwrap();
        let options = asked.jobs[0].options.clone();
        (options.unique_key, options.unique.unwrap())
    };
    assert_eq!(unique(json!({})), (None, Unique::default()));
    let hour = Some(Duration::from_secs(3600));
    let (args, release) = (vec!["ms".to_owned()], Release::Period);
    assert_eq!(
        unique(json!({"args": ["ms"], "period": "1h", "release": "period"})),
        (None, Unique { args, period: hour, release })
    );
    let (key, own) = unique(json!({"key": "k", "release": "start"}));
    assert_eq!((key.as_deref(), own.release), (Some("k"), Release::Start));
}

#[test]
fn what_is_wrong_with_a_key_is_named() {
    for (unique, pointer, words) in [
        (json!("k"), "/unique", "must be an object"),
        (json!({"perod": 1}), "/unique/perod", "did you mean `period`?"),
        (json!({"args": []}), "/unique/args", "1 to 100 names"),
        (json!({"args": ["ms"], "key": "k"}), "/unique/args", "together"),
        (json!({"key": ""}), "/unique/key", "1 to 200"),
        (json!({"period": "500ms"}), "/unique/period", "whole seconds"),
        (json!({"period": 0}), "/unique/period", "whole seconds"),
        (json!({"release": "period"}), "/unique/release", "with a `period`"),
        (json!({"release": "never"}), "/unique/release", "\"start\", \"end\" or \"period\""),
    ] {
        let (place, detail) = one_mistake(&item(json!({"unique": unique})));
        assert_eq!(place, pointer, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
    let both = item(json!({"unique": {}, "unique_key": "k"}));
    assert!(one_mistake(&both).1.contains("together"));
}
