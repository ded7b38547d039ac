//! Which tools there are, and under which names.

use mindflight_calls::{Catalog, Settings};
use serde_json::json;

use crate::bench::{Rig, mounted};

#[tokio::test]
async fn names_are_sorted_and_every_alias_reaches_its_tool() {
    let rig = Rig::new(Settings::default()).await;
    let catalog = rig.calls.catalog();
    let names: Vec<&str> = catalog.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() == 11, "{names:?}");
    for name in ["bench_locked", "bench.locked", "old_name"] {
        assert_eq!(catalog.get(name).unwrap().name, "bench_locked");
    }
    let error = catalog.get("bench_lok").err().unwrap();
    assert_eq!((error.status(), error.name()), (404, "tool_not_found"));
    assert!(error.detail().contains("bench_look"), "{error}");
}

#[tokio::test]
async fn a_tool_that_cannot_be_served_safely_is_left_out_with_its_reason() {
    let rig = Rig::new(Settings::default()).await;
    let catalog = rig.calls.catalog();
    let left_out: Vec<&str> = catalog.quarantined().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(left_out, ["bench_writes", "bench_broken", "bench_ask"]);
    let error = rig.refused("bench_broken", json!({})).await;
    assert_eq!(error.status(), 503);
    assert!(error.detail().contains("schema of its arguments"), "{error}");
    assert!(rig.refused("bench_ask", json!({"ms": 1})).await.detail().contains("confirmation"));
}

#[tokio::test]
async fn two_tools_cannot_have_one_name_and_no_name_can_be_too_long() {
    let settings = Settings::default();
    let twice = [mounted("bench").await, mounted("other").await];
    let error = Catalog::build(&twice, &settings).err().unwrap().to_string();
    assert!(
        error.contains("`old_name`") && error.contains("`bench`") && error.contains("`other`"),
        "{error}"
    );
    let long = [mounted(&"x".repeat(62)).await];
    let error = Catalog::build(&long, &settings).err().unwrap().to_string();
    assert!(error.contains("at most 64 characters"), "{error}");
}
