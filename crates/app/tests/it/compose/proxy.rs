//! The proxy's file fits the compose file. Where the proxy itself is on the machine, it is started, too.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use mindflight_testapp::{Instance, Launch};
use serde_json::json;
use tokio::process::{Child, Command};

use super::file::Networks;
use super::{compose, instances, path, read};
use crate::event_chaos::in_one_order;
use crate::event_chaos::reader::Reader;
use crate::rig::Rig;

const CONFIG: &str = "docs/deploy/haproxy.cfg";

/// The rest of each line that begins with these words.
fn all(config: &str, words: &str) -> Vec<String> {
    let lines = config.lines().filter_map(|line| line.trim().strip_prefix(words));
    lines.map(|rest| rest.trim().to_owned()).collect()
}

fn seconds(text: &str) -> u32 {
    match text.split_at(text.len() - 1) {
        (count, "s") => count.parse().unwrap(),
        (count, "m") => 60 * count.parse::<u32>().unwrap(),
        (count, "h") => 3600 * count.parse::<u32>().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_sends_requests_to_every_instance_and_to_nobody_else() {
    let (config, compose) = (read(CONFIG), compose());
    let port = super::Image::read().port;
    let named: Vec<String> =
        instances(&compose).iter().map(|(name, _)| format!("{name} {name}:{port}")).collect();
    assert_eq!(all(&config, "server "), named);
}

#[test]
fn it_is_what_the_service_of_that_name_reads_and_listens_where_its_port_leads() {
    let (config, compose) = (read(CONFIG), compose());
    let proxy = &compose.services["proxy"];
    let [mounted] = &proxy.volumes[..] else { panic!("{:?}", proxy.volumes) };
    assert!(mounted.starts_with(&format!("./{CONFIG}:")) && mounted.ends_with(":ro"), "{mounted}");
    let inside = proxy.ports[0].rsplit_once(':').unwrap().1;
    assert_eq!(all(&config, "bind "), [format!(":{inside}")]);
    for (name, _) in instances(&compose) {
        assert!(proxy.depends_on.contains_key(name), "the proxy starts without {name}");
    }
}

/// Otherwise everybody would share one limit, or could make up an address.
#[test]
fn the_instances_believe_it_alone_about_callers() {
    let (config, compose) = (read(CONFIG), compose());
    assert_eq!(all(&config, "option forwardfor"), [""]);
    let Networks::Placed(places) = &compose.services["proxy"].networks else {
        panic!("the proxy has no address of its own")
    };
    let (network, place) = places.iter().next().unwrap();
    let pool = &compose.networks[network].ipam.config[0].subnet;
    let (prefix, bits) = pool.rsplit_once(".0/").unwrap();
    assert_eq!(bits, "24");
    assert!(place.ipv4_address.starts_with(&format!("{prefix}.")), "{}", place.ipv4_address);
    for (name, instance) in instances(&compose) {
        let trusted = &instance.environment["MINDFLIGHT_SERVER__TRUSTED_PROXIES"];
        assert_eq!(*trusted, format!("{}/32", place.ipv4_address), "{name}");
        assert_eq!(instance.networks, Networks::Names(vec![network.clone()]), "{name}");
    }
}

/// A stream says something every 15 s; a call takes 5 minutes at most.
#[test]
fn it_waits_longer_than_the_longest_answer_and_repeats_only_what_is_safe() {
    let config = read(CONFIG);
    for (name, least) in [("client", 301), ("server", 301), ("tunnel", 3600)] {
        let [patience] = &all(&config, &format!("timeout {name} "))[..] else { panic!("{name}") };
        assert!(seconds(patience) >= least, "{name}: {patience}");
    }
    let [repeated] = &all(&config, "retry-on ")[..] else { panic!("retry-on") };
    assert!(repeated.contains("502 503"), "{repeated}");
    let safe = all(&config, "http-request disable-l7-retry unless");
    assert_eq!(safe, ["{ method GET HEAD OPTIONS }"]);
    // Answers pass as they come: nothing collects them.
    assert!(!config.contains("http-buffer-request") && !config.contains("compression"));
}

#[test]
fn it_asks_instances_whether_requests_may_come() {
    let config = read(CONFIG);
    let [check] = &all(&config, "http-check send ")[..] else { panic!("http-check") };
    assert!(check.contains("uri /health/readiness"), "{check}");
    assert_eq!(all(&config, "http-check expect "), ["status 200"]);
}

/// A proxy of this name, if the machine has one; without it, the other tests here hold what can be held.
async fn installed() -> bool {
    Launch::new("haproxy", &["-v"]).output().await.is_ok()
}

/// Names of services mean nothing here: the proxy says so, and would look for them again.
#[tokio::test]
async fn the_proxy_itself_takes_its_file_where_there_is_one() {
    if !installed().await {
        return;
    }
    let file = path(CONFIG).display().to_string();
    let output = Launch::new("haproxy", &["-c", "-f", &file]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The proxy with its file, in front of these servers; ends when dropped. With where it listens.
fn in_front_of(servers: [&str; 2], folder: &Path) -> (Child, String) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = read(CONFIG).replace("bind :8080", &format!("bind {free}"));
    for (name, url) in ["one", "two"].into_iter().zip(servers) {
        let place = url.strip_prefix("http://").unwrap();
        config = config.replace(&format!(" {name}:8080"), &format!(" {place}"));
    }
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&file).kill_on_drop(true);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    (child, format!("http://{free}"))
}

#[tokio::test]
async fn streams_pass_the_proxy_and_go_on_when_an_instance_ends_where_there_is_one() {
    if !installed().await {
        return;
    }
    let (rig, folder) = (Rig::new().await, tempfile::tempdir().unwrap());
    let (second, key) = (rig.second().await, rig.key("admin").await);
    let (_proxy, url) = in_front_of([rig.server.url(), second.url()], folder.path());
    // One on each: the proxy gives the next to who has fewer.
    let readers = [Reader::of(vec![url.clone()], &key), Reader::of(vec![url], &key)];
    for reader in &readers {
        reader.connected(1).await;
    }
    let event = json!({"type": "deploy.seen"});
    let publish = async |server: &Instance| {
        let answer = server.post("/api/events?wait=10", &event).await.ok();
        answer["position"].as_u64().unwrap()
    };
    for position in [publish(&rig.server).await, publish(&second).await] {
        for reader in &readers {
            reader.until(position).await;
        }
    }
    let Rig { server, db } = rig;
    let (status, log) = server.terminate().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    let position = publish(&second).await;
    let mut all = Vec::new();
    for reader in &readers {
        reader.until(position).await;
        all.push(reader.seen());
    }
    in_one_order(&all);
    drop((readers, second, db));
}
