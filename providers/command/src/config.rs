//! The settings: one program, its arguments and its parameters for each tool.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Its settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The tools, by name.
    pub(crate) tools: BTreeMap<String, ToolConfig>,
    /// Folders in which a `program` without a slash is looked for, and the `PATH` of all programs.
    #[serde(default = "path")]
    pub(crate) path: Vec<PathBuf>,
}

/// One tool: which program runs, with which arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolConfig {
    /// What the tool does and when to use it, for the model.
    pub(crate) about: String,
    /// The program: an absolute path, or a name that is found in one of the folders of `path`.
    pub(crate) program: PathBuf,
    /// Its arguments. `{name}` stands for a parameter; a list within the list is left out if a parameter in it is not sent.
    #[serde(default)]
    pub(crate) args: Vec<Argument>,
    /// What callers send, by name.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, ParameterConfig>,
    /// What the program reads, such as `{text}`; nothing unless set.
    #[serde(default)]
    pub(crate) stdin: Option<String>,
    /// The folder that it runs in, as an absolute path.
    #[serde(default = "root")]
    pub(crate) working_dir: PathBuf,
    /// Its environment, besides `PATH`, `LANG` and `LC_ALL`; nothing comes from the server's own.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub(crate) env: BTreeMap<String, String>,
    /// When it is stopped, at most 5m.
    #[serde(default)]
    pub(crate) timeout: Timeout,
    /// Bytes of its output that are kept, at most 524288.
    #[serde(default = "max_output_bytes")]
    pub(crate) max_output_bytes: usize,
    /// What its output is.
    #[serde(default)]
    pub(crate) output: OutputKind,
    /// Exit codes with which it has succeeded.
    #[serde(default = "success_codes")]
    pub(crate) success_codes: Vec<i32>,
    /// It changes nothing.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// It may delete or overwrite.
    #[serde(default)]
    pub(crate) destructive: bool,
    /// Running it twice is like running it once.
    #[serde(default)]
    pub(crate) idempotent: bool,
    /// How often it may run at a time, on one instance.
    #[serde(default)]
    pub(crate) concurrency: Option<usize>,
}

/// One argument, or a few that come and go together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Argument {
    /// Always there.
    One(String),
    /// Left out if a parameter in it is not sent.
    Group(Vec<String>),
}

/// What callers may send for one parameter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParameterConfig {
    /// Its type.
    #[serde(rename = "type", default)]
    pub(crate) kind: ParameterKind,
    /// What it is, for the model.
    pub(crate) description: String,
    /// Whether it has to be sent; yes, unless there is a default.
    #[serde(default)]
    pub(crate) required: Option<bool>,
    /// The only values that are allowed.
    #[serde(default, rename = "enum")]
    pub(crate) allowed: Option<Vec<Value>>,
    /// A regular expression that the whole text has to fit.
    #[serde(default)]
    pub(crate) pattern: Option<String>,
    /// The least number.
    #[serde(default)]
    pub(crate) min: Option<serde_json::Number>,
    /// The largest number.
    #[serde(default)]
    pub(crate) max: Option<serde_json::Number>,
    /// The most characters of a text.
    #[serde(default)]
    pub(crate) max_length: Option<usize>,
    /// What it is if it is not sent.
    #[serde(default)]
    pub(crate) default: Option<Value>,
    /// A text that begins with `-` is allowed where the program could take it for an option.
    #[serde(default)]
    pub(crate) allow_dash: bool,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParameterKind {
    #[default]
    String,
    Integer,
    Number,
    Boolean,
}

/// What a program's output is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutputKind {
    #[default]
    Text,
    Json,
    Lines,
}

/// When a program is stopped: a whole number and `ms`, `s` or `m`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeout(pub(crate) Duration);

impl Default for Timeout {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
        let read = units.iter().find_map(|(unit, millis)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(*millis)
        });
        let read = read.filter(|millis| (1..=300_000).contains(millis));
        read.map(|millis| Self(Duration::from_millis(millis))).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no time-out; write a whole number and ms, s or m, at most 5m"
            ))
        })
    }
}

impl JsonSchema for Timeout {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+(ms|s|m)$"})
    }
}

fn path() -> Vec<PathBuf> {
    ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).to_vec()
}

fn root() -> PathBuf {
    PathBuf::from("/")
}

const fn max_output_bytes() -> usize {
    256 * 1024
}

fn success_codes() -> Vec<i32> {
    vec![0]
}
