//! The providers that come with the binary, over HTTP: files, programs, and the outside world.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use mindflight_testapp::canned::{Canned, answer};
use mindflight_testapp::{Launch, TestDb};
use serde_json::{Value, json};

use crate::rig::{BINARY, Rig, start};
use crate::start::open_folder;

/// A production server with this configuration.
async fn configured(yaml: &str, folder: &Path) -> Rig {
    let file = folder.join("mindflight.yaml");
    fs::write(&file, yaml).unwrap();
    let file = file.display().to_string();
    Rig::with(|launch| launch.arg("--config").arg(&file)).await
}

async fn state_of(rig: &Rig, name: &str) -> (String, String) {
    let list = rig.server.get("/api/providers").await.ok();
    let one = list["items"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    let text = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
    (text("state"), text("reason"))
}

#[tokio::test]
async fn in_dev_agents_have_a_folder_for_files_and_nothing_beside_it() {
    let db = TestDb::new().await;
    let folder = open_folder();
    let data_dir = folder.path().display().to_string();
    let server = start(Launch::dev(BINARY, db.url(), &data_dir)).await;
    let write = json!({"path": "notes/today.md", "content": "milk\n", "create_dirs": true});
    let _ = server.tool("filesystem_write", write).await.ok();
    let file = folder.path().join("files/notes/today.md");
    assert_eq!(fs::read_to_string(&file).unwrap(), "milk\n");
    let read = server.tool("filesystem_read", json!({"path": "notes/today.md"})).await.ok();
    assert_eq!(read["content"], "milk\n");
    let found = server.tool("filesystem_search", json!({"query": "milk"})).await.ok();
    assert_eq!(found["matches"].as_array().map(Vec::len), Some(1), "{found}");
    let listed = server.tool("list_files", json!({"recursive": true})).await.ok();
    assert!(listed.to_string().contains("today.md"), "{listed}");
    // The key that signs tokens lies beside the folder.
    fs::write(folder.path().join("secret"), "s3cret").unwrap();
    symlink(folder.path(), folder.path().join("files/out")).unwrap();
    let absolute = folder.path().join("secret").display().to_string();
    for path in ["../secret", "notes/../../secret", "out/secret", &absolute, "/etc/passwd"] {
        for tool in ["filesystem_read", "filesystem_stat"] {
            let refused = server.tool(tool, json!({"path": path})).await;
            let _ = refused.problem(403, "not_allowed");
            assert!(!refused.text.contains("s3cret"), "{}", refused.text);
        }
        let write = json!({"path": path, "content": "x"});
        let _ = server.tool("filesystem_write", write).await.problem(403, "not_allowed");
    }
    assert_eq!(fs::read_to_string(folder.path().join("secret")).unwrap(), "s3cret");
}

#[tokio::test]
async fn elsewhere_files_and_programs_are_off_until_they_are_named() {
    let rig = Rig::new().await;
    for (name, setting) in
        [("filesystem", "allowed_dirs"), ("command", "tools"), ("openapi", "document")]
    {
        let (state, reason) = state_of(&rig, name).await;
        assert_eq!(state, "off", "{name}: {reason}");
        assert!(reason.contains(setting), "{reason}");
    }
    let folder = open_folder();
    let missing = folder.path().join("none").display().to_string();
    let yaml = format!("providers:\n  filesystem:\n    allowed_dirs: [{missing}]\n");
    let rig = configured(&yaml, folder.path()).await;
    let (state, reason) = state_of(&rig, "filesystem").await;
    assert_eq!(state, "failed");
    assert!(reason.contains(&missing), "{reason}");
}

#[tokio::test]
async fn a_program_gets_its_arguments_as_they_were_sent() {
    let folder = open_folder();
    let yaml = r#"
providers:
  shell_tools:
    provider: command
    tools:
      repeat:
        about: Repeats a text. Use it to see what a program gets.
        program: printf
        args: ["%s|", "{text}", "end"]
        parameters:
          text: {description: What to repeat.}
        read_only: true
"#;
    let rig = configured(yaml, folder.path()).await;
    for text in ["two words", "$(id); `id` | id > x", "a\nb", "*", "\"'\\", "😀"] {
        let ran = rig.server.tool("shell_tools_repeat", json!({"text": text})).await.ok();
        assert!(ran.to_string().contains("|end|"), "{ran}");
        assert_eq!(ran["stdout"], format!("{text}|end|"));
    }
    let dash = rig.server.tool("shell_tools_repeat", json!({"text": "-v"})).await;
    assert!(dash.problem(422, "invalid_arguments").contains("`text`"));
}

#[tokio::test]
async fn nothing_inside_is_fetched_however_it_is_written() {
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let port = inside.local_addr().unwrap().port();
    let rig = Rig::new().await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "a.localhost",
        "localhost.",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "%31%32%37.0.0.1",
        "①②⑦.⓪.⓪.①",
    ] {
        for url in [format!("https://{host}/"), format!("http://{host}:{port}/latest/meta-data")] {
            let refused = rig.server.tool("http_fetch", json!({"url": url})).await;
            assert!([403, 422].contains(&refused.status), "{url}: {}", refused.text);
        }
    }
    let refused = rig.server.tool("http_fetch", json!({"url": "https://127.0.0.1/"})).await;
    let _ = refused.problem(403, "not_allowed");
    assert!(refused.body["fix"].as_str().unwrap().contains("outbound.allow"), "{}", refused.text);
    let connected = inside.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(connected, Err(ErrorKind::WouldBlock), "somebody has come in");
}

#[tokio::test]
async fn what_the_operator_allows_is_fetched_and_its_redirects_are_not() {
    let away = "Location: http://169.254.169.254/latest/meta-data\r\n";
    let kept = "Cache-Control: max-age=60\r\nContent-Type: application/json\r\n";
    let inside =
        Canned::start(vec![answer("200 OK", kept, "{\"n\":1}"), answer("302 Found", away, "")]);
    let folder = open_folder();
    let host = inside.url.trim_start_matches("http://");
    let rig = configured(&format!("outbound:\n  allow: [\"{host}\"]\n"), folder.path()).await;
    for from in ["miss", "hit"] {
        let url = format!("{}/kept", inside.url);
        let fetched = rig.server.tool("http_fetch", json!({"url": url})).await.ok();
        assert_eq!((&fetched["status"], &fetched["from_cache"]), (&json!(200), &json!(from)));
    }
    let url = format!("{}/away", inside.url);
    let refused = rig.server.tool("http_fetch", json!({"url": url})).await;
    assert!(refused.problem(403, "not_allowed").contains("169.254.169.254"));
    assert_eq!(inside.requests().len(), 2);
    let metrics = rig.server.get("/metrics").await.text;
    assert!(metrics.contains("mindflight_outbound_requests_total{"), "{metrics}");
}

#[tokio::test]
async fn a_document_becomes_tools_that_call_its_service() {
    let service = Canned::start(vec![
        answer("200 OK", "Content-Type: application/json\r\n", "{\"id\":7,\"name\":\"Rex\"}"),
        answer("401 Unauthorized", "", "{\"message\":\"bad token\"}"),
    ]);
    let host = service.url.trim_start_matches("http://");
    let folder = open_folder();
    let document = folder.path().join("pets.yaml");
    fs::write(
        &document,
        format!(
            r#"
openapi: 3.1.0
info: {{title: Pets, version: "1"}}
servers: [{{url: "{}/v1"}}]
paths:
  /pets/{{petId}}:
    get:
      operationId: getPet
      summary: Get one pet.
      parameters:
        - {{name: petId, in: path, required: true, description: Its number., schema: {{type: integer}}}}
        - {{name: fields, in: query, description: What to give., schema: {{type: array, items: {{type: string}}}}}}
      responses: {{"200": {{description: The pet.}}}}
"#,
            service.url
        ),
    )
    .unwrap();
    let yaml = format!(
        "outbound:\n  allow: [\"{host}\"]\nproviders:\n  pets:\n    provider: openapi\n    document: {}\n    auth:\n      bearer_token: t0ken\n",
        document.display()
    );
    let rig = configured(&yaml, folder.path()).await;
    let (state, reason) = state_of(&rig, "pets").await;
    assert_eq!(state, "on", "{reason}");
    let tool = rig.server.get("/api/tools/pets_get_pet").await.ok();
    assert_eq!(tool["annotations"]["read_only"], true);
    let arguments = json!({"pet_id": 7, "fields": ["name"]});
    let properties = tool["input_schema"]["properties"].as_object().unwrap();
    let arguments: Value = match properties.contains_key("petId") {
        true => json!({"petId": 7, "fields": ["name"]}),
        false => arguments,
    };
    let pet = rig.server.tool("pets_get_pet", arguments.clone()).await.ok();
    assert_eq!((&pet["status"], &pet["body"]["name"]), (&json!(200), &json!("Rex")));
    let refused = rig.server.tool("pets_get_pet", arguments).await;
    let _ = refused.problem(502, "upstream_refused");
    assert!(!refused.text.contains("t0ken"), "{}", refused.text);
    let [first, _] = &service.requests()[..] else { panic!("two requests") };
    assert!(first.starts_with("GET /v1/pets/7?fields=name HTTP/1.1\r\n"), "{first}");
    assert!(first.to_lowercase().contains("authorization: bearer t0ken"), "{first}");
}
