//! Programs that do not end by themselves, and what they leave behind: nothing.

use std::time::Duration;

use serde_json::json;

use crate::programs::{Programs, runs, until};

/// Starts a child of its own, says both numbers, and waits.
const TREE: &str = "sleep 1000 & echo \"$$ $!\" > \"$(dirname \"$0\")/pids\"; wait";

/// As [`TREE`], and nobody takes TERM for an answer.
const STUBBORN: &str = r#"
cd "$(dirname "$0")"
trap 'echo > asked' TERM
(trap '' TERM; while :; do sleep 1000; done) &
echo "$$ $!" > pids
while :; do wait; done
"#;

/// Lets the grace of a program that was asked to end and does not pass.
async fn insist(programs: &Programs, script: &str) {
    if script == STUBBORN {
        programs.line("asked").await;
        tokio::time::advance(Duration::from_millis(501)).await;
    }
}

async fn are_gone(pids: &str) {
    until(|| pids.split(' ').all(|pid| !runs(pid))).await;
}

#[tokio::test]
async fn at_its_deadline_a_program_is_stopped_with_all_that_it_started() {
    for script in [TREE, STUBBORN] {
        let programs = Programs::new();
        let kit = programs.kit(script, json!({"timeout": "10s"})).await;
        let time = async {
            let pids = programs.line("pids").await;
            assert!(pids.split(' ').all(runs), "{pids}");
            // The clock stands still while a program runs; past the deadline, and past the grace.
            tokio::time::advance(Duration::from_millis(10_001)).await;
            insist(&programs, script).await;
            pids
        };
        let (reply, pids) = tokio::join!(kit.call("run", json!({})), time);
        reply.assert_error().code("timeout").status(504).detail_contains("10000 ms");
        are_gone(&pids).await;
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_stops_the_program_with_all_that_it_started() {
    for script in [TREE, STUBBORN] {
        let programs = Programs::new();
        let kit = programs.kit(script, json!({})).await;
        let pids = tokio::select! {
            reply = kit.call("run", json!({})) => panic!("{reply:?}"),
            pids = programs.line("pids") => pids,
        };
        insist(&programs, script).await;
        are_gone(&pids).await;
    }
}

#[tokio::test]
async fn a_program_that_ends_leaves_no_child_behind() {
    let programs = Programs::new();
    // The child holds the output open, so waiting for its end would take for ever.
    let script = "sleep 1000 & echo \"$!\" > \"$(dirname \"$0\")/pids\"; echo done";
    let kit = programs.kit(script, json!({})).await;
    let reply = kit.call("run", json!({})).await;
    assert_eq!(reply.output()["stdout"], "done\n");
    are_gone(&programs.line("pids").await).await;
}

#[tokio::test]
async fn a_program_may_close_its_output_and_go_on() {
    let programs = Programs::new();
    let script = "echo begun; exec >&- 2>&-; : > \"$(dirname \"$0\")/went_on\"; exit 0";
    let kit = programs.kit(script, json!({})).await;
    assert_eq!(kit.call("run", json!({})).await.output()["stdout"], "begun\n");
    assert!(programs.at("went_on").exists());
}

#[tokio::test]
async fn many_programs_run_at_a_time_and_all_are_answered() {
    let programs = Programs::new();
    let more =
        json!({"args": ["{n}"], "parameters": {"n": {"type": "integer", "description": "Which."}}});
    let kit = programs.kit("echo \"$1\"", more).await;
    let kit = &kit;
    let mut calls = Vec::new();
    for n in 0..32 {
        calls.push(kit.start("run", json!({"n": n})).await);
    }
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.reply().await.output()["stdout"], format!("{n}\n"));
    }
}
