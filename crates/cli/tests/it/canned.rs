//! Canned answers as the command line meets them.

pub(crate) use mindflight_testapp::canned::{Canned, answer, ours};

/// A problem as the server sends it.
pub(crate) fn problem(code: &mindflight_api::Code, detail: &str) -> String {
    let failure = mindflight_cli::Failure::new(mindflight_cli::Exit::No, code, detail);
    let body = serde_json::to_string(failure.problem()).expect("a problem is JSON");
    let headers = "Api-Version: 1\r\nContent-Type: application/problem+json\r\n";
    answer(&format!("{} Refused", code.status), headers, &body)
}
