//! What servers say to the database, as its own log has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mindflight_embedded_postgres::{Cluster, Options};
use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use serde_json::json;

use super::{Site, many};
use crate::jobs::{count, items, made_all, post, text};
use crate::rig::eventually;
use crate::start::open_folder;

/// A server that writes down every statement, behind its session, its time and its name.
fn open(dir: &Path) -> Cluster {
    let mut options = Options::from_env(dir.to_owned());
    options.durable = false;
    for (name, value) in [("log_statement", "all"), ("log_line_prefix", "@%c@%n@%a@")] {
        options.settings.push((name.to_owned(), value.to_owned()));
    }
    Cluster::open(&options).unwrap()
}

/// A statement as the log has it.
#[derive(Debug)]
struct Said {
    session: String,
    /// Seconds.
    at: f64,
    /// How the connection calls itself.
    name: String,
    text: String,
}

/// Everything that was said until now.
fn said(dir: &Path) -> Vec<Said> {
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    let mut all: Vec<Said> = Vec::new();
    let mut goes_on = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(last) = all.last_mut().filter(|_| goes_on) {
                last.text.push_str(&format!("\n{more}"));
            }
            continue;
        }
        let said = parsed(line);
        goes_on = said.is_some();
        all.extend(said);
    }
    all
}

fn parsed(line: &str) -> Option<Said> {
    let mut parts = line.strip_prefix('@')?.splitn(4, '@');
    let (session, at, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, said) = parts.next()?.split_once("LOG:  ")?;
    let text = match said.strip_prefix("statement: ") {
        Some(text) => text,
        None => said.strip_prefix("execute ")?.split_once(':')?.1,
    };
    Some(Said {
        session: session.to_owned(),
        at: at.parse().ok()?,
        name: name.to_owned(),
        text: text.trim().to_owned(),
    })
}

/// A cluster that writes everything down, and a site on it.
async fn site(dir: &Path) -> (Site, Cluster) {
    let cluster = open(dir);
    let mut admin = Admin::connect(&Settings::new(cluster.url("postgres"))).await.unwrap();
    admin.create_database("jobs", None).await.unwrap();
    drop(admin);
    (Site::on(&cluster.url("jobs")).await, cluster)
}

/// T15: whoever commits with a notification waits for all others who do, and keeps them waiting. So nobody notifies in a
/// transaction that writes, nor on a connection that ever does.
#[tokio::test]
async fn nobody_notifies_on_a_connection_that_writes() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let (site, cluster) = site(&dir).await;
    let (maker, runner) = (site.server(0).await, site.server(10).await);
    let mut later = count("k");
    later["delay"] = json!(0.05);
    for _ in 0..10 {
        made_all(&maker, &[many(10, &count("k")), many(2, &later)].concat()).await;
        let event = json!({"type": "test.said", "data": 1});
        let _ = maker.post("/api/events?wait=10", &event).await.ok();
    }
    site.all_succeed(120).await;
    let is_notifying = |said: &&Said| {
        let text = said.text.to_lowercase();
        text.contains("pg_notify") || text.starts_with("notify")
    };
    let all = eventually(async || {
        let all = said(&dir);
        (all.iter().filter(is_notifying).count() > 3).then_some(all)
    })
    .await;
    let mut sessions: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
    for said in &all {
        sessions.entry(&said.session).or_default().push(said);
    }
    for session in sessions.into_values().filter(|session| session.iter().any(is_notifying)) {
        for said in session {
            assert_eq!(said.name, "mindflight-listen", "{said:?}");
            let word = said.text.split_whitespace().next().unwrap_or_default().to_uppercase();
            // With no BEGIN, each of them is a transaction of its own.
            assert!(["LISTEN", "SELECT", "SET"].contains(&word.as_str()), "{said:?}");
        }
    }
    for server in [maker, runner] {
        server.terminate().await.unwrap();
    }
    site.store.close().await;
    cluster.stop().unwrap();
}

/// T16: with the settings that an operator gets who sets none, an instance without work asks at most five times a second.
#[tokio::test]
async fn an_idle_instance_asks_at_most_five_times_a_second() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let (site, cluster) = site(&dir).await;
    let url = site.url.clone();
    let launch = mindflight_testapp::Launch::serve(crate::rig::BINARY, &url);
    let server = crate::rig::start(launch).await.with_key(&site.key);
    // What the clock makes is work.
    let schedules = eventually(async || {
        let list = server.get("/api/schedules").await.ok();
        Some(list).filter(|list| !items(list).is_empty())
    })
    .await;
    for schedule in items(&schedules) {
        post(&server, &format!("/api/schedules/{}/pause", text(&schedule["id"]))).await;
    }
    let is_beat = |said: &&Said| said.text.contains("SET beat_at");
    // The first ones are while all that is done once is being done.
    let mut seen = BTreeSet::new();
    eventually(async || {
        let workers = site.store.job_views().workers().await.ok()?;
        seen.extend(workers.into_iter().map(|worker| worker.beat_at));
        (seen.len() >= 5).then_some(())
    })
    .await;
    let all = said(&dir);
    let beats: Vec<f64> = all.iter().filter(is_beat).map(|said| said.at).collect();
    let (from, to) = (beats[1], beats[3]);
    let is_within = |said: &&Said| said.at > from && said.at <= to;
    let is_asked = |said: &&Said| {
        said.name.starts_with("mindflight") && !["BEGIN", "COMMIT"].contains(&said.text.as_str())
    };
    let asked: Vec<&Said> = all.iter().filter(is_within).filter(is_asked).collect();
    let a_second = asked.len() as f64 / (to - from);
    let mut texts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for said in &asked {
        *texts.entry((&said.name, said.text.get(..60).unwrap_or(&said.text))).or_default() += 1;
    }
    assert!(a_second <= 5.0, "{a_second} questions a second: {texts:#?}");
    server.terminate().await.unwrap();
    site.store.close().await;
    cluster.stop().unwrap();
}
