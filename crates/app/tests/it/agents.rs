//! The agents of `examples/agents`: each does its work, offline and with a model, and says clearly what stops it.

use std::process::Output;

use mindflight_testapp::canned::{Canned, answer};
use mindflight_testapp::{Launch, TestDb};
use serde_json::{Value, json};

use crate::rig::{BINARY, Rig, start};
use crate::shown::{ADDRESS, shown};
use crate::start::open_folder;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/agents");
const PAGE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/agents/README.md"));

/// What runs each agent, the agent, and where its interpreter comes from.
const AGENTS: [(&str, &str, &str); 3] = [
    ("python3", "python/agent.py", "install Python 3.9 or newer (`apt-get install python3`)"),
    ("node", "javascript/agent.mjs", "install Node 18 or newer (https://nodejs.org)"),
    ("sh", "curl/agent.sh", "install curl and jq (`apt-get install curl jq`)"),
];

/// Runs an agent to its end.
async fn run(agent: (&str, &str, &str), url: &str, variables: &[(&str, &str)]) -> Output {
    let (program, path, install) = agent;
    let launch = Launch::new(program, &[&format!("{FOLDER}/{path}")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MINDFLIGHT_URL", url);
    let launch = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
    launch.output().await.unwrap_or_else(|error| {
        panic!("`{program}` cannot be run ({error:#}); the tests need it: {install}")
    })
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// That it ended with 1 and one line that says all of this.
#[track_caller]
fn failed(output: &Output, texts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    for text in texts {
        assert!(stderr.contains(text), "no `{text}` in {stderr}");
    }
}

/// An answer of Chat Completions.
fn completion(message: &Value) -> String {
    let body = json!({"object": "chat.completion", "choices": [{"index": 0, "message": message}]});
    answer("200 OK", "Content-Type: application/json\r\n", &body.to_string())
}

fn tool_call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calling(calls: &[Value]) -> String {
    completion(&json!({"role": "assistant", "content": null, "tool_calls": calls}))
}

#[tokio::test]
async fn every_agent_works_offline_as_its_page_shows() {
    let db = TestDb::new().await;
    let folder = open_folder();
    let server = start(Launch::dev(BINARY, db.url(), &folder.path().display().to_string())).await;
    let [example] = &shown(PAGE)[..] else { panic!("one command is shown") };
    for agent in AGENTS {
        let printed = stdout(&run(agent, server.url(), &[]).await);
        example.is(&printed.replace(server.url(), ADDRESS));
        assert!(PAGE.contains(&format!("{} examples/agents/{}", agent.0, agent.1)), "{agent:?}");
    }
}

#[tokio::test]
async fn in_production_an_agent_needs_a_key_and_says_so() {
    let rig = Rig::new().await;
    let key = rig.key("tools:call").await;
    let useless = rig.key("events:read").await;
    for agent in AGENTS {
        let run = async |key| run(agent, rig.server.url(), &[("MINDFLIGHT_KEY", key)]).await;
        let printed = stdout(&run(&key).await);
        assert!(printed.ends_with("answer: Hello, Ada! 17 * 23 + 9 is 400.\n"), "{printed}");
        failed(&run("").await, &["MINDFLIGHT_KEY", "unauthenticated"]);
        failed(&run("mf_wrong").await, &["MINDFLIGHT_KEY", "unauthenticated", "revoked"]);
        // It may list tools, and sees none of them: the scripted model is told so by the server.
        let output = run_to_refusal(agent, rig.server.url(), &useless).await;
        assert!(output.contains("403 "), "{output}");
    }
}

/// A model that calls one tool and then says what it was told.
async fn run_to_refusal(agent: (&str, &str, &str), url: &str, key: &str) -> String {
    let model = Canned::start(vec![
        calling(&[tool_call("c1", "demo_add", "{\"a\":2,\"b\":3}")]),
        completion(&json!({"role": "assistant", "content": "It is not allowed."})),
    ]);
    let variables =
        [("OPENAI_BASE_URL", &*model.url), ("OPENAI_MODEL", "m"), ("MINDFLIGHT_KEY", key)];
    stdout(&run(agent, url, &variables).await)
}

#[tokio::test]
async fn a_model_gets_the_tools_and_under_its_own_ids_every_answer() {
    let rig = Rig::new().await;
    let key = rig.key("tools:call").await;
    for agent in AGENTS {
        let model = Canned::start(vec![
            answer("429 Too Many Requests", "Retry-After: 0\r\n", "{}"),
            calling(&[
                tool_call("c1", "demo_add", "{\"a\":2,\"b\":\"3\"}"),
                tool_call("c2", "demo_greet", "{\"name\":\"Zoë \\\"Z\\\" O'Neil\"}"),
                tool_call("c3", "no/such tool", "{"),
            ]),
            completion(&json!({"role": "assistant", "content": "Done; \"all\" of it."})),
        ]);
        let base = format!("{}/v1/", model.url);
        let variables = [
            ("OPENAI_BASE_URL", &*base),
            ("OPENAI_API_KEY", "sk-test"),
            ("OPENAI_MODEL", "some-model"),
            ("MINDFLIGHT_KEY", &*key),
        ];
        let printed = stdout(&run(agent, rig.server.url(), &variables).await);
        assert!(printed.contains("model: some-model\n"), "{printed}");
        assert!(printed.ends_with("answer: Done; \"all\" of it.\n"), "{printed}");
        let [refused, first, second] = &model.requests()[..] else { panic!("three requests") };
        let asked = [refused, first, second].map(|request| asked(request));
        assert_eq!(asked[0], asked[1], "after 429 it asks the same again");
        assert_eq!(asked[1]["messages"].as_array().unwrap().len(), 1);
        answered(&asked[2]["messages"]);
    }
}

/// The body of a request, after checking what is the same in each.
fn asked(request: &str) -> Value {
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("authorization: bearer sk-test"), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["model"], "some-model");
    let tools = body["tools"].as_array().unwrap();
    assert!(tools.len() > 5, "{tools:?}");
    for tool in tools {
        assert_eq!(tool["type"], "function");
        assert!(
            tool["function"]["name"].is_string() && tool["function"]["description"].is_string()
        );
        assert_eq!(tool["function"]["parameters"]["type"], "object");
    }
    body
}

/// That a message of the tool role answers each call, with what the server said.
fn answered(messages: &Value) {
    let roles: Vec<&str> =
        messages.as_array().unwrap().iter().filter_map(|one| one["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "tool"]);
    assert_eq!(messages[1]["tool_calls"][1]["id"], "c2");
    let said = |place: usize, id: &str| -> Value {
        assert_eq!(messages[place]["tool_call_id"], id);
        serde_json::from_str(messages[place]["content"].as_str().unwrap()).unwrap()
    };
    let wrong = said(2, "c1");
    assert_eq!(
        (&wrong["code"], &wrong["errors"][0]["pointer"]),
        (&json!("invalid_arguments"), &json!("/b"))
    );
    assert_eq!(said(3, "c2"), json!({"message": "Hello, Zoë \"Z\" O'Neil!"}));
    assert!(said(4, "c3")["status"].as_u64().is_some_and(|status| status >= 400));
}

#[tokio::test]
async fn what_stops_an_agent_is_said_in_one_line() {
    let rig = Rig::new().await;
    let key = rig.key("tools:call").await;
    for agent in AGENTS {
        // Nobody listens there: the port is reserved.
        let nowhere = "http://127.0.0.1:1";
        failed(&run(agent, nowhere, &[]).await, &[nowhere, "is it running"]);
        failed(&run(agent, "nonsense", &[]).await, &["nonsense"]);
        let with = async |variables: &[(&str, &str)]| {
            let all = [variables, &[("MINDFLIGHT_KEY", &*key)]].concat();
            run(agent, rig.server.url(), &all).await
        };
        let unnamed = with(&[("OPENAI_BASE_URL", nowhere)]).await;
        failed(&unnamed, &["OPENAI_MODEL is not set"]);
        let away = with(&[("OPENAI_BASE_URL", nowhere), ("OPENAI_MODEL", "m")]).await;
        failed(&away, &["http://127.0.0.1:1/chat/completions"]);
        let refusing = Canned::start(vec![answer("400 Bad Request", "", "no such model")]);
        let refused = with(&[("OPENAI_BASE_URL", &*refusing.url), ("OPENAI_MODEL", "m")]).await;
        failed(&refused, &["400", "no such model"]);
        let again = calling(&[tool_call("c", "demo_add", "{\"a\":1,\"b\":1}")]);
        let circling = Canned::start(vec![again; 8]);
        let circles = with(&[("OPENAI_BASE_URL", &*circling.url), ("OPENAI_MODEL", "m")]).await;
        failed(&circles, &["8 steps"]);
        assert_eq!(circling.requests().len(), 8);
    }
}

#[tokio::test]
async fn the_agent_of_the_shell_says_which_program_it_lacks() {
    let agent = format!("{FOLDER}/curl/agent.sh");
    let empty = tempfile::tempdir().unwrap();
    let launch = Launch::new("/bin/sh", &[&agent]).env("PATH", &empty.path().display().to_string());
    failed(&launch.output().await.unwrap(), &["curl is needed"]);
}
