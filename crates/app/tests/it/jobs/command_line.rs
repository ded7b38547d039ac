//! The commands about jobs, once from end to end.

use mindflight_testapp::Launch;
use serde_json::Value;

use super::{rig, text};
use crate::rig::{Rig, command, eventually};

/// How a command ended: its code, and what it printed for programs and for people.
async fn run(rig: &Rig, key: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let launch: Launch = command(arguments).env("MINDFLIGHT_URL", rig.server.url());
    let output = launch.env("MINDFLIGHT_KEY", key).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_job_is_made_watched_and_explained_on_the_command_line() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let (code, out, err) =
        run(&rig, &key, &["job", "enqueue", "demo.sleep", "ms=50", "--wait", "-o", "json"]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    let watched: Value = serde_json::from_str(&out).unwrap();
    let id = text(&watched["id"]);
    assert_eq!(watched["state"], "succeeded", "{out}");
    let (code, out, err) = run(&rig, &key, &["job", "show", id, "--result"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["slept_ms"], 50, "{out}");
    let (code, out, err) =
        run(&rig, &key, &["job", "enqueue", "demo.fail", "message=no luck"]).await;
    assert_eq!(code, Some(0), "{err}");
    let failed = out.trim().to_owned();
    let (code, out, err) = run(&rig, &key, &["job", "watch", &failed]).await;
    assert_eq!(code, Some(1), "{out}{err}");
    let (code, out, err) = run(&rig, &key, &["job", "why", &failed]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("no luck") && out.contains("retry"), "{out}");
    let (code, out, _) = run(&rig, &key, &["job", "list", "state:failed", "-o", "json"]).await;
    assert_eq!(code, Some(0), "{out}");
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(text(&list["items"][0]["id"]), failed);
    // Lines are written a moment after they were said.
    eventually(async || {
        let (code, out, err) = run(&rig, &key, &["job", "logs", id]).await;
        assert_eq!(code, Some(0), "{err}");
        out.contains("attempt 1 sleeps for 50 ms").then_some(())
    })
    .await;
    let (code, _, err) = run(&rig, &key, &["job", "enqueue", "demo.slep"]).await;
    assert_ne!(code, Some(0));
    assert!(err.contains("demo.sleep"), "{err}");
}

#[tokio::test]
async fn a_queue_is_paused_explained_and_resumed_on_the_command_line() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let (code, out, err) =
        run(&rig, &key, &["job", "enqueue", "demo.count", "key=k", "--wait"]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, _, err) =
        run(&rig, &key, &["queue", "pause", "demo", "--reason", "vendor incident"]).await;
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = run(&rig, &key, &["job", "enqueue", "demo.count", "key=k"]).await;
    assert_eq!(code, Some(0), "{err}");
    let id = out.trim().to_owned();
    let (code, out, err) = run(&rig, &key, &["job", "why", &id]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("vendor incident") && out.contains("queue resume demo"), "{out}");
    let (code, out, err) = run(&rig, &key, &["job", "watch", &id, "--timeout", "1s"]).await;
    assert_eq!(code, Some(7), "{out}{err}");
    let (code, _, err) = run(&rig, &key, &["queue", "resume", "demo"]).await;
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = run(&rig, &key, &["job", "watch", &id]).await;
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, _) = run(&rig, &key, &["job", "stats"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("succeeded"), "{out}");
    for arguments in [["schedule", "list"], ["worker", "list"], ["queue", "list"]] {
        let (code, out, err) = run(&rig, &key, &arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
        assert!(out.lines().count() >= 2, "{arguments:?}: {out}");
    }
}
