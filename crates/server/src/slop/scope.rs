//! `X-SLOP-Scope`: a comma list of `resource.identifier.permission` that narrows what the caller's key allows, and never widens it.

use actix_web::HttpRequest;
use mindflight_api::codes;
use mindflight_api::tool::Tool;
use mindflight_core::{Error, Result};

use super::refused;

/// What the header leaves of the caller's rights; everything, if there is none.
pub(super) struct Narrowed(Option<Vec<String>>);

impl Narrowed {
    pub(super) fn read(request: &HttpRequest) -> Result<Self> {
        let Some(header) = request.headers().get("x-slop-scope") else {
            return Ok(Self(None));
        };
        let text = header.to_str().map_err(|_| {
            Error::of(codes::INVALID_REQUEST, "`X-SLOP-Scope` must be a comma list of scopes")
        })?;
        let scopes = text.split(',').map(str::trim).filter(|scope| !scope.is_empty());
        Ok(Self(Some(scopes.map(str::to_owned).collect())))
    }

    pub(super) fn require_list(&self) -> Result<()> {
        let Some(scopes) = &self.0 else { return Ok(()) };
        // Who may execute a tool may also see which.
        match scopes.iter().any(|scope| scope.starts_with("tools.")) {
            true => Ok(()),
            false => refused("tools.read"),
        }
    }

    pub(super) fn require_call(&self, tool: &Tool) -> Result<()> {
        match self.may_call(tool) {
            true => Ok(()),
            false => refused(&format!("tools.{}.execute", tool.name)),
        }
    }

    pub(super) fn may_call(&self, tool: &Tool) -> bool {
        let Some(scopes) = &self.0 else { return true };
        let names = std::iter::once(&tool.name).chain(&tool.annotations.aliases);
        scopes
            .iter()
            .any(|scope| names.clone().any(|name| covers(scope, name, tool.annotations.read_only)))
    }
}

/// Whether one scope of the header lets a tool be executed.
fn covers(scope: &str, tool: &str, is_safe: bool) -> bool {
    let Some(rest) = scope.strip_prefix("tools.") else {
        return false;
    };
    match rest {
        "*" | "execute" => true,
        "safe.*" => is_safe,
        _ => match rest.strip_prefix("safe.") {
            Some(named) => is_safe && named == tool,
            None => {
                let mut parts = rest.rsplitn(2, '.');
                let permission = parts.next().unwrap_or_default();
                parts.next() == Some(tool) && matches!(permission, "execute" | "*")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_covers_what_it_names_and_no_more() {
        let cases = [
            ("tools.*", false, true),
            ("tools.execute", false, true),
            ("tools.demo_add.execute", false, true),
            ("tools.demo_add.*", false, true),
            ("tools.safe.*", true, true),
            ("tools.safe.*", false, false),
            ("tools.safe.demo_add", true, true),
            ("tools.safe.demo_add", false, false),
            ("tools.safe.other", true, false),
            ("tools.other.execute", false, false),
            ("tools.demo_add.read", false, false),
            ("tools.read", false, false),
            ("chat.*", true, false),
        ];
        for (scope, is_safe, expected) in cases {
            assert_eq!(covers(scope, "demo_add", is_safe), expected, "{scope} {is_safe}");
        }
    }
}
