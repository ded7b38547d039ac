//! Which command lines are understood, and what is said to the others.

use mindflight_cli::{Environment, Exit};

use crate::console::{Console, run};

#[test]
fn good_lines_reach_the_binary_with_their_values() {
    for (line, part) in [
        ("serve", "serve ServeArgs { listen: None"),
        ("dev --listen 127.0.0.1:0", "listen: Some(127.0.0.1:0)"),
        ("serve --listen [::1]:80", "listen: Some([::1]:80)"),
        ("serve --data-dir /d", "data_dir: Some(\"/d\")"),
        ("--data-dir /d serve", "data_dir: Some(\"/d\")"),
        ("dev --set a.b=1 --set c.d=x=y", "Setting { key: \"c.d\", value: \"x=y\" }"),
        ("migrate --config f.yaml", "config: Some(\"f.yaml\")"),
        (
            "config check --data-dir /d",
            "Check { place: Place { config: None, set: [], data_dir: Some",
        ),
        ("config show --origin", "Show { origin: true"),
        ("config schema", "Schema"),
        (
            "key create --name n --scopes tools:call,memory",
            "scopes: [ToolsCall, Memory], rate: None",
        ),
        (
            "keys create --name n --scopes admin --rate 5 --expires 30d",
            "rate: Some(5), expires: Some(2592000s)",
        ),
        ("postgres install", "Install"),
        ("postgres find", "Find"),
        ("db url", "Url"),
        ("provider check", "check ProviderCheck { names: [], strict: false"),
        ("providers check a b --strict --config f.yaml", "names: [\"a\", \"b\"], strict: true"),
        ("--data-dir /d provider check", "data_dir: Some(\"/d\")"),
        ("db psql -- -c x", "arguments: [\"-c\", \"x\"]"),
    ] {
        let ran = run(line);
        assert_eq!(ran.local.len(), 1, "{line}: {ran:?}");
        assert!(ran.local[0].contains(part), "{line}: {ran:?}");
    }
}

#[test]
fn wrong_lines_end_with_2_and_say_what_is_allowed() {
    for (line, part) in [
        ("", "Usage: mindflight"),
        ("tol list", "some similar subcommands exist: 'tools', 'tool'"),
        ("tool lst", "a similar subcommand exists: 'list'"),
        ("tool list --provder x", "a similar argument exists: '--provider'"),
        ("tool list -o jsn", "a similar value exists: 'json'"),
        ("tool list --limit 0", "--limit"),
        ("serve --listen localhost", "port 0 takes a free one"),
        ("dev --set workers", "write section.key=value"),
        ("key create --name n", "--scopes"),
        ("key create --name n --scopes tool:call", "there are tools:call:NAME, tools:call"),
        ("key create --name n --scopes admin --expires 30", "30d or 2w"),
        ("key create --name n --scopes admin --rate 0", "--rate"),
        ("key revoke 7", "hyphenated UUID"),
        ("user create --username u --role root", "viewer, operator, admin"),
        ("user create --username u --password p", "--password"),
        ("tool call demo_add a=1 --json {}", "cannot be used with"),
        ("tool call demo_add a", "`a` is not an argument"),
        ("tool call demo_add --json [1]", "must hold a JSON object"),
        ("tool call demo_add --json {", "the flag is not JSON"),
        ("tool call demo_add --json @/nowhere", "/nowhere cannot be read"),
        ("tool list --timeout 5", "write a number above 0 and a unit"),
        ("tool list --url localhost:8080", "must start with http://"),
        ("tool list --key-file /nowhere", "/nowhere cannot be read"),
        ("serve --url http://x", "--url is for commands that talk to a server"),
        ("provider check --url http://x", "--url is for commands that talk to a server"),
        ("provider new --key-file f weather", "--key-file is for commands that talk to a server"),
        ("provider new", "<NAME>"),
        ("provider new Weather", "Did you mean `weather`?"),
        ("provider new echo", "part of this program"),
        ("version --timeout 5s", "--timeout is for commands that talk to a server"),
        ("help tol", "similar subcommands exist: 'tools', 'tool'"),
    ] {
        is_refused(line, part);
    }
}

#[test]
fn wrong_lines_about_jobs_say_which_word_is_wrong() {
    for (line, part) in [
        ("job lst", "a similar subcommand exists: 'list'"),
        ("job list failed", "`failed` is no filter; there are state:STATE"),
        ("job list quue:mail", "Did you mean `queue`?"),
        ("job list state:faild", "Did you mean `failed`?"),
        ("job list since:24", "Write how long ago, as 90s, 24h or 30d"),
        ("job list queue:a queue:b", "queue is given twice"),
        ("job list args.a", "Write args.PATH=VALUE"),
        ("job stats state:failed", "counted by kind:NAME, queue:NAME and provider:NAME alone"),
        ("job show 7", "hyphenated UUID"),
        ("job watch", "<ID>"),
        ("job retry", "<ID|FILTER>"),
        ("job retry 7", "`7` is neither a job's id nor a filter"),
        ("job retry args.a=1 args.b=2 --yes", "one argument can be compared at a time"),
        ("job retry state:failed", "then add --yes"),
        ("job cancel 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 state:failed", "cannot be mixed"),
        ("job enqueue", "<KIND>"),
        ("job enqueue demo.sleep ms", "`ms` is not an argument"),
        ("job enqueue demo.sleep --args [1]", "--args: the flag must hold a JSON object"),
        ("job enqueue demo.sleep ms=1 --args {}", "cannot be used with"),
        ("job enqueue demo.sleep --delay 5", "write a number above 0 and a unit"),
        ("job enqueue demo.sleep --delay 5m --run-at 2026-01-31", "cannot be used with"),
        ("job enqueue demo.sleep --run-at tomorrow", "write a time with its zone"),
        ("job enqueue demo.sleep --priority 10", "0..=9"),
        ("job enqueue demo.sleep --max-attempts 0", "1..=1000"),
        ("job enqueue demo.sleep --wait=5", "write a number above 0 and a unit"),
        ("event emit", "<TYPE>"),
        ("event emit a.b {", "DATA: the argument is not JSON"),
        ("event emit a.b @/nowhere", "/nowhere cannot be read"),
        ("event emit a.b --wait=5", "write a number above 0 and a unit"),
        ("event list --after x", "write a place, as 3f9a1c2e-42, or a position, as 42"),
        ("event tail --count 0", "--count"),
        ("event show", "<ID|POSITION|PLACE>"),
        ("queue pause", "<NAME>"),
        ("schedule run demo.tick", "hyphenated UUID"),
        ("worker show one", "invalid value 'one'"),
    ] {
        is_refused(line, part);
    }
}

/// The line is wrong use: nothing is asked of a server or the binary, and what is said holds `part`.
fn is_refused(line: &str, part: &str) {
    let ran = run(line);
    assert_eq!(ran.exit, Exit::Usage, "{line}: {ran:?}");
    assert!(ran.err.contains(part), "{line}: {ran:?}");
    assert_eq!(ran.out, "", "{line}");
    assert!(ran.local.is_empty(), "{line}: {ran:?}");
}

#[test]
fn help_is_data_and_fits_80_columns() {
    let root = mindflight_cli::command();
    let mut commands = vec![(Vec::new(), root)];
    while let Some((path, command)) = commands.pop() {
        let mut line = path.clone();
        line.push("--help".to_owned());
        let ran = run(&line.join(" "));
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        assert_eq!(ran.err, "");
        for text in ran.out.lines() {
            assert!(text.chars().count() <= 80, "`{}`: {text}", line.join(" "));
        }
        for inner in command.get_subcommands() {
            let path = path.iter().cloned().chain([inner.get_name().to_owned()]).collect();
            commands.push((path, inner.clone()));
        }
        if !command.has_subcommands() {
            assert!(ran.out.contains("Example"), "`{}` has no example", line.join(" "));
        }
    }
}

#[test]
fn help_takes_a_topic_with_or_without_dashes() {
    assert_eq!(run("help tool call").out, run("tool call --help").out);
    assert_eq!(run("help").out, run("--help").out);
    assert!(run("help exit-codes").out.contains("130   interrupted"));
}

#[test]
fn a_password_comes_from_a_file_the_environment_or_a_pipe_in_this_order() {
    let line = "user create --username ana --role admin";
    let mut console = Console { input: "from pipe\r\nmore\n".to_owned(), ..Console::default() };
    assert!(console.run(line).local[0].ends_with("<from pipe\r\nmore>"));
    console.input = " kept \r\n".to_owned();
    assert!(console.run(line).local[0].ends_with("< kept >"));
    console.env = Environment { password: Some("from env".to_owned()), ..Environment::default() };
    assert!(console.run(line).local[0].ends_with("<from env>"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "from file\n").unwrap();
    let ran = console.run(&format!("{line} --password-file {}", file.display()));
    assert!(ran.local[0].ends_with("<from file>"), "{ran:?}");
}

#[test]
fn a_person_is_not_left_waiting_for_a_password() {
    let mut console = Console::default();
    let none = console.run("user create --username ana");
    console.terminals.input = true;
    for ran in [none, console.run("user create --username ana")] {
        assert_eq!(ran.exit, Exit::Usage);
        assert!(ran.err.contains("MINDFLIGHT_PASSWORD"), "{ran:?}");
        assert!(ran.local.is_empty());
    }
}
