//! The document: where it is from, whether it can be read, and where the API is.

use std::time::Duration;

use bytes::Bytes;
use mindflight_core::{Error, ProviderContext, Result, upstream};
use serde_json::Value;
use url::Url;

/// The largest document.
const LARGEST: usize = 16 * 1024 * 1024;

/// How long fetching it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An OpenAPI document of a version that can be read.
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Where it is from, without what may be a secret in it.
    pub(crate) shown: String,
    /// Where it was fetched from, if it was.
    url: Option<Url>,
}

impl Document {
    pub(crate) async fn load(place: &str, cx: &ProviderContext) -> Result<Self> {
        let url = Url::parse(place).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let bytes = match &url {
            Some(url) => fetch(url, cx).await?,
            None => read(place)?,
        };
        let shown = url.as_ref().map_or_else(|| place.to_owned(), shown);
        let wrong = |what: String| Error::failed(format!("`document` ({shown}) {what}"));
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        let value = parse(text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        check_version(&value).map_err(wrong)?;
        Ok(Self { value, shown, url })
    }

    /// Where the API is, without a slash at the end.
    pub(crate) fn base(&self, configured: Option<&str>) -> Result<Url> {
        if let Some(text) = configured {
            return web(Url::parse(text).ok())
                .ok_or_else(|| Error::failed("`base_url` is no http or https URL without a user"));
        }
        let server = self.value.pointer("/servers/0");
        let address = server.map_or_else(|| "/".to_owned(), address);
        web(self.join(&address)).ok_or_else(|| {
            Error::failed(format!(
                "the document's server `{address}` is no whole URL, so it is not known where the API is; set `base_url`"
            ))
        })
    }

    /// An address of the document, which may be relative to where the document is from.
    pub(crate) fn join(&self, address: &str) -> Option<Url> {
        match &self.url {
            Some(url) => url.join(address).ok(),
            None => Url::parse(address).ok(),
        }
    }
}

/// The address of one of the document's servers, with the defaults of its variables.
pub(crate) fn address(server: &Value) -> String {
    let mut address = server["url"].as_str().unwrap_or("/").to_owned();
    for (name, variable) in server["variables"].as_object().into_iter().flatten() {
        let default = &variable["default"];
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        address = address.replace(&format!("{{{name}}}"), &default);
    }
    address
}

fn web(url: Option<Url>) -> Option<Url> {
    let mut url = url?;
    let braces = url.as_str().contains('{') || url.as_str().contains("%7B");
    if !matches!(url.scheme(), "http" | "https")
        || !url.has_host()
        || braces
        || !url.username().is_empty()
    {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

async fn fetch(url: &Url, cx: &ProviderContext) -> Result<Bytes> {
    let shown = shown(url);
    let failed = |error: Error| {
        Error::unavailable(format!("`document` cannot be fetched from {shown}"))
            .fix("Check the URL, and that `outbound` lets the server go there; or save the document and name the file.")
            .because(error)
    };
    let client = cx.http().timeout(PATIENCE).max_body(LARGEST);
    let answer = client.get(url.as_str()).await.map_err(failed)?;
    if answer.status() != http::StatusCode::OK {
        let detail = format!("`document` cannot be fetched: {shown} answered {}", answer.status());
        let error = Error::unavailable(detail);
        return Err(match upstream::retry_after(&answer) {
            Some(wait) => error.wait(wait),
            None => error,
        });
    }
    Ok(answer.into_body())
}

/// The URL without what may be a secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Cannot fail: the URL has a host.
    url.set_password(None).ok();
    url.to_string()
}

fn read(path: &str) -> Result<Bytes> {
    let wrong = |what: String| Error::failed(format!("`document` ({path}) {what}"));
    let size =
        std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
    if usize::try_from(size).map_or(true, |size| size > LARGEST) {
        return Err(wrong(format!("has {size} bytes; {LARGEST} are allowed")));
    }
    std::fs::read(path).map(Bytes::from).map_err(|error| wrong(format!("cannot be read: {error}")))
}

fn parse(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    // In YAML 1.2, which OpenAPI asks for, `NO` is a text: a country, not a refusal.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

fn check_version(document: &Value) -> Result<(), String> {
    // YAML without quotes makes a number of `3.0`.
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(version) = document.get("swagger").map(text) {
        return Err(format!(
            "is Swagger {version}; OpenAPI 3.0 and 3.1 can be read, so convert it, for example with the Swagger Editor"
        ));
    }
    match document.get("openapi").map(text) {
        Some(version) if ["3.0", "3.1"].iter().any(|known| version.starts_with(known)) => Ok(()),
        Some(version) => Err(format!("is OpenAPI {version}; 3.0 and 3.1 can be read")),
        None => Err("is no OpenAPI document: it has no member `openapi` with a version".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_as_its_version_1_2_says() {
        let text = "a: [NO, yes, off, true, null, 1e3, 2024-01-01, 12:30, 0x1F]\n200: {y: 1}\n";
        let read = parse(text).unwrap();
        let list = json!(["NO", "yes", "off", true, null, 1000.0, "2024-01-01", "12:30", 31]);
        assert_eq!(read, json!({"a": list, "200": {"y": 1}}));
        assert!(check_version(&parse("openapi: 3.0").unwrap()).is_ok());
        assert!(check_version(&parse("openapi: 3.2.0").unwrap()).is_err());
    }
}
