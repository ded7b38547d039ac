//! The commands about events, from end to end, and a tail that outlives the server it began with.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use mindflight_testapp::Launch;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::rig::{BINARY, Rig, command};

/// How a command ended: its code, and what it printed for programs and for people.
type Ran = (Option<i32>, String, String);

async fn run(url: &str, key: &str, arguments: &[&str]) -> Ran {
    let launch: Launch = command(arguments).env("MINDFLIGHT_URL", url);
    let output = launch.env("MINDFLIGHT_KEY", key).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What a command that has to work printed, as JSON.
async fn done(url: &str, key: &str, arguments: &[&str]) -> Value {
    let (code, out, err) = run(url, key, &[arguments, &["-o", "json"]].concat()).await;
    assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test]
async fn events_are_published_listed_and_shown_on_the_command_line() {
    let rig = Rig::new().await;
    let (url, key) = (rig.server.url(), rig.key("admin").await);
    let emit =
        ["event", "emit", "order.paid", r#"{"z":1,"a":[2]}"#, "--key", "7", "--id", "paid-7"];
    let (code, out, err) = run(url, &key, &emit).await;
    assert_eq!((code, out.as_str()), (Some(0), "paid-7\n"), "{err}");
    let again = done(url, &key, &[&emit[..], &["--wait"]].concat()).await;
    let position = again["position"].as_u64().unwrap();
    let other = ["event", "emit", "order.paid", "2", "--id", "paid-7"];
    assert_eq!(run(url, &key, &other).await.0, Some(5));
    done(url, &key, &["event", "emit", "order.lost", "--wait"]).await;

    let list = done(url, &key, &["event", "list", "--type", "order.*", "--source", "api"]).await;
    let types: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert_eq!(types, ["order.lost", "order.paid"]);
    let after = position.to_string();
    let list = done(url, &key, &["event", "list", "--type", "order.**", "--after", &after]).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    let head = list["head"].as_str().unwrap();
    let place = format!("{}-{position}", head.rsplit_once('-').unwrap().0);
    for which in ["paid-7", &after, &place] {
        let event = done(url, &key, &["event", "show", which]).await;
        assert_eq!((&event["key"], &event["sequence"]), (&json!("7"), &json!(after)), "{which}");
        // The data is the publisher's to the last member.
        assert_eq!(event["data"].to_string(), r#"{"z":1,"a":[2]}"#);
    }
    let (code, out, _) = run(url, &key, &["event", "list", "--limit", "1"]).await;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("POSITION") && out.contains("order.lost"), "{out}");

    for (arguments, expected) in [
        (["event", "show", "nowhere"], 3),
        (["event", "emit", "mindflight.mine"], 1),
        (["event", "list", "--type=No"], 2),
    ] {
        let (code, out, err) = run(url, &key, &arguments).await;
        assert_eq!(code, Some(expected), "{arguments:?}: {out}{err}");
    }
    let reader = rig.key("events:read").await;
    let (code, _, err) = run(url, &reader, &["event", "emit", "a.b"]).await;
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("events:write"), "{err}");
}

#[tokio::test]
async fn a_tail_goes_on_with_another_instance_when_its_own_is_killed() {
    let rig = Rig::new().await;
    let (second, key) = (rig.second().await, rig.key("admin").await);
    let door = Door::open(rig.server.url()).await;
    let mut tail = Command::new(BINARY)
        .args(["event", "tail", "--type", "order.*", "--after", "0", "--count", "3", "-o", "json"])
        .env("MINDFLIGHT_URL", &door.url)
        .env("MINDFLIGHT_KEY", &key)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = async || -> Value {
        serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap()
    };
    done(rig.server.url(), &key, &["event", "emit", "order.a", "1"]).await;
    let first = next().await;
    assert_eq!((&first["type"], &first["data"]), (&json!("order.a"), &json!(1)));

    door.lead_to(second.url());
    let Rig { server, db } = rig;
    server.kill().await.unwrap();
    for r#type in ["order.b", "other.b", "order.c"] {
        done(second.url(), &key, &["event", "emit", r#type]).await;
    }
    assert_eq!(next().await["type"], "order.b");
    assert_eq!(next().await["type"], "order.c");
    assert_eq!(tail.wait().await.unwrap().code(), Some(0));
    drop((second, db));
}

/// An address that leads to one instance or another, as a proxy's does.
struct Door {
    url: String,
    to: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Door {
    #[expect(clippy::disallowed_methods, reason = "the test is the task's owner, and ends it")]
    async fn open(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let to = Arc::new(Mutex::new(address(url)));
        let leads_to = to.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                let to = leads_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(async move {
                    // Without an instance behind it, the door closes in the caller's face.
                    if let Ok(mut server) = TcpStream::connect(to).await {
                        copy_bidirectional(&mut caller, &mut server).await.ok();
                    }
                });
            }
        });
        Self { url: own, to, task }
    }

    fn lead_to(&self, url: &str) {
        *self.to.lock().unwrap_or_else(PoisonError::into_inner) = address(url);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}
