//! Variables, seen by a process of their own: this one's environment stays as it is.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::process::{Command, ExitCode, Stdio};

use mindflight_cli::run;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::canned::{Canned, ours};
use crate::console::Recorder;
use crate::jobs::{job, job_with, one};

/// Runs the line in `MINDFLIGHT_TEST_LINE` as the binary does. The tests below run it in processes of its own.
#[test]
fn child() {
    let line = std::env::var_os("MINDFLIGHT_TEST_LINE").unwrap_or_else(|| "version".into());
    let line = line.into_string().expect("UTF-8");
    let local = Recorder { data_dir: "/nowhere".into(), asked: Default::default() };
    let args = ["mindflight"].into_iter().chain(line.split(' ')).map(OsString::from);
    let code = run(args, &local);
    let expected = std::env::var_os("MINDFLIGHT_TEST_EXIT");
    let expected = expected
        .map_or(0, |code| code.to_str().and_then(|code| code.parse().ok()).expect("a number"));
    assert_eq!(code, ExitCode::from(expected), "{line}");
    println!("asked: {:?}", local.asked.into_inner());
}

/// A process that runs `line`.
fn this_test(line: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "environment::child", "--nocapture"])
        .env("MINDFLIGHT_TEST_LINE", line);
    command
}

/// A process that runs `line` with these variables: its exit and what it printed.
fn process(line: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = this_test(line);
    let output = command.envs(variables.iter().copied()).output().expect("this test runs again");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn address_and_key_come_from_variables() {
    let server = Canned::start(vec![ours("200 OK", r#"{"items":[],"next":null}"#)]);
    let variables = [("MINDFLIGHT_URL", server.url.as_str()), ("MINDFLIGHT_KEY", "mf_key")];
    let (done, text) = process("tool list -o json", &variables);
    assert!(done, "{text}");
    assert!(server.requests()[0].contains("authorization: Bearer mf_key"));
}

#[test]
fn places_and_passwords_come_from_variables() {
    let variables = [
        ("MINDFLIGHT_DATA_DIR", "/d"),
        ("MINDFLIGHT_CONFIG", "/c.yaml"),
        ("MINDFLIGHT_PASSWORD", "correct horse"),
    ];
    let (done, text) = process("user create --username ana", &variables);
    assert!(done, "{text}");
    for part in ["/d", "/c.yaml", "<correct horse>"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn a_flag_goes_before_its_variable() {
    let (done, text) = process("serve --data-dir /flag", &[("MINDFLIGHT_DATA_DIR", "/variable")]);
    assert!(done && text.contains("/flag") && !text.contains("/variable"), "{text}");
}

#[test]
fn an_empty_variable_is_none() {
    let names = ["MINDFLIGHT_DATA_DIR", "MINDFLIGHT_URL", "MINDFLIGHT_TIMEOUT", "MINDFLIGHT_COLOR"];
    let (done, text) = process("migrate", &names.map(|name| (name, "")));
    assert!(done && text.contains("data_dir: None"), "{text}");
}

#[test]
fn a_wrong_variable_is_wrong_use() {
    let (done, text) = process("version", &[("MINDFLIGHT_COLOR", "sometimes")]);
    assert!(!done && text.contains("sometimes"), "{text}");
}

#[test]
fn ctrl_c_stops_the_watching_and_says_that_the_job_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut command =
        this_test(&format!("job watch 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --url {url}"));
    let child = command
        .env("MINDFLIGHT_TEST_EXIT", "130")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it has asked, it listens for the signal.
    let (mut connection, _) = listener.accept().unwrap();
    assert!(connection.read(&mut [0; 64]).unwrap() > 0);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("is no longer watched (interrupted)"), "{text}");
    assert!(
        text.contains("The job goes on; watch it with `mindflight job watch 018f3c6e"),
        "{text}"
    );
}

/// Answers for the job that does something to others, until it was told to stop.
fn stoppable(listener: &TcpListener, asked: &std::sync::mpsc::Sender<()>) {
    let running = job("running");
    let far = json!({"done": 500.0, "total": null, "message": "500 cancelled"});
    let stopped = job_with("cancelled", json!({"progress": far}));
    let mut told = false;
    'next: loop {
        let (mut connection, _) = listener.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while !text.windows(4).any(|end| end == b"\r\n\r\n") {
            let count = connection.read(&mut part).unwrap();
            if count == 0 {
                // Whoever is told to stop does not wait for the answer.
                continue 'next;
            }
            text.extend_from_slice(&part[..count]);
        }
        let text = String::from_utf8_lossy(&text);
        told |= text.starts_with("POST") && text.contains("/cancel ");
        let answer = if text.starts_with("POST /api/jobs/bulk") {
            ours("202 Accepted", &json!({"job": running}).to_string())
        } else if text.starts_with("GET") && told {
            one(&stopped)
        } else {
            one(&running)
        };
        connection.write_all(answer.as_bytes()).unwrap();
        if text.starts_with("GET") {
            if told {
                return;
            }
            asked.send(()).unwrap();
        }
    }
}

#[test]
fn ctrl_c_stops_the_job_that_does_something_to_others() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, first) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || stoppable(&listener, &asked));
    let mut command = this_test(&format!("job cancel kind:demo.sleep --yes --wait --url {url}"));
    let child = command
        .env("MINDFLIGHT_TEST_EXIT", "130")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    first.recv().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("stopped: 500 cancelled (interrupted)"), "{text}");
    server.join().unwrap();
}
