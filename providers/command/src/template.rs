//! Arguments with places for parameters. A value fills its place within one argument: it is never split, and no
//! shell sees it.

use std::collections::BTreeMap;

use mindflight_core::{Error, Result};

use crate::config::Argument;

/// What a program is called with.
#[derive(Debug)]
pub(crate) struct Template(Vec<Item>);

#[derive(Debug)]
enum Item {
    One(Text),
    /// Left out if a parameter in it is not sent, or one of the switches is not true.
    Group {
        switches: Vec<String>,
        texts: Vec<Text>,
    },
}

/// A text with places for parameters.
#[derive(Debug)]
pub(crate) struct Text(Vec<Part>);

#[derive(Debug)]
enum Part {
    Literal(String),
    Parameter(String),
}

/// What a caller sent, as text, with what the settings say about it.
pub(crate) struct Value {
    pub(crate) text: String,
    /// It may begin with `-`.
    pub(crate) may_be_option: bool,
}

/// The values by name; one that was not sent is not there.
pub(crate) type Values = BTreeMap<String, Value>;

/// Where a parameter is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// It has to be there.
    Always,
    /// What it stands in is left out without it.
    Group,
    /// As `{name?}`: only whether it is true counts.
    Switch,
}

impl Template {
    /// Reads the arguments, or says everything that is wrong with them.
    pub(crate) fn read(arguments: &[Argument]) -> Result<Self, Vec<String>> {
        let (mut items, mut wrong) = (Vec::new(), Vec::new());
        for (at, argument) in arguments.iter().enumerate() {
            let item = match argument {
                Argument::One(text) => Text::read(text).map(Item::One),
                Argument::Group(texts) => Item::group(texts),
            };
            match item {
                Ok(item) => items.push(item),
                Err(mistake) => wrong.push(format!("args[{at}] {mistake}")),
            }
        }
        if wrong.is_empty() { Ok(Self(items)) } else { Err(wrong) }
    }

    /// The parameters that are named, and how.
    pub(crate) fn uses(&self) -> Vec<(&str, Use)> {
        let mut uses = Vec::new();
        for item in &self.0 {
            match item {
                Item::One(text) => uses.extend(text.names().map(|name| (name, Use::Always))),
                Item::Group { switches, texts } => {
                    uses.extend(switches.iter().map(|name| (name.as_str(), Use::Switch)));
                    let names = texts.iter().flat_map(Text::names);
                    uses.extend(names.map(|name| (name, Use::Group)));
                }
            }
        }
        uses
    }

    /// The arguments with these values in their places.
    pub(crate) fn fill(&self, values: &Values) -> Result<Vec<String>> {
        let mut arguments = Vec::new();
        let mut only_operands = false;
        let mut add = |text: &Text| -> Result<()> {
            let argument = text.fill(values).unwrap_or_default();
            if !only_operands {
                text.refuse_option(&argument, values)?;
            }
            only_operands |= text.is_end_of_options();
            arguments.push(argument);
            Ok(())
        };
        for item in &self.0 {
            match item {
                Item::One(text) => add(text)?,
                Item::Group { switches, texts } => {
                    let is_on =
                        |name: &String| values.get(name).is_some_and(|value| value.text == "true");
                    let is_there = |text: &Text| text.names().all(|name| values.contains_key(name));
                    if switches.iter().all(is_on) && texts.iter().all(is_there) {
                        texts.iter().try_for_each(&mut add)?;
                    }
                }
            }
        }
        Ok(arguments)
    }
}

impl Item {
    fn group(given: &[String]) -> Result<Self, String> {
        let (mut switches, mut texts) = (Vec::new(), Vec::new());
        for text in given {
            let name = text.strip_prefix('{').and_then(|text| text.strip_suffix("?}"));
            match name.filter(|name| is_name(name)) {
                Some(name) => switches.push(name.to_owned()),
                None => texts.push(Text::read(text)?),
            }
        }
        if switches.is_empty() && texts.iter().all(|text| text.names().next().is_none()) {
            return Err("is a list without a parameter, so it is never left out; write its parts without the list".to_owned());
        }
        if texts.is_empty() {
            return Err("is a list that adds no argument".to_owned());
        }
        Ok(Self::Group { switches, texts })
    }
}

impl Text {
    /// Reads `literal {parameter} literal`; `{{` and `}}` are braces.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("has a NUL character, which no argument can have".to_owned());
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let from = &rest[at..];
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                literal.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let name = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, after)) = name.filter(|(name, _)| is_name(name)) else {
                return Err(format!(
                    "`{text}` has a brace that begins or ends no parameter; write {{name}}, or {{{{ and }}}} for braces"
                ));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Parameter(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The text with these values; none if one is not there.
    pub(crate) fn fill(&self, values: &Values) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Parameter(name) => filled.push_str(&values.get(name)?.text),
            }
        }
        Some(filled)
    }

    /// After `--`, programs take nothing for an option.
    fn is_end_of_options(&self) -> bool {
        matches!(self.0.as_slice(), [Part::Literal(text)] if text == "--")
    }

    /// Refuses a value that would make an option of this argument.
    fn refuse_option(&self, argument: &str, values: &Values) -> Result<()> {
        if !argument.starts_with('-') {
            return Ok(());
        }
        // The first part that is not empty is where the `-` comes from.
        let source = self.0.iter().find(|part| match part {
            Part::Literal(text) => !text.is_empty(),
            Part::Parameter(name) => values.get(name).is_some_and(|value| !value.text.is_empty()),
        });
        let Some(Part::Parameter(name)) = source else {
            return Ok(());
        };
        if values.get(name).is_some_and(|value| value.may_be_option) {
            return Ok(());
        }
        let detail = format!(
            "`{name}` must not begin with `-`, because the program would take it for an option"
        );
        Err(Error::invalid(detail.clone()).field(format!("/{name}"), detail, Vec::new()).fix(
            "Send a value that begins with another character; a file's name can begin with `./`.",
        ))
    }
}

/// Whether it can be the name of a parameter or a tool.
pub(crate) fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(legal)
        && name.len() <= 64
}
