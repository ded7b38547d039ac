//! `docs/CLI.md` names everything that the parser and the exit codes have.

use mindflight_cli::{Exit, codes, command};

fn reference() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CLI.md");
    std::fs::read_to_string(path).expect("docs/CLI.md is there")
}

#[test]
fn every_command_flag_and_variable_is_in_the_reference() {
    let reference = reference();
    let mut commands = vec![("mindflight".to_owned(), command())];
    while let Some((path, command)) = commands.pop() {
        let flags = command.get_arguments().filter(|flag| !flag.is_positional());
        for flag in flags {
            let long = flag.get_long().expect("every flag has a long form");
            assert!(reference.contains(&format!("`--{long}")), "{path}: --{long} is missing");
            if let Some(variable) = flag.get_env().and_then(|name| name.to_str()) {
                assert!(reference.contains(&format!("`{variable}`")), "{variable} is missing");
            }
        }
        if !command.has_subcommands() {
            let heading = format!("### `{path}");
            assert!(reference.contains(&heading), "`{path}` has no section");
        }
        for inner in command.get_subcommands() {
            commands.push((format!("{path} {}", inner.get_name()), inner.clone()));
        }
    }
}

#[test]
fn every_section_of_the_reference_is_a_command() {
    let reference = reference();
    for line in reference.lines().filter_map(|line| line.strip_prefix("### `mindflight ")) {
        let mut found = command();
        let words = line
            .split(['`', ' '])
            .take_while(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
        for word in words {
            let inner = found.find_subcommand(word).cloned();
            found = inner.unwrap_or_else(|| panic!("no command `{word}` in `{line}`"));
        }
        assert!(!found.has_subcommands(), "`{line}` names a group");
    }
}

#[test]
fn every_exit_code_is_in_the_reference() {
    let reference = reference();
    for exit in Exit::ALL {
        let row = format!("| {} | {} | {} |", exit.code(), exit.meaning(), exit.example());
        assert!(reference.contains(&row), "the row `{row}` is missing");
    }
    for code in codes::ALL {
        assert!(reference.contains(&format!("`{}`", code.name)), "{} is missing", code.name);
    }
}
