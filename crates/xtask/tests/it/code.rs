//! Rust text without its comments and string contents, so that a rule finds code and not talk about code.

/// The text with comments and the contents of strings blanked; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let token = token(rest, previous);
        let (taken, after) = rest.split_at(token.length.max(first.len_utf8()));
        if token.blank {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(taken);
        }
        previous = taken.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    code
}

struct Token {
    length: usize,
    blank: bool,
}

/// The comment, string or character that the text begins with.
fn token(text: &str, previous: char) -> Token {
    let word_goes_on = previous.is_alphanumeric() || previous == '_';
    let blank = |length| Token { length, blank: true };
    if text.starts_with("//") {
        return blank(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return blank(block_comment(text));
    }
    if text.starts_with('"') {
        return blank(quoted(text, 1));
    }
    if !word_goes_on {
        for prefix in ["br", "cr", "r", "b", "c"] {
            let Some(after) = text.strip_prefix(prefix) else {
                continue;
            };
            let hashes = after.len() - after.trim_start_matches('#').len();
            if after[hashes..].starts_with('"') && (hashes == 0 || prefix.ends_with('r')) {
                let start = prefix.len() + hashes + 1;
                return blank(if prefix.ends_with('r') {
                    let end = format!("\"{}", "#".repeat(hashes));
                    text[start..].find(&end).map_or(text.len(), |at| start + at + end.len())
                } else {
                    quoted(text, start)
                });
            }
        }
    }
    if text.starts_with('\'') {
        return blank(character(text));
    }
    Token { length: 1, blank: false }
}

/// The length of a quoted text whose contents begin at `start`.
fn quoted(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 1 if the quote opens a lifetime instead.
fn character(text: &str) -> usize {
    let inside = &text[1..];
    if inside.starts_with('\\') {
        let after = inside.char_indices().nth(2).map_or(inside.len(), |(at, _)| at);
        return inside[after..].find('\'').map_or(text.len(), |at| 1 + after + at + 1);
    }
    let mut chars = inside.chars();
    match (chars.next(), chars.next()) {
        (Some(c), Some('\'')) => 1 + c.len_utf8() + 1,
        _ => 1,
    }
}

/// The length of a block comment, with those inside it.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Where a word stands in the code, as line numbers from 1. It must not be part of a longer word.
pub(crate) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    positions(code, word).into_iter().map(|at| line_of(code, at)).collect()
}

/// Where a word begins in the code, as bytes; it must not go on a longer word.
pub(crate) fn positions(code: &str, word: &str) -> Vec<usize> {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = code[..*at].chars().next_back().unwrap_or(' ');
            let begins_word = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            !begins_word || !(before.is_alphanumeric() || before == '_')
        })
        .collect()
}

/// The line number, from 1, of a place in the text.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// From an opening parenthesis to the one that closes it.
pub(crate) fn parenthesised(code: &str, open: usize) -> &str {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => return &code[open..=open + at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    &code[open..]
}

#[test]
fn comments_and_strings_are_blanked_and_code_stays() {
    let check = |text: &str, expected: &str| assert_eq!(code_of(text), expected, "{text}");
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check(r#"say("x // \" y") z"#, "say(           ) z");
    check(r##"r#"a " b"# c"##, "           c");
    check("let c = '\"'; \"d\"", "let c =    ;    ");
    check("fn f<'a>(x: &'a str)", "fn f< a>(x: & a str)");
    check("'\\'' + '\\u{1F600}'", "     +            ");
    check("for\"x\"", "for   ");
    check("\"a\nb\"", "  \n  ");
}

#[test]
fn a_word_inside_a_longer_word_is_not_found() {
    assert_eq!(lines_with("todo!()\nmy_todo!()\n  todo!()", "todo!"), [1, 3]);
}

#[test]
fn parentheses_are_matched() {
    assert_eq!(parenthesised("f(a(b), c) + d()", 1), "(a(b), c)");
}
