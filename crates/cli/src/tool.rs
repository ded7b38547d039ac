//! `tool`: list, show, call.

mod arguments;
mod schema;

use std::fs;

use mindflight_api::codes;
use mindflight_api::tool::{Detail, Tool};
use mindflight_client::tools::Filter;
use serde_json::{Map, Value};

use crate::access::{value, values};
use crate::connect::Session;
use crate::parser::remote::{ToolCall, ToolCommand, ToolList};
use crate::{Column, Exit, Failure, Outcome, Output, Streams};

pub(crate) fn run(
    command: &ToolCommand,
    session: impl Fn() -> Result<Session, Failure>,
    streams: &mut Streams<'_>,
) -> Outcome {
    match command {
        ToolCommand::List(list) => listed(list, &session()?),
        ToolCommand::Show { name } => {
            let session = session()?;
            let tool = session.wait(session.client.tools().get(name))?;
            Ok(Output::text(schema::describe(&tool), value(&tool)?))
        }
        ToolCommand::Call(call) => {
            // What is wrong with the words themselves is said before a server is looked for.
            let given = Given::read(call, streams)?;
            called(call, given, &session()?)
        }
    }
}

fn listed(list: &ToolList, session: &Session) -> Outcome {
    let filter = Filter {
        provider: list.provider.clone(),
        q: list.query.clone(),
        paging: list.pages.paging(),
    };
    if let Some(format) = list.format {
        let answer =
            session.wait(session.client.tools().list_as(&filter, format.into(), Detail::Full))?;
        return Ok(Output::plain(format!("{answer:#}"), answer));
    }
    let page = session.wait(session.client.tools().list(&filter))?;
    let columns = vec![
        Column::new("NAME", "name"),
        Column::new("PROVIDER", "provider"),
        Column::sentence("DESCRIPTION", "description"),
    ];
    Ok(Output::list(columns, values(&page.items)?, page.next))
}

/// The arguments as they were written.
enum Given {
    Words(Vec<(String, String)>),
    Json(Value),
}

impl Given {
    fn read(call: &ToolCall, streams: &mut Streams<'_>) -> Result<Self, Failure> {
        let Some(json) = &call.json else {
            return arguments::split(&call.arguments).map(Self::Words);
        };
        let (text, origin) = if json == "-" {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut streams.input, &mut text)
                .map_err(|error| Failure::usage("standard input cannot be read").because(&error))?;
            (text, "standard input".to_owned())
        } else if let Some(file) = json.strip_prefix('@') {
            let text = fs::read(file).map_err(|error| {
                Failure::usage(format!("--json: the file {file} cannot be read")).because(&error)
            })?;
            (text, file.to_owned())
        } else {
            (json.clone().into_bytes(), "the flag".to_owned())
        };
        let value: Value = serde_json::from_slice(&text).map_err(|error| {
            Failure::usage(format!("--json: {origin} is not JSON")).because(&error)
        })?;
        if value.is_object() {
            return Ok(Self::Json(value));
        }
        Err(Failure::usage(format!(
            "--json: {origin} must hold a JSON object, the arguments by name"
        )))
    }
}

fn called(call: &ToolCall, given: Given, session: &Session) -> Outcome {
    let arguments = match given {
        Given::Json(value) => value,
        Given::Words(words) if words.is_empty() => Value::Object(Map::new()),
        Given::Words(words) => {
            let tool = known(&call.name, session)?;
            arguments::typed(words, tool.as_ref().map(|tool| &tool.input_schema))?
        }
    };
    let result =
        session.wait(session.client.tools().call(&call.name, &arguments)).map_err(as_of_a_call)?;
    let text = result.as_str().map_or_else(|| format!("{result:#}"), str::to_owned);
    Ok(Output::text(vec![text], result))
}

/// The tool, if this caller may read it: a key that may only call still calls, with untyped words.
fn known(name: &str, session: &Session) -> Result<Option<Tool>, Failure> {
    match session.wait(session.client.tools().get(name)) {
        Ok(tool) => Ok(Some(tool)),
        Err(failure) if failure.exit() == Exit::NotAllowed && failure.problem().status == 403 => {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// A tool that says "not found" has answered; only a tool that is not there is a wrong name.
fn as_of_a_call(failure: Failure) -> Failure {
    let wrong_name = failure.problem().code == codes::TOOL_NOT_FOUND.name;
    if failure.exit() == Exit::NotFound && !wrong_name {
        failure.exit_with(Exit::No)
    } else {
        failure
    }
}
