//! `provider new`: a crate that builds, passes its tests, lints and its check, and serves its tool, as generated.

use mindflight_testapp::{Launch, TestDb};
use serde_json::{Value, json};

use crate::outside::Outside;
use crate::rig::{command, key, start};

/// Makes a provider below `parent`; gives what the command said as JSON.
async fn made(name: &str, parent: &str) -> Value {
    let new = command(&["provider", "new", name, "--dir", parent, "-o", "json"]);
    serde_json::from_str(&new.stdout().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_new_provider_passes_everything_and_serves_as_generated() {
    let parent = tempfile::tempdir().unwrap();
    let said = made("weather", parent.path().to_str().unwrap()).await;
    let folder = parent.path().join("weather");
    for file in said["files"].as_array().unwrap() {
        let path = folder.join(file.as_str().unwrap());
        assert!(path.is_file(), "{}", path.display());
    }
    assert_eq!(said["files"].as_array().unwrap().len(), 9, "{said}");

    let outside = Outside::at(&folder);
    let fmt = ["fmt", "--package", "weather", "--package", "weather-server", "--check"];
    let _ = outside.cargo(&fmt).await;
    let tests = outside.linted(&["test", "--workspace", "--offline"]).await;
    assert!(tests.contains("nobody_cannot_be_greeted ... ok"), "{tests}");
    // With the tests' features, so that nothing below it is compiled for this alone.
    let _ = outside.linted(&["build", "--workspace", "--all-targets", "--offline"]).await;

    let program = outside.program("weather-server");
    let check = Launch::new(&program, &["provider", "check", "--strict", "-o", "json"]);
    let found: Value = serde_json::from_str(&check.stdout().await.unwrap()).unwrap();
    assert_eq!(found["items"], json!([]));
    let db = TestDb::new().await;
    let key = key(&db, "admin").await;
    let launch = Launch::serve(&program, db.url())
        .env("MINDFLIGHT_PROVIDERS__WEATHER__GREETING", "Good morning");
    let server = start(launch).await.with_key(&key);
    let greeted = server.tool("weather_greet", json!({"name": "Ada"})).await.ok();
    assert_eq!(greeted, json!({"text": "Good morning, Ada!"}));
}

#[tokio::test]
async fn the_last_lines_say_what_to_do_next() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().to_str().unwrap();
    let said = command(&["provider", "new", "weather", "--dir", dir]).stdout().await.unwrap();
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let enter = format!("cd {dir}/weather");
    assert_eq!(lines[1..5], ["next:", &enter, "cargo test", "cargo dev"], "{said}");
    assert!(lines[5].ends_with("/api/tools/weather_greet"), "{said}");
    // What `cargo dev` is, and where mindflight comes from.
    let read =
        |file: &str| std::fs::read_to_string(parent.path().join("weather").join(file)).unwrap();
    assert!(read(".cargo/config.toml").contains(r#"dev = "run --package weather-server -- dev""#));
    assert!(read("Cargo.toml").contains("crates/core\""));
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().to_str().unwrap();
    let _ = made("weather", dir).await;
    let nowhere = format!("{dir}/nowhere");
    for (name, dir, code, part) in [
        ("weather", dir, 5, "exists already"),
        ("Weather", dir, 2, "Did you mean `weather`?"),
        ("match", dir, 2, "Rust or cargo uses it"),
        ("echo", dir, 2, "part of this program"),
        ("mail", nowhere.as_str(), 3, "there is no folder"),
    ] {
        let ended = command(&["provider", "new", name, "--dir", dir]).output().await.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{name}: {said}");
        assert!(said.contains(part), "{name}: {said}");
    }
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 1);
}

#[test]
fn a_name_that_is_made_can_be_mounted() {
    let parent = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for name in ["a", "team_mail_2", "a_name_of_thirty_two_characters_"] {
        assert!(mindflight_core::registry::is_name(name));
        let _ = runtime.block_on(made(name, parent.path().to_str().unwrap()));
    }
    for name in ["", "2fast", "Team", "a_name_of_thirty_three_characters"] {
        assert!(!mindflight_core::registry::is_name(name));
        let new = command(&["provider", "new", name, "--dir", parent.path().to_str().unwrap()]);
        assert_eq!(runtime.block_on(new.output()).unwrap().status.code(), Some(2), "{name}");
    }
}
