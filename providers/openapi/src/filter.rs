//! Which operations the operator wants.

use std::sync::atomic::{AtomicBool, Ordering};

/// What identifies an operation.
pub(crate) struct Identity<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) tags: Vec<&'a str>,
}

/// The operator's lists.
pub(crate) struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

struct Pattern {
    text: String,
    matched: AtomicBool,
}

impl Filter {
    pub(crate) fn read(include: &[String], exclude: &[String]) -> Self {
        let patterns = |list: &[String]| {
            let pattern = |text: &String| Pattern { text: text.clone(), matched: false.into() };
            list.iter().map(pattern).collect()
        };
        Self { include: patterns(include), exclude: patterns(exclude) }
    }

    pub(crate) fn wants(&self, operation: &Identity<'_>) -> bool {
        // All are asked, so that each knows whether it matched anything.
        let any = |list: &[Pattern]| list.iter().filter(|one| one.matches(operation)).count() > 0;
        let (included, excluded) = (any(&self.include), any(&self.exclude));
        (self.include.is_empty() || included) && !excluded
    }

    /// Warns of patterns that matched nothing: most of them are mistyped.
    pub(crate) fn report(&self, provider: &str) {
        for (setting, list) in [("include", &self.include), ("exclude", &self.exclude)] {
            for pattern in list.iter().filter(|one| !one.matched.load(Ordering::Relaxed)) {
                let pattern = pattern.text.as_str();
                tracing::warn!(provider, setting, pattern, "the pattern matches no operation");
            }
        }
    }
}

impl Pattern {
    fn matches(&self, operation: &Identity<'_>) -> bool {
        let matches = match (self.text.strip_prefix("tag:"), self.text.split_once(" /")) {
            (Some(tag), _) => operation.tags.iter().any(|own| is_like(tag, own)),
            (None, Some((method, path))) => {
                let method = method.trim().to_ascii_uppercase();
                is_like(&method, operation.method) && is_like(&format!("/{path}"), operation.path)
            }
            (None, None) => operation.id.is_some_and(|id| is_like(&self.text, id)),
        };
        if matches {
            self.matched.store(true, Ordering::Relaxed);
        }
        matches
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c", "ac"),
            ("a*b*c", "a1b2b3c"),
        ] {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("ab*ba", "aba"), ("a*b*c", "acb")] {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
    }
}
