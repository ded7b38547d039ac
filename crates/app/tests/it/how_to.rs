//! How-to pages about the providers of the binary: their configuration is mounted, and their commands do what they say.

use std::fs;
use std::path::Path;

use mindflight_testapp::canned::{Canned, answer};
use tempfile::TempDir;

use crate::rig::{BINARY, Rig};
use crate::shown::{Shell, Shown, blocks, section, shown};
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
    _folder: TempDir,
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
        let key = rig.key("admin").await;
        let variables = [("MINDFLIGHT_URL", rig.server.url()), ("MINDFLIGHT_KEY", &*key)];
        let mut shell = Shell::new(folder.path(), &variables);
        let programs = Path::new(BINARY).parent().unwrap().display();
        assert_eq!(shell.types(&format!("export PATH='{programs}':\"$PATH\"")).await, "");
        Self { shell, rig, _folder: folder }
    }

    async fn says(&mut self, command: &str, part: &str) {
        let printed = self.shell.types(command).await;
        assert!(printed.contains(part), "`{command}`: no `{part}` in {printed}");
    }
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
