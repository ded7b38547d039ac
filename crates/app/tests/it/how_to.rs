//! How-to pages about the providers of the binary: their configuration is mounted, and their commands do what they say.

use std::fs;
use std::path::Path;

use mindflight_testapp::canned::{Canned, answer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{BINARY, Rig, command};
use crate::shown::{ADDRESS, Shell, Shown, blocks, section, shown};
use crate::start::open_folder;

macro_rules! page {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/how-to/", $name))
    };
}

/// A server as a page configures it, and a terminal beside it.
struct Set {
    shell: Shell,
    rig: Rig,
    folder: TempDir,
}

impl Set {
    /// The page's first configuration, with what it names in another place.
    async fn up(page: &str, elsewhere: &[(&str, &str)], folder: TempDir) -> Self {
        let moved = |text: &str| {
            elsewhere.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let file = folder.path().join("mindflight.yaml");
        fs::write(&file, moved(blocks(page, "yaml")[0])).unwrap();
        let file = file.display().to_string();
        let rig = Rig::with(|launch| launch.arg("--config").arg(&file)).await;
        Self::beside(rig, folder).await
    }

    async fn beside(rig: Rig, folder: TempDir) -> Self {
        let create = command(&["key", "create", "--name", "operator", "--scopes", "admin"]);
        let key = create.env("DATABASE_URL", rig.db.url()).stdout().await.unwrap();
        let variables = [("MINDFLIGHT_URL", rig.server.url()), ("MINDFLIGHT_KEY", &*key)];
        let mut shell = Shell::new(folder.path(), &variables);
        let programs = Path::new(BINARY).parent().unwrap().display();
        assert_eq!(shell.types(&format!("export PATH='{programs}':\"$PATH\"")).await, "");
        Self { shell, rig, folder }
    }

    /// Types what a page shows, with this id in the place of its own.
    async fn shows(&mut self, shown: &Shown<'_>, id: &str) {
        let printed = self.shell.types(&named(shown.command, id)).await;
        let answer: Vec<String> = shown.answer.iter().map(|line| varying(line)).collect();
        let answer = answer.iter().map(String::as_str).collect();
        Shown { command: shown.command, answer }.is(&printed);
    }

    async fn says(&mut self, command: &str, part: &str) {
        let printed = self.shell.types(command).await;
        assert!(printed.contains(part), "`{command}`: no `{part}` in {printed}");
    }
}

/// A line with another id in the place of the one it has.
fn named(line: &str, id: &str) -> String {
    let words = line.split(' ').map(|word| if is_id(word) { id } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// A line without what is different each time: ids and times.
fn varying(line: &str) -> String {
    let time = |word: &str| word.len() == 5 && word.as_bytes()[2] == b':';
    let varies = |word: &str| is_id(word) || word.ends_with('Z') || time(word);
    let words = line.split(' ').map(|word| if varies(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn is_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The commands of a page's last part.
fn checks(page: &str) -> Vec<&str> {
    blocks(section(page, "## Check that it worked\n"), "sh")[0].lines().collect()
}

#[tokio::test]
async fn files_are_given_as_the_page_says() {
    let page = page!("files.md");
    let folder = open_folder();
    let files = folder.path().join("agents");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("notes.md"), "milk\n").unwrap();
    let files = files.display().to_string();
    let mut set = Set::up(page, &[("/srv/agents", &files)], folder).await;
    let [list, read, out] = checks(page)[..] else { panic!("three commands") };
    set.says(list, "notes.md").await;
    set.says(read, "milk").await;
    set.says(out, "not_allowed").await;
    set.says("mindflight tool call filesystem_write path=x content=y", "tool_not_found").await;
    for create in blocks(page, "sh")[0].lines() {
        let name = create.split_whitespace().nth(4).unwrap();
        let on = format!("DATABASE_URL='{}' {create}", set.rig.db.url());
        set.says(&on, "mf_").await;
        set.says("mindflight key list", name).await;
    }
}

#[tokio::test]
async fn a_program_runs_as_the_page_says() {
    let page = page!("command.md");
    let folder = open_folder();
    let reports = folder.path().display().to_string();
    fs::write(folder.path().join("2026-01.csv"), "a,b\n".repeat(17)).unwrap();
    let mut set = Set::up(page, &[("/srv/reports", &reports)], folder).await;
    let shown: Vec<Shown<'_>> = shown(page);
    let [call] = &shown[..] else { panic!("one command is shown") };
    call.is(&set.shell.types(call.command).await);
    let out = call.command.replace("2026-01", "../../etc/passwd");
    set.says(&out, "invalid_arguments").await;
    set.says(&out, "[0-9]{4}-[0-9]{2}").await;
}

#[tokio::test]
async fn a_document_is_mounted_as_the_page_says() {
    let page = page!("openapi.md");
    let operation = |id: &str, tag: &str| {
        format!(
            "{{\"operationId\":\"{id}\",\"summary\":\"Does {id}.\",\"tags\":[\"{tag}\"],\"responses\":{{}}}}"
        )
    };
    let document = format!(
        "{{\"openapi\":\"3.0.3\",\"info\":{{\"title\":\"Tracker\",\"version\":\"1\"}},\"servers\":[{{\"url\":\"/v1\"}}],\"paths\":{{\
         \"/issues\":{{\"get\":{},\"delete\":{}}},\"/projects\":{{\"get\":{}}},\"/users\":{{\"get\":{}}}}}}}",
        operation("issues-list-for-repo", "issues"),
        operation("deleteIssue", "issues"),
        operation("projects", "projects"),
        operation("users", "users"),
    );
    let json = "Content-Type: application/json\r\n";
    let tracker = Canned::start(vec![answer("200 OK", json, &document)]);
    let allow = format!(
        "outbound:\n  allow: [\"{}\"]\nproviders:\n",
        tracker.url.trim_start_matches("http://")
    );
    let elsewhere =
        [("https://tracker.example.com", tracker.url.as_str()), ("providers:\n", &allow)];
    let mut set = Set::up(page, &elsewhere, open_folder()).await;
    let [providers, tools, tool] = checks(page)[..] else { panic!("three commands") };
    set.says(providers, "tracker").await;
    let listed = set.shell.types(tools).await;
    for (name, there) in [
        ("tracker_list_issues", true),
        ("tracker_projects", true),
        ("delete", false),
        ("users", false),
    ] {
        assert_eq!(listed.contains(name), there, "{name}: {listed}");
    }
    set.says(tool, "Does issues-list-for-repo.").await;
    assert!(tracker.requests()[0].starts_with("GET /openapi.json HTTP/1.1\r\n"));
}

#[tokio::test]
async fn an_internal_service_is_reached_as_the_page_says() {
    let page = page!("internal-service.md");
    let inventory = Canned::start(vec![answer("200 OK", "", "in stock")]);
    let port = inventory.url.rsplit(':').next().unwrap();
    // A name that resolves here, and that the machine calls its own.
    let local = format!("localhost:{port}");
    let elsewhere = [("inventory.internal:8080", local.as_str())];
    let mut set = Set::up(page, &elsewhere, open_folder()).await;
    let [call] = checks(page)[..] else { panic!("one command") };
    set.says(&call.replace("inventory.internal:8080", &local), "in stock").await;
    set.says(&call.replace("inventory.internal:8080", "127.0.0.1:1"), "not_allowed").await;
    assert_eq!(inventory.requests().len(), 1);
}

#[tokio::test]
async fn failed_jobs_are_found_and_run_again_as_the_page_says() {
    let page = page!("failed-jobs.md");
    let mut set = Set::beside(Rig::new().await, open_folder()).await;
    let made = |kind: &str, args: Value| json!({"kind": kind, "args": args});
    let jobs = json!([
        made("demo.count", json!({"key": "k"})),
        made("demo.fail", json!({"message": "no"}))
    ]);
    let jobs = set.rig.server.post("/api/jobs", &jobs).await;
    let ids: Vec<&str> = jobs.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|job| job["id"].as_str())
        .collect();
    for id in &ids {
        set.says(&format!("mindflight job watch {id}"), id).await;
    }
    let [list, show, dry, retry] = &shown(page)[..] else { panic!("four commands") };
    set.shows(list, ids[1]).await;
    set.shows(show, ids[1]).await;
    for act in blocks(page, "sh")[0].lines() {
        set.says(act, "demo").await;
    }
    set.shows(dry, ids[1]).await;
    set.shows(retry, ids[1]).await;
    for check in checks(page) {
        assert!(!set.shell.types(check).await.contains("error:"), "{check}");
    }
}

#[tokio::test]
async fn a_job_says_why_it_waits_as_the_page_says() {
    let page = page!("waiting-jobs.md");
    let mut set = Set::beside(Rig::new().await, open_folder()).await;
    // A queue is there once a job was put into it.
    set.says("mindflight job enqueue demo.count key=k --wait", "succeeded").await;
    set.says("mindflight queue pause demo --reason 'vendor incident'", "paused").await;
    let waiting = json!({"kind": "demo.count", "args": {"key": "k"}});
    let waiting = set.rig.server.post("/api/jobs", &waiting).await;
    let id = waiting.body["id"].as_str().unwrap();
    let [list, why] = &shown(page)[..] else { panic!("two commands") };
    set.shows(list, id).await;
    set.shows(why, id).await;
    for look in blocks(page, "sh")[0].lines() {
        assert!(!set.shell.types(look).await.contains("error:"), "{look}");
    }
    set.says(why.answer[1].strip_prefix("next: ").unwrap(), "demo").await;
    set.says(&format!("{}; echo $?", named(checks(page)[0], id)), "\n0").await;
}

#[tokio::test]
async fn a_webhook_is_tried_by_hand_as_the_page_says() {
    let page = page!("webhook.md");
    let variable = "MINDFLIGHT_PROVIDERS__DEMO__WEBHOOK_SECRET";
    let rig = Rig::with(|launch| launch.env(variable, "s3cret")).await;
    let mut set = Set::beside(rig, open_folder()).await;
    assert_eq!(set.shell.types(&format!("export {variable}=s3cret")).await, "");
    let [secret, send] = blocks(page, "sh")[..] else { panic!("two blocks") };
    assert!(secret.starts_with(&format!("export {variable}=")), "{secret}");
    let send = send.replace(ADDRESS, set.rig.server.url());
    set.says(&send, "\"event\":").await;
    let unsigned = send.replace("X-Signature", "X-Other");
    set.says(&unsigned, "unauthenticated").await;
    set.says(&unsigned, "X-Signature").await;
    let [list] = &shown(page)[..] else { panic!("one command is shown") };
    let printed = set.shell.types(list.command).await;
    assert!(printed.ends_with("{\"order\":7}"), "{printed}");
    assert_eq!(printed.lines().count(), list.answer.len(), "{printed}");
}

#[tokio::test]
async fn tools_are_listed_for_the_vendors_as_the_page_says() {
    let page = page!("sdk-shapes.md");
    let folder = open_folder();
    let mut set = Set::beside(Rig::new().await, folder).await;
    let [list] = &shown(page)[..] else { panic!("one command is shown") };
    let with_key = |line: &str| {
        let line = line.replace(ADDRESS, set.rig.server.url());
        line.replacen("curl ", "curl -H \"Authorization: Bearer $MINDFLIGHT_KEY\" ", 1)
    };
    let (listing, call) =
        (with_key(list.command), checks(page)[0].replace(ADDRESS, set.rig.server.url()));
    list.is(&set.shell.types(&listing).await);
    set.says(&call, "{\"text\":\"hello\"}").await;
    let uses = "print(openai_message({'id': 'c', 'function': {'name': 'echo_say', 'arguments': '{\"text\": \"hi\"}'}}))\n\
                print(anthropic_block({'id': 't', 'name': 'demo_add', 'input': {'a': 1}}))\n";
    let script = set.folder.path().join("page.py");
    fs::write(&script, format!("{}\n{uses}", blocks(page, "python")[0])).unwrap();
    let ran = set.shell.types("python3 page.py").await;
    assert!(ran.contains("'tool_call_id': 'c'") && ran.contains("\"text\":\"hi\""), "{ran}");
    assert!(ran.contains("'tool_use_id': 't'") && ran.contains("'is_error': True"), "{ran}");
}
