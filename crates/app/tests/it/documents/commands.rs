//! Commands of `mindflight` and `cargo xtask` parse, in blocks; and exist, in the text.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::pages::{Finding, Page};
use super::shell;

const XTASK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/src/main.rs"));
const BENCH: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/src/bench.rs"));

pub(super) fn check(page: &Page) -> Vec<Finding> {
    let mut found = Vec::new();
    for block in page.blocks() {
        for shell::Command { line, words } in shell::commands(&block) {
            if let Some(wrong) = arguments(&words).and_then(|arguments| wrong(&arguments)) {
                found.push(block.finding(line, wrong));
            }
        }
    }
    for (number, line) in page.prose() {
        let spans = line.split('`').skip(1).step_by(2);
        let wrong = spans.filter_map(|span| span.strip_prefix("mindflight ")).filter_map(unknown);
        found.extend(wrong.map(|wrong| Finding::new(&page.path, number, wrong)));
    }
    let lines = page.text.lines().enumerate();
    found.extend(lines.flat_map(|(number, line)| {
        let wrong = line.split("cargo xtask ").skip(1).filter_map(unknown_task);
        wrong.map(move |wrong| Finding::new(&page.path, number + 1, wrong))
    }));
    found
}

/// What `mindflight` is given by this command; `cargo run -- …` in the repository is `mindflight …`.
fn arguments(words: &[String]) -> Option<Vec<&str>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.split_first()? {
        (program, rest) if program.rsplit('/').next() == Some("mindflight") => Some(rest.to_vec()),
        (&"cargo", rest) if rest.first() == Some(&"run") => {
            let (cargo, ours) = rest.split_at(rest.iter().position(|word| *word == "--")?);
            let other = cargo
                .iter()
                .any(|word| ["-p", "--package", "--manifest-path", "--bin"].contains(word));
            (!other).then(|| ours[1..].to_vec())
        }
        _ => None,
    }
}

/// Why the grammar refuses it.
fn wrong(arguments: &[&str]) -> Option<String> {
    let words = ["mindflight"].iter().chain(arguments);
    let error = mindflight_cli::command().try_get_matches_from(words).err()?;
    let kind = error.kind();
    if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return None;
    }
    if matches!(kind, ErrorKind::ValueValidation | ErrorKind::InvalidValue)
        && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && is_placeholder(value)
    {
        return None;
    }
    let text = error.render().to_string();
    let why: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    Some(format!(
        "`mindflight {}` is refused: {}; see `mindflight help`",
        arguments.join(" "),
        why.join(" ")
    ))
}

/// `ID`, `$ID`, `…`: what the reader puts something else for.
fn is_placeholder(word: &str) -> bool {
    word.contains(['$', '…', '[', '<']) || word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The command or flag that a text names and that does not exist.
fn unknown(text: &str) -> Option<String> {
    let mut command: Command = mindflight_cli::command();
    command.build();
    let mut path = vec!["mindflight".to_owned()];
    let mut words = text.split_whitespace();
    while command.has_subcommands() {
        let word = words.next()?;
        if word.starts_with('-') || is_placeholder(word) || word.contains('|') {
            return None;
        }
        let Some(next) = command.find_subcommand(word) else {
            return Some(format!(
                "`{} {word}` is no command; see `mindflight help`",
                path.join(" ")
            ));
        };
        path.push(word.to_owned());
        command = next.clone();
    }
    let flags = words.take_while(|word| *word != "--").filter_map(|word| word.strip_prefix("--"));
    let mut flags = flags.map(|flag| flag.split(['=', '…', ',', ']']).next().unwrap_or_default());
    let unknown = flags.find(|flag| {
        !flag.is_empty() && !command.get_arguments().any(|known| known.get_long() == Some(flag))
    })?;
    Some(format!("`{}` has no flag `--{unknown}`; see `{0} --help`", path.join(" ")))
}

/// The task, or measurement, that a text names and that does not exist.
fn unknown_task(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let task = words.next().filter(|task| task.starts_with(|c: char| c.is_ascii_lowercase()))?;
    let tasks = variants(XTASK, "enum Command {");
    if !tasks.iter().any(|known| known == task) {
        return Some(format!("`cargo xtask {task}` is no command; there are {}", tasks.join(", ")));
    }
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let measured = words.next().filter(|_| task == "bench").filter(is_name)?;
    let known = variants(BENCH, "enum Measurement {");
    (!known.iter().any(|one| one == measured)).then(|| {
        format!("`cargo xtask bench {measured}` does not exist; there are {}", known.join(", "))
    })
}

/// The variants of an enum in this source, as commands.
pub(super) fn variants(source: &str, head: &str) -> Vec<String> {
    let (_, body) = source.split_once(head).unwrap_or_else(|| panic!("no `{head}`"));
    let lines = body.lines().map(str::trim).take_while(|line| *line != "}");
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let names = names.map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap());
    let mut commands = Vec::new();
    for name in names {
        let mut command = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !command.is_empty() {
                command.push('-');
            }
            command.push(c.to_ascii_lowercase());
        }
        commands.push(command);
    }
    commands
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    assert_eq!(wrong(&["tool", "call", "demo_add", "a=2", "b=3"]), None);
    assert_eq!(wrong(&["job", "why", "ID"]), None);
    assert!(wrong(&["job", "why", "7"]).is_some() && wrong(&["tools", "--frobnicate"]).is_some());
    assert_eq!(unknown("job list --limit 5"), None);
    assert!(unknown("job frobnicate").is_some() && unknown("serve --port 1").is_some());
    assert_eq!(unknown_task("bench start` and"), None);
    assert!(unknown_task("frobnicate").is_some() && unknown_task("bench moon").is_some());
}
