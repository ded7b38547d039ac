//! Reads lines of a shell as far as documents need it: words, quotes, pipes, `$(…)`, redirections, comments.

use std::iter::Peekable;
use std::str::Chars;

use super::pages::Block;

/// One simple command: `A=1 mindflight serve` without what stands before the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// Counted from 0, from where the script begins.
    pub(super) line: usize,
    pub(super) words: Vec<String>,
}

/// The commands of a block of kind `sh` or `console`.
pub(super) fn commands(block: &Block<'_>) -> Vec<Command> {
    let typed = match block.tag {
        "sh" => block.lines.join("\n"),
        "console" => typed(&block.lines),
        _ => return Vec::new(),
    };
    parse(&typed)
}

/// What a person types of a console block; the rest becomes empty lines.
fn typed(lines: &[&str]) -> String {
    let (mut goes_on, mut all) = (false, Vec::new());
    for line in lines {
        let command = line.strip_prefix("$ ").or(goes_on.then_some(*line));
        goes_on = command.is_some_and(|command| command.ends_with('\\'));
        all.push(command.unwrap_or_default());
    }
    all.join("\n")
}

/// The simple commands of a script, those inside `$(…)` too.
pub(super) fn parse(script: &str) -> Vec<Command> {
    let mut reader = Reader { rest: script.chars().peekable(), line: 0, done: Vec::new() };
    reader.script(false);
    let mut done: Vec<Command> = reader.done.into_iter().filter_map(program).collect();
    done.sort_by_key(|command| command.line);
    done
}

/// What stands before programs, and takes no words of its own.
const BEFORE: [&str; 14] = [
    "export", "exec", "sudo", "env", "time", "nohup", "if", "then", "else", "while", "do", "!",
    "{", "until",
];

/// Without assignments and such; of `docker compose exec one mindflight …`, what runs inside.
fn program(mut command: Command) -> Option<Command> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_before = |word: &String| {
        BEFORE.contains(&word.as_str())
            || word.split_once('=').is_some_and(|(name, _)| is_name(name))
    };
    let start = command.words.iter().position(|word| !is_before(word))?;
    command.words.drain(..start);
    if ["docker", "podman", "kubectl", "xargs", "timeout"].contains(&command.words[0].as_str())
        && let Some(inside) = command.words.iter().position(|word| word == "mindflight")
    {
        command.words.drain(..inside);
    }
    Some(command)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    done: Vec<Command>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// Reads commands to the end, or to the parenthesis that closes this one.
    fn script(&mut self, is_nested: bool) {
        let (mut words, mut word, mut line) = (Vec::new(), None::<String>, self.line);
        while let Some(c) = self.next() {
            match c {
                '\'' => self.quoted('\'', word.get_or_insert_default()),
                '"' => self.quoted('"', word.get_or_insert_default()),
                '\\' if self.rest.peek() == Some(&'\n') => drop(self.next()),
                '\\' => word.get_or_insert_default().extend(self.next()),
                '$' => self.dollar(word.get_or_insert_default()),
                '(' if word.is_none() => self.script(true),
                '#' if word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '<' | '>' => {
                    words.extend(word.take().filter(|word| word.parse::<u8>().is_err()));
                    self.redirection();
                }
                ' ' | '\t' => words.extend(word.take()),
                '\n' | ';' | '|' | '&' | ')' => {
                    words.extend(word.take());
                    self.done.push(Command { line, words: std::mem::take(&mut words) });
                    line = self.line;
                    if c == ')' && is_nested {
                        return;
                    }
                }
                c => word.get_or_insert_default().push(c),
            }
            if words.is_empty() && word.is_none() {
                line = self.line;
            }
        }
        words.extend(word);
        self.done.push(Command { line, words });
    }

    fn quoted(&mut self, end: char, word: &mut String) {
        while let Some(c) = self.next() {
            match c {
                c if c == end => return,
                '\\' if end == '"' => word.extend(self.next()),
                '$' if end == '"' => self.dollar(word),
                c => word.push(c),
            }
        }
    }

    /// `$(…)` is read for its commands, and leaves `…`; `$NAME` stays.
    fn dollar(&mut self, word: &mut String) {
        if self.rest.next_if_eq(&'(').is_some() {
            self.script(true);
            word.push('…');
        } else {
            word.push('$');
        }
    }

    /// Passes over what follows `<` or `>`.
    fn redirection(&mut self) {
        while self.rest.next_if(|c| "<>&- ".contains(*c)).is_some() {}
        let mut target = String::new();
        while let Some(c) = self.rest.next_if(|c| !" \t\n;|&)".contains(*c)) {
            target.push(c);
        }
    }
}

#[test]
fn the_commands_of_a_script_are_found_wherever_they_stand() {
    let found = |script: &str| -> Vec<String> {
        parse(script).iter().map(|one| format!("{}:{}", one.line, one.words.join("|"))).collect()
    };
    assert_eq!(found("a 'b c' \"d $X\" e\\ f # g\n\nA=1 h"), ["0:a|b c|d $X|e f", "2:h"]);
    assert_eq!(
        found("export K=$(key create --name x) && b >out 2>&1 | c &"),
        ["0:key|create|--name|x", "0:b", "0:c"]
    );
    assert_eq!(found("a \\\n  b\nc '{\n}'\nd"), ["0:a|b", "2:c|{\n}", "4:d"]);
    assert_eq!(found("docker compose exec one mindflight key list"), ["0:mindflight|key|list"]);
}
