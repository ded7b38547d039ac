//! The version of a PostgreSQL installation, as its programs print it.

use std::fmt;

/// The oldest major version that mindflight works with.
pub const OLDEST: u32 = 15;

/// Major and minor version; builds of one major read each other's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The part that decides the format of the data.
    pub major: u32,
    /// The bug-fix release; 0 for betas.
    pub minor: u32,
}

impl Version {
    /// Reads the line `postgres --version` prints.
    pub(crate) fn from_output(line: &str) -> Option<Self> {
        let words = line.split_whitespace();
        words.skip_while(|word| !word.contains("PostgreSQL")).nth(1).and_then(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let (major, rest) = number(word)?;
        let minor = rest.strip_prefix('.').and_then(number).map_or(0, |(minor, _)| minor);
        Some(Self { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_spelling_is_read() {
        for (line, major, minor) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15, 18),
            ("postgres (PostgreSQL) 18.4", 18, 4),
            ("postgres (PostgreSQL) 19beta1", 19, 0),
            ("postgres (PostgreSQL) 9.6.24", 9, 6),
        ] {
            assert_eq!(Version::from_output(line), Some(Version { major, minor }), "{line}");
        }
    }

    #[test]
    fn anything_else_is_no_version() {
        for line in ["", "hello 15.2", "postgres (PostgreSQL)", "postgres (PostgreSQL) devel"] {
            assert_eq!(Version::from_output(line), None, "{line}");
        }
    }
}
