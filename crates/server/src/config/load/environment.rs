//! Reads settings from environment variables, their `_FILE` twins, and flags.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::known::Known;
use super::tree::{Setting, Tree};
use super::{ConfigMistake, Origin};

/// Variables with names of their own, and what they set.
pub(super) const WELL_KNOWN: [(&str, &str); 10] = [
    ("DATABASE_URL", "database.url"),
    ("DATABASE_DIRECT_URL", "database.direct_url"),
    ("PORT", "server.listen"),
    ("SLOP_JWT_SECRET", "auth.jwt_secret"),
    ("SLOP_JWT_SECRET_PREVIOUS", "auth.jwt_secret_previous"),
    ("APP_URL", "server.cors_origins"),
    ("LOG_LEVEL", "log.level"),
    ("LOG_FORMAT", "log.format"),
    ("FLY_REGION", "region"),
    ("MINDFLIGHT_DATA_DIR", "server.data_dir"),
];

const PREFIX: &str = "MINDFLIGHT_";
const FILE: &str = "_FILE";

/// The settings that variables make, those with names of their own first: the exact names win.
pub(super) fn read(
    environment: &[(String, String)],
    tree: &Tree,
    known: &Known<'_>,
    mistakes: &mut Vec<ConfigMistake>,
) -> Vec<Setting> {
    let variables = variables(environment, known, mistakes);
    let get = |name: &str| variables.iter().find(|(base, _)| *base == name).map(|(_, found)| found);
    let mut settings = Vec::new();
    for (name, path) in WELL_KNOWN {
        if let Some(found) = get(name) {
            match well_known(name, &found.text) {
                Ok(text) => settings.push(setting(dotted(path), text, found.origin())),
                Err(detail) => mistakes.push(found.mistake(path, detail)),
            }
        }
    }
    // The address of the app is also ours, where nothing else says it.
    let unset = tree.get("public_url").is_none_or(Value::is_null);
    let is_url = |found: &&Found| well_known("APP_URL", &found.text).is_ok();
    if let Some(found) = get("APP_URL").filter(|_| unset).filter(is_url) {
        let url = found.text.trim_end_matches('/').to_owned();
        settings.push(setting(dotted("public_url"), url, found.origin()));
    }
    for (base, found) in &variables {
        let Some(path) = path(base, known) else {
            continue;
        };
        match path.iter().any(String::is_empty) {
            true => mistakes
                .push(found.mistake("", "the name is no path: write MINDFLIGHT_SECTION__KEY")),
            false => settings.push(setting(path, found.text.clone(), found.origin())),
        }
    }
    settings
}

/// The settings of the command line.
pub(super) fn flags(flags: &[(String, String)], mistakes: &mut Vec<ConfigMistake>) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (path, text) in flags {
        let keys = dotted(path);
        match keys.iter().any(String::is_empty) {
            true => mistakes.push(ConfigMistake::of(format!(
                "`--set {path}` is no path: write section.key=value"
            ))),
            false => settings.push(setting(keys, text.clone(), Origin::Flag(path.clone()))),
        }
    }
    settings
}

/// A variable that is ours.
struct Found {
    /// Which variable it really was: perhaps with `_FILE`.
    name: String,
    text: String,
}

impl Found {
    fn origin(&self) -> Origin {
        Origin::Environment(self.name.clone())
    }

    fn mistake(&self, path: &str, detail: impl Into<String>) -> ConfigMistake {
        ConfigMistake { path: path.to_owned(), detail: detail.into(), origin: Some(self.origin()) }
    }
}

/// Our variables by their name without `_FILE`; files are read.
fn variables(
    environment: &[(String, String)],
    known: &Known<'_>,
    mistakes: &mut Vec<ConfigMistake>,
) -> BTreeMap<String, Found> {
    // An empty variable counts as none: that is how compose files and shells unset one.
    let given: BTreeMap<&str, &str> = environment
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let ours = |name: &str| {
        WELL_KNOWN.iter().any(|(known, _)| *known == name) || path(name, known).is_some()
    };
    let mut found = BTreeMap::new();
    let mut twins = BTreeSet::new();
    for (name, text) in &given {
        let base =
            name.strip_suffix(FILE).filter(|base| ours(base) && !known.is_setting(name, PREFIX));
        if let Some(base) = base {
            twins.insert((base, *name, *text));
        } else if ours(name) {
            found.insert(
                (*name).to_owned(),
                Found { name: (*name).to_owned(), text: (*text).to_owned() },
            );
        } else if let Some(meant) = misspelt(name, known) {
            mistakes
                .push(ConfigMistake::of(format!("`{name}` sets nothing; did you mean `{meant}`?")));
        }
    }
    for (base, name, file) in twins {
        if found.contains_key(base) {
            mistakes.push(ConfigMistake::of(format!(
                "`{base}` and `{name}` are both set; unset one of them"
            )));
            continue;
        }
        match std::fs::read_to_string(file) {
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                found.insert(base.to_owned(), Found { name: name.to_owned(), text });
            }
            Err(error) => {
                mistakes.push(ConfigMistake::of(format!(
                    "`{name}` names the file `{file}`, which cannot be read: {error}"
                )));
            }
        }
    }
    found
}

/// The path that a variable names: `MINDFLIGHT_SECTION__KEY`, or a key that stands in no section.
fn path(name: &str, known: &Known<'_>) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    let is_path = rest.contains("__") || known.is_lone(&rest);
    is_path.then(|| rest.split("__").map(str::to_owned).collect())
}

/// One underscore where two were meant; nobody but us would have a variable of that name.
fn misspelt(name: &str, known: &Known<'_>) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    let path = known.paths().into_iter().find(|path| path.replace('.', "_") == rest)?;
    Some(format!("{PREFIX}{}", path.replace('.', "__").to_ascii_uppercase()))
}

/// What a variable with a name of its own means.
fn well_known(name: &str, text: &str) -> Result<String, String> {
    match name {
        "PORT" => match text.parse::<u16>() {
            // Platforms that set it send requests from outside.
            Ok(port) => Ok(format!("0.0.0.0:{port}")),
            Err(_) => Err(format!("must be a port from 0 to 65535; got \"{text}\"")),
        },
        "APP_URL" => {
            let uri: Option<http::Uri> = text.parse().ok();
            let origin =
                uri.and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
            origin.ok_or_else(|| {
                format!("must be a URL such as https://app.example.com; got \"{text}\"")
            })
        }
        _ => Ok(text.to_owned()),
    }
}

fn dotted(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn setting(path: Vec<String>, text: String, origin: Origin) -> Setting {
    Setting { path, value: Value::String(text), origin }
}
