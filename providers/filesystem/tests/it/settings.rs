//! What the provider is built from, and several folders.

use mindflight_testkit::Kit;
use provider_filesystem::Filesystem;
use serde_json::json;

use crate::world::{World, status};

#[tokio::test]
async fn every_folder_that_cannot_be_used_is_named_at_once() {
    let world = World::new();
    let (missing, file) = (world.absolute("missing"), world.absolute("root/notes.txt"));
    let config = json!({"allowed_dirs": [missing, "relative", file, world.at("root")]});
    let error = Kit::<Filesystem>::try_new(config).await.err().unwrap();
    let detail = error.detail();
    for part in [&missing, "is not there", "`relative` is relative", &file, "is not a folder"] {
        assert!(detail.contains(part), "{part:?} in {detail:?}");
    }
    assert!(!detail.contains(&format!("`{}`", world.absolute("root"))), "{detail:?}");
    let empty = Kit::<Filesystem>::try_new(json!({"allowed_dirs": []})).await.err().unwrap();
    assert!(empty.detail().contains("at least one"), "{empty:?}");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_named_at_once() {
    let config = json!({"allowed_dirs": ["/"], "max_read_bytes": 0, "max_entries": 20_000});
    let error = Kit::<Filesystem>::try_new(config).await.err().unwrap();
    assert!(error.detail().contains("`max_read_bytes`"), "{error:?}");
    assert!(error.detail().contains("`max_entries`"), "{error:?}");
}

#[tokio::test]
async fn without_writing_there_is_no_tool_that_writes() {
    let world = World::new();
    let kit = world.kit_with(json!({"read_only": true})).await;
    let names: Vec<_> = kit.tools().into_iter().map(|tool| tool.name).collect();
    let expected = ["filesystem_list", "filesystem_read", "filesystem_search", "filesystem_stat"];
    assert_eq!(names, expected);
    assert!(kit.tools().iter().all(|tool| tool.annotations.read_only));
}

#[tokio::test]
async fn paths_in_a_second_folder_are_absolute_and_can_be_sent_again() {
    let world = World::new();
    let folders = json!([world.at("root"), world.at("outside"), world.at("outside/sub")]);
    let kit = Kit::<Filesystem>::new(json!({"allowed_dirs": folders})).await;
    let list = kit.call("list", json!({"path": world.at("outside"), "recursive": true})).await;
    for entry in list.output()["entries"].as_array().unwrap() {
        let stat = kit.call("stat", json!({"path": entry["path"]})).await;
        assert_eq!(stat.output()["type"], entry["type"]);
        assert!(entry["path"].as_str().unwrap().starts_with(&world.absolute("outside/")));
    }
    // From one allowed folder to another leads a path, and no link.
    world.link("to_outside", "../outside");
    let through = kit.call("read", json!({"path": "to_outside/secret.txt"})).await;
    assert_eq!(status(&through), 403);
}

#[tokio::test]
async fn a_folder_behind_a_link_is_known_by_both_names() {
    let world = World::new();
    std::os::unix::fs::symlink(world.at("root"), world.at("alias")).unwrap();
    let kit = Kit::<Filesystem>::new(json!({"allowed_dirs": [world.at("alias")]})).await;
    for folder in ["alias", "root"] {
        let path = world.at(folder).join("notes.txt");
        let read = kit.call("read", json!({"path": path})).await;
        assert_eq!(read.output()["path"], "notes.txt");
    }
}

#[tokio::test]
async fn a_folder_that_was_replaced_is_not_healthy_and_not_followed() {
    let world = World::new();
    let kit = world.kit().await;
    assert!(kit.health().await.is_ok());
    std::fs::rename(world.at("root"), world.at("old")).unwrap();
    std::os::unix::fs::symlink(world.at("outside"), world.at("root")).unwrap();
    let error = kit.health().await.unwrap_err();
    assert!(error.detail().contains("another folder"), "{error:?}");
    let read = kit.call("read", json!({"path": "secret.txt"})).await;
    assert_eq!(status(&read), 404);
    assert_eq!(kit.call("read", json!({"path": "notes.txt"})).await.output()["content"], "inside");
}

/// The reference page is what people copy from; its folders are this test's own.
#[tokio::test]
async fn the_page_shows_settings_that_work() {
    let page = include_str!("../../../../docs/providers/filesystem.md");
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let config: serde_json::Value = serde_saphyr::from_str(example).unwrap();
    let world = World::new();
    for name in ["filesystem", "handbook"] {
        let mut section = config["providers"][name].clone();
        section.as_object_mut().unwrap().remove("provider");
        section["allowed_dirs"] = json!([world.at("root")]);
        let kit = Kit::<Filesystem>::new(section).await;
        let writes = kit.tools().iter().any(|tool| tool.name == "filesystem_write");
        assert_eq!(writes, name == "filesystem");
    }
}
