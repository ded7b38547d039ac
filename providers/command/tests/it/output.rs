//! What programs write and how they end, as callers see it.

use serde_json::json;

use crate::programs::Programs;

#[tokio::test]
async fn a_result_has_output_errors_and_exit_code() {
    let programs = Programs::new();
    let kit =
        programs.kit("echo out; echo err >&2; exit 3", json!({"success_codes": [0, 3]})).await;
    kit.call("run", json!({})).await.assert_ok(json!({
        "exit_code": 3, "stdout": "out\n", "stderr": "err\n", "truncated": false, "lossy": false,
    }));
}

#[tokio::test]
async fn an_exit_code_that_is_no_success_is_an_error_with_the_first_error_lines() {
    let programs = Programs::new();
    let kit = programs
        .kit("for n in 1 2 3 4 5 6 7; do echo \"line $n\" >&2; done; exit 4", json!({}))
        .await;
    let reply = kit.call("run", json!({})).await;
    let error = reply.assert_error().code("command.failed").status(502);
    let error = error.detail_contains("exit code 4").detail_contains("line 1\nline 2");
    assert!(!error.problem().detail.contains("line 6"), "{error:?}");
    let killed = programs.kit("kill -9 $$", json!({})).await;
    let reply = killed.call("run", json!({})).await;
    reply.assert_error().code("command.failed").detail_contains("signal 9");
}

#[tokio::test]
async fn more_output_than_is_kept_is_cut_and_said() {
    let programs = Programs::new();
    let script = "i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; echo e >&2";
    let kit = programs.kit(script, json!({"max_output_bytes": 1000})).await;
    let reply = kit.call("run", json!({})).await;
    assert_eq!(reply.output()["truncated"], true);
    assert_eq!(reply.output()["stdout"].as_str().unwrap().len(), 1000);
    // It ran to its end all the same.
    assert_eq!(
        (&reply.output()["exit_code"], &reply.output()["stderr"]),
        (&json!(0), &json!("e\n"))
    );
}

#[tokio::test]
async fn a_program_that_never_stops_writing_is_stopped() {
    let programs = Programs::new();
    let kit = programs.kit("exec cat /dev/zero", json!({})).await;
    let reply = kit.call("run", json!({})).await;
    reply.assert_error().code("command.too_much_output").status(502);
}

#[tokio::test]
async fn no_output_makes_a_result_that_the_server_refuses() {
    let programs = Programs::new();
    let script = "head -c 524288 /dev/zero | tr '\\0' \"$1\"; head -c 524288 /dev/zero | tr '\\0' \"$1\" >&2";
    for kind in ["text", "lines"] {
        let more = json!({
            "args": ["{c}"], "parameters": {"c": {"description": "Which."}},
            "max_output_bytes": 524_288, "output": kind,
        });
        let kit = programs.kit(script, more).await;
        for c in ["\\001", "\\n", "\"", "x"] {
            let reply = kit.call("run", json!({"c": c})).await;
            let length = reply.output().to_string().len();
            assert!((100_000..1_000_000).contains(&length), "{kind} {c:?}: {length}");
            assert_eq!(reply.output()["truncated"], true);
        }
    }
}

#[tokio::test]
async fn output_that_is_no_utf_8_is_replaced_and_said() {
    let programs = Programs::new();
    let kit = programs.kit(r"printf 'gr\374n'", json!({})).await;
    let reply = kit.call("run", json!({})).await;
    assert_eq!(reply.output()["stdout"], "gr\u{fffd}n");
    assert_eq!(reply.output()["lossy"], true);
    // The limit cuts a character: that is no fault of the program's.
    let kit = programs.kit(r"printf 'a\303\274'", json!({"max_output_bytes": 2})).await;
    let reply = kit.call("run", json!({})).await;
    assert_eq!((&reply.output()["stdout"], &reply.output()["lossy"]), (&json!("a"), &json!(false)));
}

#[tokio::test]
async fn output_is_read_as_lines_or_json_when_the_settings_say_so() {
    let programs = Programs::new();
    let kit = programs.kit(r"printf 'one\ntwo\r\n\nfour'", json!({"output": "lines"})).await;
    let reply = kit.call("run", json!({})).await;
    assert_eq!(reply.output()["lines"], json!(["one", "two", "", "four"]));
    let kit = programs.kit(r#"echo '{"a": [1, null]}'"#, json!({"output": "json"})).await;
    assert_eq!(kit.call("run", json!({})).await.output()["value"], json!({"a": [1, null]}));
    let kit = programs.kit("echo not json", json!({"output": "json"})).await;
    let reply = kit.call("run", json!({})).await;
    reply.assert_error().code("command.not_json").status(502);
    let long = json!({"output": "json", "max_output_bytes": 3});
    let kit = programs.kit("echo '[1, 2, 3]'", long).await;
    let reply = kit.call("run", json!({})).await;
    reply.assert_error().code("command.not_json").detail_contains("max_output_bytes");
}

#[tokio::test]
async fn the_environment_is_what_the_settings_say_and_nothing_else() {
    let programs = Programs::new();
    let more = json!({"program": "env", "env": {"TOKEN": "a b", "LANG": "de_DE.UTF-8"}, "output": "lines"});
    let kit = programs.kit("", more).await;
    let reply = kit.call("run", json!({})).await;
    let mut lines: Vec<_> = reply.output()["lines"].as_array().unwrap().clone();
    lines.sort_by_key(ToString::to_string);
    let expected =
        ["LANG=de_DE.UTF-8", "LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "TOKEN=a b"];
    assert_eq!(json!(lines), json!(expected));
    let folder = programs.at("").canonicalize().unwrap();
    let kit =
        programs.kit("", json!({"program": "pwd", "working_dir": folder, "output": "lines"})).await;
    assert_eq!(kit.call("run", json!({})).await.output()["lines"], json!([folder]));
    let kit = programs.kit("", json!({"program": "pwd"})).await;
    assert_eq!(kit.call("run", json!({})).await.output()["stdout"], "/\n");
}
