//! Calling tools: results, effects, deadlines, crashes, cancellation.

use serde_json::{Value, json};

use crate::rig::{BINARY, Rig, eventually, start};
use mindflight_testapp::{Launch, TestDb};

#[tokio::test]
async fn a_call_answers_with_the_tools_own_result() {
    let rig = Rig::new().await;
    let answer = rig.server.tool("demo_add", json!({"a": 2, "b": 3})).await;
    assert_eq!(
        (answer.header("content-type"), answer.header("api-version")),
        ("application/json", "1")
    );
    assert_eq!(answer.ok(), json!({"sum": 5}));
    // The dotted name is an alias.
    assert_eq!(rig.server.tool("demo.add", json!({"a": 2, "b": 3})).await.ok(), json!({"sum": 5}));
    let example = json!({"param1": "hello", "param2": 123});
    let message = "Executed example tool with param1=hello and param2=123";
    let answer = rig.server.tool("template_example.example_tool", example).await.ok();
    assert_eq!(answer, json!({"message": message}));
}

#[tokio::test]
async fn counters_hold_over_restarts_and_instances() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let key = json!({"key": "visits"});
    assert_eq!(rig.server.tool("demo_count", key.clone()).await.ok(), json!({"count": 1}));
    assert_eq!(second.tool("demo_count", key.clone()).await.ok(), json!({"count": 2}));
    second.kill().await.unwrap();
    let third = rig.second().await;
    assert_eq!(third.tool("demo_count", key.clone()).await.ok(), json!({"count": 3}));
    assert_eq!(rig.server.tool("demo_count", key).await.ok(), json!({"count": 4}));
}

#[tokio::test]
async fn a_tool_fails_as_often_as_it_was_told_to_and_then_works() {
    let rig = Rig::new().await;
    let arguments = json!({"key": "f", "fail_times": 2});
    for _ in 0..2 {
        let answer = rig.server.tool("demo_flaky", arguments.clone()).await;
        assert!(answer.status >= 500 && answer.body["retry"] != "no", "{}", answer.text);
    }
    assert_eq!(rig.server.tool("demo_flaky", arguments).await.status, 200);
    let failed =
        rig.server.tool("demo_fail", json!({"code": "demo.out_of_ink", "message": "no ink"})).await;
    assert_eq!(
        (&failed.body["code"], &failed.body["detail"]),
        (&json!("demo.out_of_ink"), &json!("no ink"))
    );
}

#[tokio::test]
async fn a_crash_is_one_calls_failure_and_several_give_the_tool_a_rest() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_CALLS__BREAKER_FAILURES", "3")
            .env("MINDFLIGHT_CALLS__BREAKER_REST", "60s")
    })
    .await;
    for _ in 0..3 {
        let crashed = rig.server.tool("demo_panic", json!({})).await;
        assert_eq!(crashed.problem(500, "tool_panicked"), "`demo_panic` crashed");
        assert_eq!(rig.server.tool("demo_add", json!({"a": 1, "b": 1})).await.status, 200);
    }
    let resting = rig.server.tool("demo_panic", json!({})).await;
    let _ = resting.problem(503, "tool_unavailable");
    assert_eq!(resting.header("retry-after"), "60");
}

#[tokio::test]
async fn a_call_is_cut_at_its_deadline_and_one_that_blocks_is_named() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_CALLS__MAX_TIMEOUT", "200ms")
            .env("MINDFLIGHT_CALLS__GRACE", "50ms")
            .env("MINDFLIGHT_CALLS__STUCK_AFTER", "50ms")
    })
    .await;
    let slept = rig.server.tool("demo_sleep", json!({"ms": 60_000})).await;
    let _ = slept.problem(504, "timeout");
    let blocked = rig.server.tool("demo_block", json!({"ms": 5_000})).await;
    let _ = blocked.problem(504, "timeout");
    let health = eventually(async || {
        let health = rig.server.get("/health").await.body;
        health["checks"]["calls"]["detail"]
            .as_str()
            .is_some_and(|text| text.contains("demo_block"))
            .then_some(health)
    })
    .await;
    assert_eq!(health["status"], "degraded");
    assert_eq!(rig.server.tool("demo_add", json!({"a": 1, "b": 1})).await.status, 200);
    // Once the thread is back, all is well again.
    eventually(async || {
        (rig.server.get("/health").await.body["status"] == "healthy").then_some(())
    })
    .await;
}

async fn running(rig: &Rig) -> Option<String> {
    let metrics = rig.server.get("/metrics").await.text;
    let line =
        metrics.lines().find(|line| line.starts_with("mindflight_calls_running "))?.to_owned();
    line.split(' ').next_back().map(str::to_owned)
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_call() {
    let rig = Rig::new().await;
    let request = format!(
        "POST /api/tools/demo_sleep HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{{\"ms\": 30000}}",
        rig.key("tools:call").await
    );
    let address = rig.server.url().strip_prefix("http://").unwrap().to_owned();
    for reset in [false, true] {
        let mut socket = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
        eventually(async || (running(&rig).await? == "1").then_some(())).await;
        if reset {
            // Closing with linger 0 sends RST instead of FIN.
            rustix::net::sockopt::set_socket_linger(&socket, Some(std::time::Duration::ZERO))
                .unwrap();
        }
        drop(socket);
        eventually(async || (running(&rig).await? == "0").then_some(())).await;
    }
}

fn calls(audit: &Value) -> Vec<(&str, &str)> {
    let rows = audit["items"].as_array().unwrap().iter();
    rows.map(|row| (row["target"].as_str().unwrap(), row["outcome"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_changes_something_leaves_one_audit_row_and_what_reads_leaves_none() {
    let rig = Rig::new().await;
    let counted = rig.server.tool("demo_count", json!({"key": "a"})).await;
    let request = counted.header("x-request-id").to_owned();
    rig.server.tool("demo_add", json!({"a": 1, "b": 1})).await;
    rig.server.tool("demo_flaky", json!({"key": "b", "fail_times": 1})).await;
    // A failure does not wait for its row.
    let audit = eventually(async || {
        let audit = rig.server.get("/api/audit?action=tool.call").await.ok();
        (calls(&audit).len() == 2).then_some(audit)
    })
    .await;
    assert_eq!(calls(&audit), [("demo_flaky", "demo.flaky"), ("demo_count", "ok")]);
    let row = &audit["items"][1];
    assert_eq!((&row["request_id"], &row["ip"]), (&json!(request), &json!("127.0.0.1")));
    assert!(row["key_id"].is_string());
}

#[tokio::test]
async fn what_this_release_cannot_do_is_refused_and_not_ignored() {
    let rig = Rig::new().await;
    for (name, value) in [("idempotency-key", "k1"), ("accept", "text/event-stream")] {
        let call = rig.server.call("POST", "/api/tools/demo_count").header(name, value);
        let answer = call.json(&json!({"key": "n"})).send().await;
        let _ = answer.problem(501, "not_supported");
    }
    assert_eq!(rig.server.tool("demo_count", json!({"key": "n"})).await.ok(), json!({"count": 1}));
    for path in ["/mcp", "/ui", "/docs", "/api/webhooks"] {
        let _ = rig.server.get(path).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn sigterm_lets_a_running_call_end_and_exits_with_0() {
    let db = TestDb::new().await;
    let server = start(Launch::serve(BINARY, db.url())).await;
    let key = crate::rig::key(&db, "tools:call").await;
    let call =
        server.call("POST", "/api/tools/demo_sleep").key(&key).json(&json!({"ms": 400})).send();
    let ended = async {
        eventually(async || {
            let metrics = server.get("/metrics").await.text;
            metrics.contains("mindflight_calls_running 1").then_some(())
        })
        .await;
        server.signal(rustix::process::Signal::TERM);
    };
    let (answer, ()) = tokio::join!(call, ended);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut server = server;
    let (status, log) = server.wait().await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
}
