//! `tool`: list, show, call.

pub(crate) mod arguments;
mod schema;

use mindflight_api::codes;
use mindflight_api::tool::{Detail, Tool};
use mindflight_client::tools::{Called, Filter, Prefer};
use serde_json::{Map, Value};

use arguments::Given;

use crate::access::{value, values};
use crate::connect::Session;
use crate::job::made;
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
            let given = Given::read("--json", call.json.as_deref(), &call.arguments, streams)?;
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

fn called(call: &ToolCall, given: Given, session: &Session) -> Outcome {
    let arguments = match given {
        Given::Json(value) => value,
        Given::Words(words) if words.is_empty() => Value::Object(Map::new()),
        Given::Words(words) => {
            let tool = known(&call.name, session)?;
            arguments::typed(words, tool.as_ref().map(|tool| &tool.input_schema))?
        }
    };
    let tools = session.client.tools();
    let result = if call.r#async {
        let called = session.wait(tools.call_or_job(&call.name, &arguments, Prefer::Async));
        match called.map_err(as_of_a_call)? {
            Called::Job(job) => return made(&job),
            // A server need not follow the preference, and what it did is done.
            Called::Result(result) => result,
        }
    } else {
        session.wait(tools.call(&call.name, &arguments)).map_err(as_of_a_call)?
    };
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
