//! The folder of query descriptions: one file a query, named after the hash of its text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};

/// File names and their texts.
#[derive(Default)]
pub(crate) struct Descriptions {
    files: BTreeMap<String, String>,
}

impl Descriptions {
    /// What the folder holds; nothing, if there is no such folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", folder.display()));
            }
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_description(&name) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(name, text);
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// What has to change to become `fresh`, one line a query.
    pub(crate) fn differences(&self, fresh: &Self) -> Vec<String> {
        let shown = |files: &BTreeMap<String, String>, name: &str| {
            format!(
                "{name}  {}",
                files.get(name).map_or_else(String::new, |text| first_words(text))
            )
        };
        let gone = self
            .files
            .keys()
            .filter(|name| !fresh.files.contains_key(*name))
            .map(|name| format!("- {}", shown(&self.files, name)));
        let other = fresh.files.iter().filter_map(|(name, text)| match self.files.get(name) {
            None => Some(format!("+ {}", shown(&fresh.files, name))),
            Some(old) if old != text => Some(format!("~ {}", shown(&fresh.files, name))),
            Some(_) => None,
        });
        gone.chain(other).collect()
    }

    /// Makes the folder hold exactly this; files that are no descriptions stay.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for name in Self::read(folder)?.files.keys().filter(|name| !self.files.contains_key(*name))
        {
            let path = folder.join(name);
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        for (name, text) in &self.files {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

fn is_description(name: &str) -> bool {
    name.starts_with("query-") && name.ends_with(".json")
}

/// The beginning of a query, so that a person knows which one is meant.
fn first_words(description: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(description).unwrap_or_default();
    let query = value.get("query").and_then(serde_json::Value::as_str).unwrap_or_default();
    let words: Vec<_> = query.split_whitespace().take(8).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Descriptions {
        let files =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Descriptions { files }
    }

    #[test]
    fn what_is_gone_new_and_changed_is_told_with_the_querys_first_words() {
        let old = of(&[("query-1.json", "{}"), ("query-2.json", "{}"), ("query-3.json", "{}")]);
        let fresh = of(&[
            ("query-2.json", "{}"),
            ("query-3.json", r#"{"query":"SELECT  1\n FROM t"}"#),
            ("query-4.json", r#"{"query":"DELETE FROM t"}"#),
        ]);
        assert_eq!(
            old.differences(&fresh),
            [
                "- query-1.json  ",
                "~ query-3.json  SELECT 1 FROM t",
                "+ query-4.json  DELETE FROM t"
            ]
        );
        assert!(fresh.differences(&fresh).is_empty());
    }

    #[test]
    fn a_folder_is_made_to_hold_exactly_the_fresh_descriptions() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join(".sqlx");
        of(&[("query-1.json", "a"), ("query-2.json", "b")]).write(&inside).unwrap();
        fs::write(inside.join("README"), "kept").unwrap();
        let fresh = of(&[("query-2.json", "c")]);
        fresh.write(&inside).unwrap();
        assert!(Descriptions::read(&inside).unwrap().differences(&fresh).is_empty());
        assert!(inside.join("README").is_file());
        assert!(!inside.join("query-1.json").exists());
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        assert_eq!(Descriptions::read(Path::new("/nowhere/.sqlx")).unwrap().len(), 0);
    }
}
