//! Licence expressions: `(MIT OR Apache-2.0) AND Unicode-3.0`, and whether a list of licences satisfies one.

/// Whether the expression can be met with the allowed licences alone.
pub(crate) fn is_met(expression: &str, allowed: &[String]) -> bool {
    // Manifests from before the standard write `MIT/Apache-2.0`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, allowed };
    let met = parser.any();
    met && parser.at == words.len()
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    allowed: &'a [String],
}

impl<'a> Parser<'a> {
    /// `a OR b`, the loosest.
    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.takes("OR") {
            met |= self.all();
        }
        met
    }

    /// `a AND b`.
    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.takes("AND") {
            met &= self.one();
        }
        met
    }

    /// A licence, with its exception if it has one, or a group.
    fn one(&mut self) -> bool {
        if self.takes("(") {
            let met = self.any();
            return self.takes(")") && met;
        }
        let Some(licence) = self.next() else {
            return false;
        };
        let licence = if self.takes("WITH") {
            format!("{licence} WITH {}", self.next().unwrap_or_default())
        } else {
            licence.to_owned()
        };
        self.allowed.contains(&licence)
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn takes(&mut self, word: &str) -> bool {
        let fits = self.words.get(self.at) == Some(&word);
        self.at += usize::from(fits);
        fits
    }
}

#[test]
fn expressions_are_met_as_their_words_say() {
    let allowed: Vec<_> =
        ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into_iter().collect();
    let check = |expression: &str, expected: bool| {
        assert_eq!(is_met(expression, &allowed), expected, "{expression}");
    };
    check("MIT", true);
    check("GPL-3.0-only", false);
    check("GPL-3.0-only OR MIT", true);
    check("GPL-3.0-only AND MIT", false);
    check("MIT/Apache-2.0", true);
    check("ISC AND (Apache-2.0 OR ISC)", true);
    check("ISC AND (Apache-2.0 OR Zlib)", false);
    // AND binds closer than OR.
    check("MIT OR Zlib AND Zlib", true);
    check("Apache-2.0 WITH LLVM-exception", true);
    check("Apache-2.0", false);
    check("MIT Zlib", false);
    check("(MIT", false);
    check("", false);
}
