//! Starting and stopping: what is missing, wrong, taken or away, each with its own words; and a database of one's own.

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mindflight_store::Settings;
use mindflight_store::admin::{Admin, url_of_database};
use mindflight_testapp::{Ended, Instance, Launch, TestDb};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::rig::{BINARY, command, eventually, start};

const SECRET: &str = "a-secret-for-tests-only-0123456789abcdef";
/// Nobody listens there: the port is reserved.
const NOWHERE: &str = "postgres://somebody:hunter2@127.0.0.1:1/mindflight";

/// A folder that any account may enter: as root, the database's server runs as another one.
pub(crate) fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// `dev` with a database of its own in this data folder.
pub(crate) fn private(dir: &Path) -> Launch {
    let dir = dir.display().to_string();
    Launch::new(BINARY, &["dev", "--listen", "127.0.0.1:0", "--data-dir", &dir])
}

fn serve() -> Launch {
    command(&["serve", "--listen", "127.0.0.1:0"])
}

/// How a server ends that must not come up.
async fn ended(launch: Launch) -> Ended {
    match launch.start().await {
        Ok(server) => panic!("it came up: {}", server.log()),
        Err(ended) => ended,
    }
}

#[track_caller]
fn says(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.output);
    for text in texts {
        assert!(ended.output.contains(text), "no `{text}` in {}", ended.output);
    }
    assert!(!ended.output.contains("hunter2"), "{}", ended.output);
}

#[tokio::test]
async fn what_serve_cannot_do_without_is_named_with_its_variable() {
    let nothing = ended(serve()).await;
    says(
        &nothing,
        9,
        &["2 mistakes", "DATABASE_URL", "SLOP_JWT_SECRET", "openssl rand", "mindflight dev"],
    );
    let secret = ended(serve().env("DATABASE_URL", NOWHERE)).await;
    says(&secret, 9, &["`SLOP_JWT_SECRET`"]);
    assert!(!secret.output.contains("`DATABASE_URL"), "{}", secret.output);
    let short =
        ended(serve().env("DATABASE_URL", NOWHERE).env("SLOP_JWT_SECRET", "tooshort")).await;
    says(&short, 9, &["SLOP_JWT_SECRET", "8 bytes", "at least 32"]);
    assert!(!short.output.contains("tooshort"), "{}", short.output);
    let other = serve().env("DATABASE_URL", "mysql://u:hunter2@h/d").env("SLOP_JWT_SECRET", SECRET);
    says(&ended(other).await, 9, &["DATABASE_URL", "postgres://"]);
    let nonsense =
        serve().env("DATABASE_URL", "postgres://u:hunter2@h:port/d").env("SLOP_JWT_SECRET", SECRET);
    says(&ended(nonsense).await, 6, &["DATABASE_URL", "port"]);
}

#[tokio::test]
async fn every_mistake_of_the_configuration_is_named_at_once_with_its_place() {
    let folder = open_folder();
    let file = folder.path().join("mindflight.yaml");
    fs::write(&file, "server:\n  lisen: 127.0.0.1:0\n\ncalls:\n  threads: many\ndatabse: x\n")
        .unwrap();
    let file = file.display().to_string();
    let launch = serve()
        .arg("--config")
        .arg(&file)
        .env("DATABASE_URL", NOWHERE)
        .env("SLOP_JWT_SECRET", SECRET)
        .env("MINDFLIGHT_LIMITS__ENABLD", "false")
        .env("MINDFLIGHT_CALLS_GRACE", "1s")
        .env("MINDFLIGHT_SERVER__GRACE", "soon");
    let all = ended(launch).await;
    let (second, fifth, sixth) = (format!("{file}:2"), format!("{file}:5"), format!("{file}:6"));
    says(&all, 9, &["`server.listen`?", &second, "\"many\"", &fifth, "`database`?", &sixth]);
    says(&all, 9, &["6 mistakes", "`limits.enabled`?", "MINDFLIGHT_CALLS__GRACE", "\"soon\""]);
    let missing = ended(serve().arg("--config").arg("/nowhere/mindflight.yaml")).await;
    says(&missing, 9, &["/nowhere/mindflight.yaml"]);
}

#[tokio::test]
async fn a_file_says_where_to_listen_and_what_to_mount() {
    let db = TestDb::new().await;
    let folder = open_folder();
    let file = folder.path().join("mindflight.yaml");
    fs::write(&file, "server:\n  listen: 127.0.0.1:0\nproviders:\n  echo:\n    enabled: false\n")
        .unwrap();
    let launch = Launch::new(BINARY, &["serve", "--config", &file.display().to_string()]);
    let server = start(launch.env("DATABASE_URL", db.url()).env("SLOP_JWT_SECRET", SECRET)).await;
    let key = crate::rig::key(&db, "admin").await;
    let echo = server.call("GET", "/api/providers/echo").key(&key).send().await.ok();
    assert_eq!(
        (&echo["state"], &echo["reason"]),
        (&json!("off"), &json!("`providers.echo.enabled` is false"))
    );
}

/// The lines of a server's output that say where it listens.
fn listening(server: &Instance) -> Vec<String> {
    let log = server.log();
    log.lines().filter(|line| line.contains("listening on")).map(str::to_owned).collect()
}

#[tokio::test]
async fn one_plain_line_says_where_it_listens_whatever_the_log_looks_like() {
    let db = TestDb::new().await;
    for format in ["json", "text"] {
        let server = start(Launch::serve(BINARY, db.url()).env("LOG_FORMAT", format)).await;
        let lines = listening(&server);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let address: SocketAddr =
            line.strip_prefix("listening on http://").unwrap().parse().unwrap();
        assert!(address.ip().is_loopback() && address.port() != 0, "{line}");
        assert_eq!(server.get("/health/liveness").await.status, 200);
    }
    // Platforms that set PORT send requests from outside.
    let everywhere = Launch::new(BINARY, &["serve"]).env("PORT", "0");
    let server =
        start(everywhere.env("DATABASE_URL", db.url()).env("SLOP_JWT_SECRET", SECRET)).await;
    assert!(server.url().starts_with("http://0.0.0.0:"), "{}", server.url());
    assert_eq!(server.get("/health/liveness").await.status, 200);
    let wrong =
        serve().env("PORT", "http").env("DATABASE_URL", db.url()).env("SLOP_JWT_SECRET", SECRET);
    says(&ended(wrong).await, 9, &["PORT", "0 to 65535"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let db = TestDb::new().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let launch = Launch::new(BINARY, &["serve", "--listen", &address]);
    let taken = ended(launch.env("DATABASE_URL", db.url()).env("SLOP_JWT_SECRET", SECRET)).await;
    says(&taken, 5, &[&address, "is taken", "--listen"]);
    let strange = Launch::new(BINARY, &["serve", "--listen", "192.0.2.1:0"]);
    let strange = ended(strange.env("DATABASE_URL", db.url()).env("SLOP_JWT_SECRET", SECRET)).await;
    says(&strange, 1, &["192.0.2.1:0"]);
}

#[tokio::test]
async fn a_folder_in_use_is_named_with_the_process_that_uses_it() {
    let db = TestDb::new().await;
    let folder = open_folder();
    let dir = folder.path().join("data");
    let first = start(Launch::dev(BINARY, db.url(), &dir.display().to_string())).await;
    let second = ended(Launch::dev(BINARY, db.url(), &dir.display().to_string())).await;
    says(&second, 5, &[&format!("pid {}", first.pid()), &dir.display().to_string(), "--data-dir"]);
    // The first one is still where its folder says it is.
    let list = command(&["tool", "list", "-o", "name", "--data-dir", &dir.display().to_string()]);
    assert!(list.stdout().await.unwrap().contains("demo_add"));
    let (status, _) = first.terminate().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!dir.join("server.json").exists());
    drop(start(Launch::dev(BINARY, db.url(), &dir.display().to_string())).await);
}

#[tokio::test]
async fn a_database_that_is_away_is_not_waited_for_longer_than_asked() {
    let away = serve()
        .env("DATABASE_URL", NOWHERE)
        .env("SLOP_JWT_SECRET", SECRET)
        .env("MINDFLIGHT_DATABASE__CONNECT_TIMEOUT", "300ms");
    says(&ended(away).await, 6, &["the database cannot be reached", "refused", "DATABASE_URL"]);
    for arguments in [&["migrate"] as &[_], &["key", "create", "--name", "n", "--scopes", "admin"]]
    {
        let output = command(arguments).env("DATABASE_URL", NOWHERE).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{text}");
        assert!(
            text.contains("the database cannot be reached") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_database_that_comes_later_is_waited_for() {
    let db = TestDb::new().await;
    let name = format!("{}_later", db.name());
    let url = url_of_database(db.url(), &name);
    let launch = Launch::serve(BINARY, &url).env("LOG_FORMAT", "text");
    let created = async {
        // It has looked at least once by the time that the second instance gives up.
        let impatient =
            Launch::serve(BINARY, &url).env("MINDFLIGHT_DATABASE__CONNECT_TIMEOUT", "300ms");
        says(&ended(impatient).await, 6, &[&name, "trying again"]);
        let mut admin = Admin::connect(&Settings::new(db.url())).await.unwrap();
        admin.create_database(&name, None).await.unwrap();
        admin
    };
    let (server, mut admin) = tokio::join!(start(launch), created);
    assert_eq!(server.get("/health/readiness").await.status, 200);
    assert!(server.log().contains("migrations were applied"), "{}", server.log());
    server.terminate().await.unwrap();
    admin.drop_database(&name).await.unwrap();
}

/// Cuts off whoever waits to read which providers are on; fails if nobody does.
const CUT_MOUNTING: &str = "SELECT 1 / count(*) FILTER (WHERE pg_terminate_backend(pid)) \
    FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
    AND query LIKE '%provider_state%'";

#[tokio::test]
async fn a_database_that_goes_away_while_providers_are_mounted_is_waited_for() {
    let db = TestDb::new().await;
    let settings = Settings::new(db.url());
    let mut holder = Admin::connect(&settings).await.unwrap();
    let mut cutter = Admin::connect(&settings).await.unwrap();
    holder.run("BEGIN; LOCK TABLE mindflight.provider_state").await.unwrap();
    let cut = async {
        eventually(async || cutter.run(CUT_MOUNTING).await.ok()).await;
        holder.run("ROLLBACK").await.unwrap();
    };
    let launch = Launch::serve(BINARY, db.url()).env("LOG_FORMAT", "text");
    let (server, ()) = tokio::join!(start(launch), cut);
    assert!(server.log().contains("away, trying again"), "{}", server.log());
    assert_eq!(server.get("/health/readiness").await.status, 200);
    server.terminate().await.unwrap();
}

/// Runs a line as a person does who has copied it.
async fn typed(line: &str) -> (Option<i32>, String) {
    let output = Command::new("sh").arg("-c").arg(line).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

async fn count(server: &Instance) -> Value {
    server.tool("demo_count", json!({"key": "visits"})).await.ok()["count"].clone()
}

#[tokio::test]
async fn dev_brings_its_own_database_and_prints_lines_that_work() {
    let folder = open_folder();
    let dir = folder.path().join("it's data");
    let server = start(private(&dir)).await;
    server.wait_for_log("stop with Ctrl-C").await;
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let mut answers = String::new();
    for line in &lines {
        assert!(line.starts_with("curl ") || line.starts_with(BINARY), "{line}");
        let (code, output) = typed(line).await;
        assert_eq!(code, Some(0), "{line}: {output}");
        answers.push_str(&output);
    }
    assert!(lines.len() >= 4, "{log}");
    assert!(
        answers.contains("{\"sum\":5}")
            && answers.contains("Hello, Ada!")
            && answers.contains("demo_flaky"),
        "{answers}"
    );

    // A crash, with its database: what was counted stays.
    assert_eq!(count(&server).await, 1);
    server.kill().await.unwrap();
    let server = start(private(&dir)).await;
    assert_eq!(count(&server).await, 2);
    let facts: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("server.json")).unwrap()).unwrap();
    assert_eq!((&facts["url"], &facts["pid"]), (&json!(server.url()), &json!(server.pid())));

    // Ctrl-C.
    let mut server = server;
    server.signal(Signal::INT);
    let (status, log) = server.wait().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!dir.join("server.json").exists());
    assert!(!dir.join("data/postmaster.pid").exists(), "the database still runs");
}

#[tokio::test]
async fn commands_join_the_database_of_a_running_server_and_else_start_it() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let place = dir.display().to_string();
    let create = |name: &str| {
        command(&["key", "create", "--name", name, "--scopes", "admin", "--data-dir", &place])
            .stdout()
    };
    // Nobody runs it: the command makes the folder and the database, and ends both.
    let before = create("before").await.unwrap();
    assert!(before.starts_with("mf_") && before.lines().count() == 1, "{before}");
    assert!(!dir.join("data/postmaster.pid").exists(), "the database still runs");

    let server = start(private(&dir)).await;
    let during = create("during").await.unwrap();
    for (key, name) in [(before, "before"), (during, "during")] {
        let me = server.call("GET", "/api/me").key(&key).send().await.ok();
        assert!(me.to_string().contains(&format!("\"{name}\"")), "{me}");
    }
    // The database is still there after the command has gone.
    assert_eq!(count(&server).await, 1);
    server.terminate().await.unwrap();
}

#[tokio::test]
async fn the_database_ends_with_a_server_that_is_killed() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let server = start(private(&dir)).await;
    let postmaster: i32 = fs::read_to_string(dir.join("data/postmaster.pid"))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    server.kill().await.unwrap();
    let process = PathBuf::from(format!("/proc/{postmaster}/cwd"));
    eventually(async || (!process.exists()).then_some(())).await;
}
