//! The SLOP face: the same tools at the root paths, in SLOP's shapes and with SLOP's errors.

mod scope;

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::slop::{
    Answer as ToolAnswer, Capabilities, Endpoint, Info, Parameter, Tool, Tools,
};
use mindflight_api::tool::Tool as Listed;
use mindflight_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use self::scope::Narrowed;
use crate::body::Json;
use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::Requester;
use crate::state::AppState;

/// Whether errors on this path are answered in SLOP's dialect.
pub(crate) fn is_face(path: &str) -> bool {
    path == "/info" || path == "/tools" || path.starts_with("/tools/")
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/info", "slopInfo", "What this server answers (SLOP)", info)
            .public()
            .gives::<Info>()
            .uncounted(),
        Operation::new(Method::GET, "/tools", "slopListTools", "List the tools (SLOP)", list)
            .gives::<Tools>()
            .uncounted(),
        Operation::new(Method::GET, "/tools/{name}", "slopGetTool", "Describe a tool (SLOP)", get)
            .gives::<Tool>()
            .uncounted(),
        Operation::new(Method::POST, "/tools/{name}", "slopCallTool", "Call a tool (SLOP)", call)
            .takes::<Value>()
            .gives::<ToolAnswer>(),
    ]
}

/// An error in SLOP's dialect; a missing scope has a form of its own.
pub(crate) fn error(error: &Error) -> Vec<u8> {
    let body = match (error.kind(), error.status()) {
        (ErrorKind::Forbidden, 403) => json!({"error": error.detail(), "permitted": false}),
        _ => json!({"error": {
            "code": error.name(),
            "message": error.detail(),
            "status": error.status(),
            "fault": error.fault(),
            "retry": error.retry(),
            "errors": error.fields(),
        }}),
    };
    body.to_string().into_bytes()
}

async fn info() -> Answer {
    let endpoints = operations().into_iter().map(|operation| Endpoint {
        path: operation.path.to_owned(),
        method: operation.method.to_string(),
        methods: vec![operation.method.to_string()],
        description: operation.summary.to_owned(),
    });
    Ok(HttpResponse::Ok().json(Info {
        name: "mindflight".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: "Tools for AI agents over HTTP".to_owned(),
        endpoints: endpoints.collect(),
        capabilities: Capabilities { streaming: false, websockets: false, models: Vec::new() },
    }))
}

async fn list(request: HttpRequest, state: web::Data<AppState>, who: Requester) -> Answer {
    let narrowed = Narrowed::read(&request)?;
    narrowed.require_list()?;
    let catalog = state.calls.catalog();
    let open = catalog.entries().iter().filter(|entry| entry.is_open_to(&who.caller));
    let shown = open.map(|entry| entry.listed()).filter(|tool| narrowed.may_call(tool));
    Ok(HttpResponse::Ok().json(Tools { tools: shown.map(described).collect() }))
}

async fn get(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
) -> Answer {
    let narrowed = Narrowed::read(&request)?;
    narrowed.require_list()?;
    let catalog = state.calls.catalog();
    let entry = catalog.get(&name)?;
    entry.require(&who.caller)?;
    Ok(HttpResponse::Ok().json(described(entry.listed())))
}

async fn call(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
    body: Json,
) -> Answer {
    let catalog = state.calls.catalog();
    let tool = catalog.get(&name)?.listed();
    Narrowed::read(&request)?.require_call(tool)?;
    let arguments = fitted(body.arguments()?, &tool.input_schema);
    let call = who.into_call(name.into_inner(), arguments);
    let result = state.calls.call(call).await?;
    Ok(HttpResponse::Ok().json(ToolAnswer { result }))
}

/// The arguments as the tool takes them: SLOP's clients wrap them in `params` or `parameters`, and send more
/// than a tool asked for, so what the schema does not know is left out.
fn fitted(arguments: Value, schema: &Value) -> Value {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    let Value::Object(mut object) = arguments else {
        return arguments;
    };
    for wrapper in ["params", "parameters"] {
        let is_lone = object.keys().all(|key| key == wrapper || key == "tool_id");
        if known.contains_key(wrapper) || !is_lone {
            continue;
        }
        if let Some(Value::Object(inner)) = object.remove(wrapper) {
            object = inner;
        }
    }
    if schema["additionalProperties"] == json!(false) {
        object.retain(|name, _| known.contains_key(name));
    }
    Value::Object(object)
}

fn described(tool: &Listed) -> Tool {
    let none = Map::new();
    let properties = tool.input_schema["properties"].as_object().unwrap_or(&none);
    let required: Vec<&str> = match tool.input_schema["required"].as_array() {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    let parameter = |name: &str, schema: &Value| Parameter {
        r#type: kind(&schema["type"]),
        description: schema["description"].as_str().unwrap_or_default().to_owned(),
        required: required.contains(&name),
    };
    let parameters: BTreeMap<String, Parameter> =
        properties.iter().map(|(name, schema)| (name.clone(), parameter(name, schema))).collect();
    Tool {
        id: tool.name.clone(),
        description: tool.description.clone(),
        parameters,
        is_safe: tool.annotations.read_only,
    }
}

/// SLOP has one type a parameter: of several, the first that is not null.
fn kind(schema: &Value) -> String {
    let several = schema.as_array().and_then(|all| all.iter().find(|one| *one != "null"));
    several.unwrap_or(schema).as_str().unwrap_or("any").to_owned()
}

/// What the scope header narrows is decided before the pipeline sees the call.
fn refused(needed: &str) -> Result<()> {
    let detail =
        format!("Scope violation: `{needed}` requires explicit permission in X-SLOP-Scope");
    Err(Error::of(mindflight_api::codes::FORBIDDEN, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_and_surplus_arguments_fit() {
        let schema = json!({"properties": {"a": {}}, "additionalProperties": false});
        for sent in [
            json!({"a": 1}),
            json!({"a": 1, "action": "execute"}),
            json!({"params": {"a": 1}}),
            json!({"tool_id": "x", "parameters": {"a": 1}}),
        ] {
            assert_eq!(fitted(sent.clone(), &schema), json!({"a": 1}), "{sent}");
        }
        let own = json!({"properties": {"params": {}}, "additionalProperties": false});
        assert_eq!(fitted(json!({"params": {"a": 1}}), &own), json!({"params": {"a": 1}}));
    }
}
