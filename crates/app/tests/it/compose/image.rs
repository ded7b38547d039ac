//! Reads the Dockerfile, as far as the tests of it look: what is copied in, and how the last stage starts.

use std::collections::BTreeMap;

pub(super) struct Image {
    /// From the checkout, in their order.
    pub(super) copied: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) port: String,
    pub(super) user: String,
    pub(super) health: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
}

impl Image {
    pub(super) fn read() -> Self {
        let text = super::read("docs/deploy/Dockerfile").replace("\\\n", " ");
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let all: Vec<(&str, &str)> = lines.map(|line| line.split_once(' ').unwrap()).collect();
        let last_stage = all.iter().rposition(|(word, _)| *word == "FROM").unwrap();
        let stages = all.iter().filter(|(word, _)| *word == "FROM").count();
        assert_eq!(stages, 2, "one that builds, and one that runs and has no compiler");
        let last = &all[last_stage..];
        let one = |wanted: &str| {
            let found: Vec<&str> =
                last.iter().filter(|(word, _)| *word == wanted).map(|(_, rest)| *rest).collect();
            let [one] = found[..] else { panic!("{wanted}: {found:?}") };
            one.trim()
        };
        let (_, health) = one("HEALTHCHECK").split_once("CMD ").unwrap();
        let environment =
            last.iter().filter(|(word, _)| *word == "ENV").map(|(_, rest)| pair(rest)).collect();
        Self {
            copied: copied(&all),
            environment,
            port: one("EXPOSE").to_owned(),
            user: one("USER").to_owned(),
            health: words(health),
            entrypoint: words(one("ENTRYPOINT")),
            command: words(one("CMD")),
        }
    }
}

fn copied(all: &[(&str, &str)]) -> Vec<String> {
    let mut copied = Vec::new();
    for (_, rest) in all.iter().filter(|(word, _)| *word == "COPY") {
        if rest.starts_with("--from=build ") {
            continue;
        }
        let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        words.pop();
        copied.extend(words);
    }
    copied
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    (name.to_owned(), value.to_owned())
}

/// Only the form without a shell is used: signals reach the program itself.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}
