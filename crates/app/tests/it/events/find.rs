//! Finding events: pages in both directions, filters, places.

use serde_json::{Value, json};

use super::published;
use crate::rig::Rig;

fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    items.iter().map(|item| item["data"].as_i64().unwrap()).collect()
}

/// All pages of a list.
async fn pages(rig: &Rig, query: &str) -> Vec<Vec<i64>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.server.get(&format!("/api/events?{query}{cursor}")).await.ok();
        pages.push(numbers(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn pages_go_both_ways_and_meet_every_event_once() {
    let rig = Rig::new().await;
    let body: Vec<_> = (0..7).map(|n| json!({"type": "n.each", "data": n})).collect();
    let made = rig.server.post("/api/events?wait=20", &json!(body)).await.ok();
    let third = made["items"][2]["position"].as_u64().unwrap();
    published(&rig.server, "other.one", json!(99)).await;
    let head = rig.server.get("/api/events").await.ok();
    let head = head["head"].as_str().unwrap();
    let epoch = head.rsplit_once('-').unwrap().0;

    assert_eq!(pages(&rig, "type=n.*&limit=3").await.concat(), [6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(pages(&rig, "type=n.*&limit=3&order=asc").await.concat(), [0, 1, 2, 3, 4, 5, 6]);
    for after in [third.to_string(), format!("{epoch}-{third}")] {
        let query = format!("type=n.each&after={after}");
        assert_eq!(pages(&rig, &format!("{query}&limit=2")).await.concat(), [3, 4, 5, 6]);
        assert_eq!(
            pages(&rig, &format!("{query}&limit=2&order=desc")).await.concat(),
            [6, 5, 4, 3]
        );
    }
    let first = rig.server.get("/api/events?type=n.*&limit=3&order=asc").await.ok();
    assert_eq!(numbers(&first), [0, 1, 2]);
    assert!(first["reset"].is_null(), "{first}");
    assert_eq!(pages(&rig, &format!("after={head}")).await.concat(), [] as [i64; 0]);
}

#[tokio::test]
async fn types_and_sources_choose() {
    let rig = Rig::new().await;
    for (r#type, n) in [("a.x", 1), ("a.y", 2), ("a.y.z", 3), ("b", 4)] {
        published(&rig.server, r#type, json!(n)).await;
    }
    let chosen = async |query: &str| {
        let mut found =
            numbers(&rig.server.get(&format!("/api/events?{query}&order=asc")).await.ok());
        found.sort_unstable();
        found
    };
    assert_eq!(chosen("type=a.*&source=api").await, [1, 2]);
    assert_eq!(chosen("type=a.**&source=api").await, [1, 2, 3]);
    assert_eq!(chosen("type=b,a.x").await, [1, 4]);
    assert_eq!(chosen("type=b&type=a.y.z").await, [3, 4]);
    assert_eq!(chosen("source=api").await, [1, 2, 3, 4]);
    assert_eq!(chosen("source=demo").await, [] as [i64; 0]);
    assert_eq!(chosen("type=nothing.**").await, [] as [i64; 0]);
}

#[tokio::test]
async fn a_place_of_another_history_says_so() {
    let rig = Rig::new().await;
    published(&rig.server, "a.b", json!(1)).await;
    let page = rig.server.get("/api/events?after=deadbeef-5").await.ok();
    assert_eq!(page["reset"]["reason"], "epoch", "{page}");
    assert_eq!(page["reset"]["head"], page["head"]);
    let answer = rig.server.get("/api/events?cursor=desc.deadbeef-5").await;
    let _ = answer.problem(400, "invalid_cursor");
}
