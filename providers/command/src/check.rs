//! Turns settings into tools that can run, and finds every mistake in them at once.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mindflight_core::{Context, Error, Result};
use serde_json::{Map, Value, json};

use crate::config::{Config, ParameterKind, ToolConfig};
use crate::run::Order;
use crate::template::{Template, Text, Use, Values, is_name};
use crate::{answer, run};

/// The most output that fits into a result.
const MOST_OUTPUT: usize = 512 * 1024;

/// A tool whose settings make sense.
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) settings: ToolConfig,
    program: PathBuf,
    path: String,
    template: Template,
    stdin: Option<Text>,
}

/// All tools, or everything that is wrong with them.
pub(crate) fn tools(config: Config) -> Result<Vec<Arc<Checked>>> {
    let (mut tools, mut wrong) = (Vec::new(), Vec::new());
    if config.tools.is_empty() {
        wrong.push("`tools` is empty; name at least one".to_owned());
    }
    let path = std::env::join_paths(&config.path).ok().and_then(|path| path.into_string().ok());
    let is_absolute = config.path.iter().all(|folder| folder.is_absolute());
    let Some(path) = path.filter(|_| is_absolute) else {
        return Err(Error::failed("`path` has a folder that is not absolute, or has a `:`"));
    };
    for (name, settings) in config.tools {
        match Checked::new(&name, settings, &config.path, &path) {
            Ok(tool) => tools.push(Arc::new(tool)),
            Err(mistakes) => {
                wrong.extend(mistakes.into_iter().map(|text| format!("`tools.{name}`: {text}")));
            }
        }
    }
    if wrong.is_empty() { Ok(tools) } else { Err(Error::failed(wrong.join("; "))) }
}

impl Checked {
    fn new(
        name: &str,
        settings: ToolConfig,
        folders: &[PathBuf],
        path: &str,
    ) -> Result<Self, Vec<String>> {
        let mut wrong = plain_mistakes(name, &settings);
        for (parameter, config) in &settings.parameters {
            let mistakes = config.mistakes().into_iter();
            wrong.extend(mistakes.map(|text| format!("`parameters.{parameter}`: {text}")));
        }
        let program = find(&settings.program, folders).map_err(|text| wrong.push(text)).ok();
        let template = Template::read(&settings.args).map_err(|texts| wrong.extend(texts)).ok();
        let stdin = settings.stdin.as_deref().map(Text::read).transpose();
        let stdin = stdin.map_err(|text| wrong.push(format!("stdin {text}"))).ok();
        let (Some(program), Some(template), Some(stdin)) = (program, template, stdin) else {
            return Err(wrong);
        };
        wrong.extend(uses(&settings, &template, stdin.as_ref()));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (name, path) = (name.to_owned(), path.to_owned());
        Ok(Self { name, settings, program, path, template, stdin })
    }

    /// The schema of its arguments.
    pub(crate) fn schema(&self) -> Value {
        let parameters = &self.settings.parameters;
        let properties: Map<String, Value> =
            parameters.iter().map(|(name, one)| (name.clone(), one.schema())).collect();
        let required: Vec<&String> = parameters
            .iter()
            .filter(|(_, parameter)| parameter.is_required())
            .map(|(name, _)| name)
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    /// Runs the program once.
    pub(crate) async fn call(&self, cx: &Context, arguments: &Value) -> Result<Value> {
        let values = self.values(arguments)?;
        let order = Order {
            name: &self.name,
            settings: &self.settings,
            program: &self.program,
            path: &self.path,
            arguments: self.template.fill(&values)?,
            stdin: self.stdin.as_ref().and_then(|text| text.fill(&values)),
        };
        let ended = run::run(cx, order).await?;
        answer::of(&self.name, &self.settings, ended)
    }

    fn values(&self, arguments: &Value) -> Result<Values> {
        let mut values = Values::new();
        for (name, parameter) in &self.settings.parameters {
            let sent = arguments.get(name).or(parameter.default.as_ref());
            if let Some(sent) = sent {
                values.insert(name.clone(), parameter.value(name, sent)?);
            }
        }
        Ok(values)
    }

    /// Whether the program can still be run.
    pub(crate) fn is_there(&self) -> Result<()> {
        match is_program(&self.program) {
            true => Ok(()),
            false => Err(Error::unavailable(format!(
                "the program of `{}`, `{}`, is not there any more, or cannot be run",
                self.name,
                self.program.display()
            ))),
        }
    }
}

/// What is wrong with single settings.
fn plain_mistakes(name: &str, settings: &ToolConfig) -> Vec<String> {
    let has_nul = |text: &String| text.contains('\0');
    let is_variable = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
    let parameters = settings.parameters.keys();
    let checks = [
        (is_name(name), "a name is a-z, 0-9 and `_`, and begins with a letter"),
        (
            parameters.clone().all(|name| is_name(name)),
            "a parameter's name is a-z, 0-9 and `_`, and begins with a letter",
        ),
        (!settings.about.trim().is_empty(), "`about` is empty; the model needs it"),
        (
            settings.working_dir.is_absolute() && settings.working_dir.is_dir(),
            "`working_dir` must be the absolute path of a folder that is there",
        ),
        (
            settings.env.keys().all(is_variable) && !settings.env.values().any(has_nul),
            "`env` has a name or a value that no environment can have",
        ),
        (
            (1..=MOST_OUTPUT).contains(&settings.max_output_bytes),
            "`max_output_bytes` must be 1–524288",
        ),
        (!settings.success_codes.is_empty(), "`success_codes` is empty"),
        (settings.concurrency != Some(0), "`concurrency` must be at least 1"),
        (
            !(settings.read_only && settings.destructive),
            "it cannot be both `read_only` and `destructive`",
        ),
    ];
    let wrong = checks.into_iter().filter(|(is_right, _)| !is_right);
    wrong.map(|(_, mistake)| mistake.to_owned()).collect()
}

/// What is wrong between the places for parameters and the parameters.
fn uses(settings: &ToolConfig, template: &Template, stdin: Option<&Text>) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    let in_stdin = stdin.into_iter().flat_map(Text::names).map(|name| (name, Use::Group));
    let uses: Vec<(&str, Use)> = template.uses().into_iter().chain(in_stdin).collect();
    for (name, how) in &uses {
        let Some(parameter) = settings.parameters.get(*name) else {
            wrong.insert(format!("`{{{name}}}` stands for no parameter; add it to `parameters`"));
            continue;
        };
        if *how == Use::Always && parameter.may_be_missing() {
            wrong.insert(format!(
                "`{{{name}}}` may be missing; put it in a list of its own in `args`, such as [\"--{name}\", \"{{{name}}}\"], or give `{name}` a `default`"
            ));
        }
        if *how == Use::Switch && parameter.kind != ParameterKind::Boolean {
            wrong.insert(format!("`{{{name}?}}` is for parameters of type boolean"));
        }
    }
    for name in settings.parameters.keys() {
        if !uses.iter().any(|(used, _)| used == name) {
            wrong.insert(format!("the parameter `{name}` is used nowhere in `args` or `stdin`"));
        }
    }
    wrong.into_iter().collect()
}

/// The program's absolute path.
fn find(program: &Path, folders: &[PathBuf]) -> Result<PathBuf, String> {
    let shown = program.display();
    if program.is_absolute() {
        return match is_program(program) {
            true => Ok(program.to_owned()),
            false => Err(format!("`program` `{shown}` is not there, or cannot be run")),
        };
    }
    if program.components().count() != 1 {
        return Err(format!(
            "`program` `{shown}` must be an absolute path, or a name without a slash"
        ));
    }
    let found = folders.iter().map(|folder| folder.join(program)).find(|path| is_program(path));
    found.ok_or_else(|| {
        let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        format!("`program` `{shown}` is in none of {}", folders.join(", "))
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
