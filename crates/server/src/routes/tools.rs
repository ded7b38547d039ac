//! Tools: list, describe, call.

pub(super) mod preferred;

use actix_web::http::Method;
use actix_web::http::header::{ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::tool::{Detail, Format, Tool};
use mindflight_api::{Page, codes, page};
use mindflight_core::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::preferred::Preference;
use crate::body::Json;
use crate::operation::Operation;
use crate::refusal::Answer;
use crate::request::{Query, Requester};
use crate::state::AppState;

/// The most tools a page can have.
const MAX_LIMIT: u32 = 1000;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/tools", "listTools", "List the tools", list)
            .query(&[
                ("provider", "only tools of this provider"),
                ("q", "only tools whose name or description has this text"),
                ("format", "full, openai, anthropic or mcp"),
                ("detail", "names, short or full"),
                ("limit", "tools a page, 1 to 1000"),
                ("cursor", "the `next` of the page before"),
            ])
            .gives::<Page<Tool>>()
            .uncounted(),
        Operation::new(Method::GET, "/api/tools/{name}", "getTool", "Describe a tool", get)
            .query(&[("format", "full, openai, anthropic or mcp")])
            .gives::<Tool>()
            .uncounted(),
        Operation::new(Method::POST, "/api/tools/{name}", "callTool", "Call a tool", call)
            .takes::<Value>()
            .gives::<Value>(),
    ]
}

async fn list(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    query: Query,
) -> Answer {
    let format = choice(&query, "format", FORMATS)?;
    let detail = choice(&query, "detail", DETAILS)?;
    let limit = query.limit(page::DEFAULT_LIMIT, MAX_LIMIT)? as usize;
    let (provider, text) = (query.get("provider"), query.get("q").map(str::to_lowercase));
    let after = query.get("cursor").unwrap_or_default();
    let fits = |tool: &Tool| {
        let found = |text: &String| {
            tool.name.contains(text) || tool.description.to_lowercase().contains(text)
        };
        provider.is_none_or(|name| tool.provider == name) && text.as_ref().is_none_or(found)
    };
    let catalog = state.calls.catalog();
    let open = catalog.entries().iter().filter(|entry| entry.is_open_to(&who.caller));
    let mut rest =
        open.map(|entry| entry.listed()).filter(|tool| fits(tool) && tool.name.as_str() > after);
    let page: Vec<&Tool> = rest.by_ref().take(limit).collect();
    let next = rest.next().and(page.last()).map(|tool| tool.name.clone());
    let items = page.into_iter().map(|tool| shown(tool, format, detail)).collect();
    tagged(&request, &json!(Page::<Value> { items, next }))
}

async fn get(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
    query: Query,
) -> Answer {
    let format = choice(&query, "format", FORMATS)?;
    let catalog = state.calls.catalog();
    let entry = catalog.get(&name)?;
    // A tool that the caller may not call is not described to it either.
    entry.require(&who.caller)?;
    tagged(&request, &shown(entry.listed(), format, Detail::Full))
}

async fn call(
    request: HttpRequest,
    state: web::Data<AppState>,
    who: Requester,
    name: web::Path<String>,
    body: Json,
) -> Answer {
    if let Some(preference) = Preference::read(request.headers())? {
        let call = (name.into_inner(), body.arguments()?);
        return preferred::call(&state, who, call, preference).await;
    }
    let request = who.into_call(name.into_inner(), body.arguments()?);
    Ok(HttpResponse::Ok().json(state.calls.call(request).await?))
}

const FORMATS: &[(&str, Format)] = &[
    ("full", Format::Full),
    ("openai", Format::OpenAi),
    ("anthropic", Format::Anthropic),
    ("mcp", Format::Mcp),
];

const DETAILS: &[(&str, Detail)] =
    &[("names", Detail::Names), ("short", Detail::Short), ("full", Detail::Full)];

fn choice<T: Copy + Default>(query: &Query, name: &str, choices: &[(&str, T)]) -> Result<T> {
    let Some(text) = query.get(name) else {
        return Ok(T::default());
    };
    choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
        let detail = format!("`{name}` must be one of {}; got \"{text}\"", names.join(", "));
        Error::of(codes::INVALID_QUERY, detail)
    })
}

/// A tool in the shape that the caller's vendor takes; plain projections, the schemas as they are.
fn shown(tool: &Tool, format: Format, detail: Detail) -> Value {
    match (format, detail) {
        (Format::Full, Detail::Full) => json!(tool),
        (Format::Full, Detail::Short) => {
            json!({"name": tool.name, "description": tool.description})
        }
        (Format::Full, Detail::Names) => json!({"name": tool.name}),
        (Format::OpenAi, _) => json!({"type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
        }}),
        (Format::Anthropic, _) => json!({
            "name": tool.name, "description": tool.description, "input_schema": tool.input_schema,
        }),
        (Format::Mcp, _) => mcp(tool),
    }
}

fn mcp(tool: &Tool) -> Value {
    let marks = &tool.annotations;
    let mut shown = json!({
        "name": tool.name, "title": tool.title, "description": tool.description,
        "inputSchema": tool.input_schema,
        "annotations": {
            "readOnlyHint": marks.read_only, "destructiveHint": marks.destructive,
            "idempotentHint": marks.idempotent,
        },
    });
    // MCP's results are objects; a schema of anything else would have clients refuse the tool.
    if tool.output_schema["type"] == "object" {
        shown["outputSchema"] = tool.output_schema.clone();
    }
    shown
}

/// 200 with an `ETag`, or 304 when the caller has it already.
pub(super) fn tagged(request: &HttpRequest, body: &Value) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Error::internal)?;
    let digest = Sha256::digest(&bytes);
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known
        .is_some_and(|known| known.split(',').any(|one| one.trim() == tag || one.trim() == "*"));
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header(("cache-control", "private, no-cache"));
    Ok(match is_known {
        true => answer.finish(),
        false => answer.content_type("application/json").body(bytes),
    })
}
