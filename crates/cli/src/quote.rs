//! Paths in lines that people paste into a shell.

use std::path::Path;

/// A path as one word of a shell.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted(Path::new("/srv/mind-flight_1")), "/srv/mind-flight_1");
        assert_eq!(quoted(Path::new("/tmp/it's $HOME")), "'/tmp/it'\\''s $HOME'");
    }
}
