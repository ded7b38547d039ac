//! Parameters of an operation: where they go, and how they are written there.

use http::HeaderName;
use serde_json::Value;

use crate::auth::{self, Credentials};
use crate::reference::{Reason, Root};
use crate::style::{Style, Writing};

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// One parameter of an operation.
pub(crate) struct Parameter {
    /// The name of the argument that it is given by.
    pub(crate) argument: String,
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) writing: Writing,
}

/// A parameter as the document describes it.
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    pub(super) writing: Writing,
    pub(super) required: bool,
    pub(super) description: Option<&'a str>,
    pub(super) schema: Option<&'a Value>,
}

impl Place {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// The parameters of the path, and those of the operation, which go before; without those that the operator sets.
pub(super) fn read<'a>(
    root: Root<'a>,
    item: &'a Value,
    operation: &'a Value,
    credentials: &Credentials,
) -> Result<Vec<Described<'a>>, Reason> {
    let mut all: Vec<Described<'a>> = Vec::new();
    for list in [operation, item] {
        for parameter in list["parameters"].as_array().into_iter().flatten() {
            let described = describe(root.resolve(parameter)?)?;
            let same =
                |one: &Described<'_>| one.name == described.name && one.place == described.place;
            if all.iter().any(same) || is_set_elsewhere(&described, credentials) {
                continue;
            }
            all.push(described);
        }
    }
    // Those of the path come first, in every operation.
    all.sort_by_key(|one| one.place);
    Ok(all)
}

/// Every `{name}` of the path has its parameter.
pub(super) fn check_path(path: &str, parameters: &[Described<'_>]) -> Result<(), Reason> {
    for name in names_in(path) {
        let known = parameters.iter().any(|one| one.place == Place::Path && one.name == name);
        if !known {
            return Err(format!("`{{{name}}}` of its path is no parameter"));
        }
    }
    match path.starts_with('/') && !path.contains(['?', '#']) {
        true => Ok(()),
        false => Err("its path does not begin with a slash, or has a query".to_owned()),
    }
}

/// The names in braces.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name)
}

fn describe(parameter: &Value) -> Result<Described<'_>, Reason> {
    let name = parameter["name"].as_str().ok_or("a parameter has no name")?;
    let place = match parameter["in"].as_str() {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("header") => Place::Header,
        Some("cookie") => Place::Cookie,
        other => return Err(format!("the parameter `{name}` is in {other:?}")),
    };
    if matches!(place, Place::Header | Place::Cookie)
        && HeaderName::from_bytes(name.as_bytes()).is_err()
    {
        return Err(format!("`{name}` cannot be the name of a {}", place.name()));
    }
    let content = parameter["content"].as_object().and_then(|content| content.values().next());
    Ok(Described {
        name,
        place,
        writing: writing(name, place, parameter, content.is_some())?,
        required: place == Place::Path || parameter["required"] == true,
        description: parameter["description"].as_str(),
        schema: content.map_or_else(|| parameter.get("schema"), |content| content.get("schema")),
    })
}

fn writing(name: &str, place: Place, parameter: &Value, content: bool) -> Result<Writing, Reason> {
    let default = match place {
        Place::Path | Place::Header => "simple",
        Place::Query | Place::Cookie => "form",
    };
    let named = parameter["style"].as_str().unwrap_or(default);
    let style = match (place, named) {
        _ if content => Style::Json,
        (Place::Path | Place::Header, "simple") => Style::Simple,
        (Place::Query | Place::Cookie, "form") => Style::Form,
        (Place::Query, "spaceDelimited") => Style::Space,
        (Place::Query, "pipeDelimited") => Style::Pipe,
        (Place::Query, "deepObject") => Style::Deep,
        _ => {
            return Err(format!(
                "the parameter `{name}` has the style `{named}`, which cannot be written"
            ));
        }
    };
    let explode = parameter["explode"].as_bool().unwrap_or(style == Style::Form);
    Ok(Writing { style, explode, reserved: parameter["allowReserved"] == true })
}

/// Headers that the server or the operator sets, and what is in the operator's credentials.
fn is_set_elsewhere(parameter: &Described<'_>, credentials: &Credentials) -> bool {
    match parameter.place {
        Place::Query => credentials.has_query(parameter.name),
        Place::Header => {
            let name = parameter.name.to_ascii_lowercase();
            let reserved =
                HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| auth::is_reserved(&name));
            // OpenAPI takes these three from elsewhere in the document.
            let described = ["accept", "authorization"].contains(&name.as_str());
            reserved || described || credentials.has_header(&name)
        }
        Place::Path | Place::Cookie => false,
    }
}
