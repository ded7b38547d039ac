//! What a new provider may be called, and what its type is called then.

use crate::Failure;

/// Words that Rust keeps, and folders and crates that a package of the same name would get in the way of.
const KEPT: &[&str] = &[
    "abstract as async await become box break build const continue core crate deps do dyn else enum examples",
    "extern false final fn for gen if impl in incremental let loop macro match mindflight mindflight_core mod",
    "move mut override priv proc_macro pub ref return schemars self serde serde_json server static std struct",
    "super test tokio trait true try type typeof unsafe unsized use virtual where while yield alloc",
];

/// Types that the template uses.
const TYPES: &[&str] = &[
    "Arc",
    "Config",
    "Context",
    "Error",
    "Greet",
    "Greeting",
    "Provider",
    "ProviderContext",
    "Result",
    "String",
    "Tools",
    "Vec",
    "Kit",
    "Ok",
    "Err",
    "Self",
];

/// A name that a provider, a package and a module can have.
#[derive(Debug)]
pub(super) struct Name(String);

impl Name {
    /// Reads a name that is not one of the linked providers'.
    pub(super) fn read(text: &str, taken: &[&str]) -> Result<Self, Failure> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || text.len() > 32 || !text.chars().all(legal) {
            let detail = format!(
                "`{text}` cannot be a provider's name: a name is a-z, 0-9 and _, starts with a letter, and has at most 32 characters"
            );
            return Err(Failure::usage(detail).fix(suggestion(text)));
        }
        if KEPT.iter().any(|line| line.split(' ').any(|kept| kept == text)) {
            let detail = format!("`{text}` cannot be a provider's name: Rust or cargo uses it");
            return Err(
                Failure::usage(detail).fix(format!("Take another, as {text}s or my_{text}."))
            );
        }
        if taken.contains(&text) {
            let detail = format!("a provider `{text}` is part of this program");
            return Err(Failure::usage(detail).fix(format!("Take another name, as my_{text}.")));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `team_mail` → `TeamMail`.
    pub(super) fn of_type(&self) -> String {
        let mut name = String::new();
        for word in self.0.split('_') {
            let mut letters = word.chars();
            name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        if TYPES.contains(&name.as_str()) {
            name.push_str("Of");
        }
        name
    }
}

/// The nearest name that can be one.
fn suggestion(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_matches(|c: char| c == '_' || c.is_ascii_digit());
    match name.get(..name.len().min(32)) {
        None | Some("") => "Take a word such as weather.".to_owned(),
        Some(name) => format!("Did you mean `{name}`?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_are_taken_with_their_types() {
        for (text, of_type) in [
            ("weather", "Weather"),
            ("team_mail_2", "TeamMail2"),
            ("a__b_", "AB"),
            ("config", "ConfigOf"),
            ("provider", "ProviderOf"),
        ] {
            let name = Name::read(text, &["echo"]).unwrap();
            assert_eq!((name.as_str(), name.of_type().as_str()), (text, of_type));
        }
    }

    #[test]
    fn bad_names_are_refused_with_a_better_one() {
        for (text, part) in [
            ("Team-Mail", "Did you mean `team_mail`?"),
            ("2fast", "Did you mean `fast`?"),
            ("", "such as weather"),
            ("ü", "such as weather"),
            ("../x", "Did you mean `x`?"),
            ("match", "my_match"),
            ("core", "my_core"),
            ("echo", "my_echo"),
            ("a_name_of_thirty_three_characters", "Did you mean"),
        ] {
            let failure = Name::read(text, &["echo"]).unwrap_err();
            assert_eq!(failure.exit(), crate::Exit::Usage);
            let fix = failure.problem().fix.clone().unwrap_or_default();
            assert!(fix.contains(part), "{text}: {fix}");
        }
    }
}
