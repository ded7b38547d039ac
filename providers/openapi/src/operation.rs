//! Operations of the document, and those that cannot become tools, each with its reason.

mod arguments;
mod body;
mod parameter;

use http::Method;
use mindflight_core::{Error, Result};
use serde_json::Value;
use url::Url;

pub(crate) use self::body::{Body, Kind};
pub(crate) use self::parameter::{Parameter, Place};
use crate::about;
use crate::auth::Credentials;
use crate::document::{self, Document};
use crate::filter::{Filter, Identity};
use crate::reference::{Reason, Root};

const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];

/// Reasons that a message to the operator has at most.
const SHOWN: usize = 5;

/// One operation, ready to be called.
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path with its `{names}`.
    pub(crate) path: String,
    pub(crate) id: Option<String>,
    pub(crate) about: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    /// JSON Schema of the arguments.
    pub(crate) input: Value,
}

impl Operation {
    /// `GET /pets`.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The operations that the operator wants.
pub(crate) struct Operations {
    usable: Vec<Operation>,
    /// `METHOD /path`, and why it is no tool.
    left_out: Vec<(String, Reason)>,
}

/// What reading operations needs.
struct Reading<'a> {
    document: &'a Document,
    root: Root<'a>,
    credentials: &'a Credentials,
    base: &'a Url,
    fixed_base: bool,
}

impl Operations {
    /// Reads them; `base` says where the API is, and whether the operator said so.
    pub(crate) fn read(
        document: &Document,
        filter: &Filter,
        credentials: &Credentials,
        (base, fixed_base): (&Url, bool),
    ) -> Self {
        let root = Root(&document.value);
        let reading = Reading { document, root, credentials, base, fixed_base };
        let mut all = Self { usable: Vec::new(), left_out: Vec::new() };
        for (path, item) in document.value["paths"].as_object().into_iter().flatten() {
            let item = match root.resolve(item) {
                Ok(item) => item,
                Err(reason) => {
                    all.left_out.push((path.clone(), reason));
                    continue;
                }
            };
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let method = method.to_ascii_uppercase();
                let identity = identity(&method, path, operation);
                if !filter.wants(&identity) {
                    continue;
                }
                match reading.operation(&identity, item, operation) {
                    Ok(operation) => all.usable.push(operation),
                    Err(reason) => all.left_out.push((format!("{method} {path}"), reason)),
                }
            }
        }
        all
    }

    /// Says in the log what was left out, and why.
    pub(crate) fn report(&self, provider: &str) {
        for (operation, reason) in &self.left_out {
            let (operation, reason) = (operation.as_str(), reason.as_str());
            tracing::warn!(provider, operation, reason, "the operation is left out: {operation}");
        }
        tracing::info!(
            provider,
            tools = self.usable.len(),
            left_out = self.left_out.len(),
            "read the document"
        );
    }

    /// The operations that become tools.
    ///
    /// # Errors
    /// When there is none: that is not what the operator wanted.
    pub(crate) fn usable(self, document: &str) -> Result<Vec<Operation>> {
        if !self.usable.is_empty() {
            return Ok(self.usable);
        }
        let reason = |(operation, reason): &(String, Reason)| format!("{operation}: {reason}");
        let reasons: Vec<String> = self.left_out.iter().take(SHOWN).map(reason).collect();
        let why = match reasons.as_slice() {
            [] => "no operation is in it that `include` and `exclude` let through".to_owned(),
            some => format!("all were left out: {}", some.join("; ")),
        };
        Err(Error::failed(format!("`document` ({document}) gives no tool: {why}")))
    }
}

impl<'a> Reading<'a> {
    fn operation(
        &self,
        identity: &Identity<'_>,
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<Operation, Reason> {
        self.check_server(item, operation)?;
        let parameters = parameter::read(self.root, item, operation, self.credentials)?;
        parameter::check_path(identity.path, &parameters)?;
        let body = body::read(self.root, operation)?;
        let keeps_null = identity.method == "PATCH";
        let drawn = arguments::draw(self.root, parameters, body, keeps_null)?;
        let text = |name: &str| operation[name].as_str().or_else(|| item[name].as_str());
        let place = format!("{} {}", identity.method, identity.path);
        let (summary, description) = (text("summary"), text("description"));
        let about = about::text(
            summary.unwrap_or_default(),
            description.unwrap_or_default(),
            &place,
            operation["deprecated"] == true,
        );
        let method = identity.method.parse().map_err(|_| "its method is none".to_owned())?;
        Ok(Operation {
            method,
            path: identity.path.to_owned(),
            id: identity.id.map(str::to_owned),
            about,
            parameters: drawn.parameters,
            body: drawn.body,
            input: drawn.input,
        })
    }

    /// An operation with a server of its own is left out unless that is where the credentials go anyway.
    fn check_server(&self, item: &Value, operation: &Value) -> Result<(), Reason> {
        let own = operation.pointer("/servers/0").or_else(|| item.pointer("/servers/0"));
        let Some(address) = own.map(document::address).filter(|_| !self.fixed_base) else {
            return Ok(());
        };
        let url = self.document.join(&address);
        let same = url.is_some_and(|url| {
            url.as_str().trim_end_matches('/') == self.base.as_str().trim_end_matches('/')
        });
        match same {
            true => Ok(()),
            false => Err(format!("it has a server of its own, `{address}`")),
        }
    }
}

fn identity<'a>(method: &'a str, path: &'a str, operation: &'a Value) -> Identity<'a> {
    let tags = operation["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let id = operation["operationId"].as_str().filter(|id| !id.is_empty());
    Identity { id, method, path, tags: tags.iter().filter_map(Value::as_str).collect() }
}
