//! Callers without credentials: only the developer at the machine, and no web page in that one's browser.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::json;

use crate::rig::{BINARY, key, start};

/// A development server. It ends before its database is dropped.
struct Dev {
    server: Instance,
    db: TestDb,
    _folder: tempfile::TempDir,
}

impl Dev {
    async fn new() -> Self {
        let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
        let server = start(Launch::dev(BINARY, db.url(), folder.path().to_str().unwrap())).await;
        Self { server, db, _folder: folder }
    }

    fn port(&self) -> &str {
        self.server.url().rsplit_once(':').unwrap().1
    }

    /// `GET /api/me` with these lines as the whole head; gives status and body.
    fn me(&self, head: &str) -> (u16, String) {
        raw(&self.server, &format!("GET /api/me HTTP/1.1\r\n{head}connection: close\r\n\r\n"))
    }
}

fn raw(server: &Instance, request: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) =
        answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{head}")), body.to_owned())
}

#[tokio::test]
async fn the_developer_at_the_machine_needs_no_key() {
    let dev = Dev::new().await;
    let me = dev.server.get("/api/me").await.ok();
    assert_eq!(
        (&me["kind"], &me["user_id"], &me["key_id"]),
        (&json!("anonymous"), &json!(null), &json!(null))
    );
    let answer = dev.server.tool("demo_add", json!({"a": 2, "b": 3})).await;
    assert_eq!(answer.ok(), json!({"sum": 5}));
    let port = dev.port();
    for head in [
        format!("host: localhost:{port}\r\n"),
        format!("host: LOCALHOST:{port}\r\n"),
        format!("host: 127.0.0.1:{port}\r\n"),
        format!("host: [::1]:{port}\r\n"),
        format!(
            "host: localhost:{port}\r\norigin: http://localhost:{port}\r\nsec-fetch-site: same-origin\r\n"
        ),
        format!("host: localhost:{port}\r\norigin: http://127.0.0.1:{port}\r\n"),
        format!("host: localhost:{port}\r\nsec-fetch-site: none\r\n"),
    ] {
        let (status, body) = dev.me(&head);
        assert_eq!(status, 200, "{head}{body}");
        assert!(body.contains("anonymous"), "{head}{body}");
    }
}

const HOST: &str = "the `Host` header";
const PROXY: &str = "a proxy passed the request on";
const ORIGIN: &str = "the `Origin` header";
const SITE: &str = "the `Sec-Fetch-Site` header";

/// Headers that keep a visitor out who has the right `Host`, and the rule.
const FOREIGN: [(&str, &str); 10] = [
    ("x-forwarded-for: 127.0.0.1", PROXY),
    ("x-forwarded-host: localhost", PROXY),
    ("forwarded: for=127.0.0.1", PROXY),
    ("x-real-ip: 127.0.0.1", PROXY),
    ("origin: https://evil.example", ORIGIN),
    ("origin: null", ORIGIN),
    // Another server on this machine is another site.
    ("origin: http://localhost:1", ORIGIN),
    ("sec-fetch-site: cross-site", SITE),
    ("sec-fetch-site: same-site", SITE),
    ("sec-fetch-site: none\r\nsec-fetch-site: cross-site", SITE),
];

fn check_refused(what: &str, (status, body): (u16, String), rule: &str) {
    assert_eq!(status, 401, "{what}: {body}");
    let names_it = body.contains("\"unauthenticated\"") && body.contains(rule);
    assert!(names_it, "{what}: {body}");
}

#[tokio::test]
async fn each_rule_keeps_out_what_it_is_for_and_is_named() {
    let dev = Dev::new().await;
    let port = dev.port();
    for (line, rule) in FOREIGN {
        let answer = dev.me(&format!("host: localhost:{port}\r\n{line}\r\n"));
        check_refused(line, answer, rule);
    }
}

#[tokio::test]
async fn no_name_but_this_machines_with_the_right_port_is_a_host() {
    let dev = Dev::new().await;
    let port = dev.port();
    // A page's own name may be made to resolve to this machine.
    for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0"] {
        check_refused(name, dev.me(&format!("host: {name}:{port}\r\n")), HOST);
    }
    for host in ["localhost:1", "localhost"] {
        check_refused(host, dev.me(&format!("host: {host}\r\n")), HOST);
    }
    // HTTP itself has no answer for two hosts.
    for (first, second) in [("localhost", "evil.example"), ("evil.example", "localhost")] {
        let (status, body) = dev.me(&format!("host: {first}:{port}\r\nhost: {second}:{port}\r\n"));
        assert_eq!(status, 400, "{first} {second}: {body}");
    }
    let absolute = format!(
        "GET http://evil.example/api/me HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
    );
    check_refused("an absolute URL", raw(&dev.server, &absolute), HOST);
    let none = raw(&dev.server, "GET /api/me HTTP/1.0\r\n\r\n");
    check_refused("no host", none, HOST);
}

#[tokio::test]
async fn a_body_that_any_page_could_send_is_not_read() {
    let dev = Dev::new().await;
    let body = json!({"key": "visits"});
    for content_type in [
        "text/plain",
        "text/plain; a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let call =
            dev.server.call("POST", "/api/tools/demo_count").header("content-type", content_type);
        let refused = call.json(&body).send().await;
        let _ = refused.problem(415, "unsupported_media_type");
        assert!(
            refused.body["fix"].as_str().unwrap().contains("--json"),
            "{content_type}: {}",
            refused.text
        );
    }
    let port = dev.port();
    for typed in ["", "content-type: application/json\r\ncontent-type: text/plain\r\n"] {
        let request = format!(
            "POST /api/tools/demo_count HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n{typed}content-length: 16\r\n\r\n{{\"key\":\"visits\"}}"
        );
        let (status, body) = raw(&dev.server, &request);
        assert_eq!(status, 415, "{typed}{body}");
    }
    assert_eq!(dev.server.tool("demo_count", body).await.ok(), json!({"count": 1}));
}

#[tokio::test]
async fn who_needs_no_key_can_make_no_key_and_no_user() {
    let dev = Dev::new().await;
    let key = dev.server.post("/api/keys", &json!({"name": "k", "scopes": ["memory"]})).await;
    assert!(key.problem(403, "not_allowed").contains("cannot make keys"));
    assert!(
        key.body["fix"].as_str().unwrap().contains("mindflight key create --name"),
        "{}",
        key.text
    );
    let new = json!({"username": "ada", "password": "correct horse battery staple"});
    let user = dev.server.post("/api/users", &new).await;
    assert!(user.problem(403, "not_allowed").contains("cannot make users"));
    assert!(
        user.body["fix"].as_str().unwrap().contains("mindflight user create --username"),
        "{}",
        user.text
    );
    for path in ["/api/keys", "/api/users"] {
        assert_eq!(dev.server.get(path).await.ok()["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_key_works_in_development_from_anywhere_and_a_bad_one_is_not_overlooked() {
    let dev = Dev::new().await;
    let key = key(&dev.db, "memory").await;
    let call =
        dev.server.call("GET", "/api/me").key(&key).header("origin", "https://app.example.com");
    assert_eq!(call.header("x-forwarded-for", "203.0.113.9").send().await.ok()["kind"], "key");
    let refused = dev
        .server
        .call("POST", "/api/tools/demo_add")
        .key(&key)
        .json(&json!({"a": 1, "b": 1}))
        .send()
        .await;
    let _ = refused.problem(403, "forbidden");
    let _ = dev
        .server
        .call("GET", "/api/me")
        .key("nobody")
        .send()
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_development_server_that_others_can_reach_wants_a_key() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let folder = folder.path().to_str().unwrap();
    let launch = Launch::new(BINARY, &["dev", "--listen", "0.0.0.0:0", "--data-dir", folder]);
    let server = start(launch.env("DATABASE_URL", db.url())).await;
    let port = server.url().rsplit_once(':').unwrap().1;
    let request =
        format!("GET /api/me HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    let (status, body) = raw(&server, &request);
    assert_eq!(status, 401, "{body}");
    assert!(body.contains("an address that other machines can reach"), "{body}");
    let key = key(&db, "memory").await;
    assert_eq!(server.call("GET", "/api/me").key(&key).send().await.status, 200);
    // What it says at its start does not promise otherwise.
    server.wait_for_log("stop with Ctrl-C").await;
    let log = server.log();
    assert!(log.contains("every caller needs a key") && !log.contains("no key needed"), "{log}");
}

#[tokio::test]
async fn serve_lets_nobody_in_without_a_key_whatever_the_environment_is_called() {
    let db = TestDb::new().await;
    for environment in ["production", "staging", "development"] {
        let launch = Launch::serve(BINARY, db.url()).env("MINDFLIGHT_ENVIRONMENT", environment);
        let server = start(launch).await;
        let refused = server.get("/api/me").await;
        assert_eq!(
            refused.problem(401, "unauthenticated"),
            "no credentials were sent",
            "{environment}"
        );
    }
}
