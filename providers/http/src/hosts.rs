//! The operator's list of hosts that may be reached.

use mindflight_core::{Error, Result};
use url::{Host, Url};

/// A list of hosts; an empty one has no opinion.
pub(crate) struct Hosts(Vec<Pattern>);

enum Pattern {
    /// This host and no other.
    Exact(String),
    /// Every host below this one; the value begins with a dot.
    Below(String),
}

impl Hosts {
    pub(crate) fn read(list: &[String]) -> Result<Self> {
        list.iter().map(|text| pattern(text)).collect::<Result<_>>().map(Self)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// # Errors
    /// 403 `not_allowed` that names the list.
    pub(crate) fn check(&self, url: &Url) -> Result<()> {
        let host = url.host_str().unwrap_or_default();
        // `example.com.` is the same host to the resolver.
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.is_empty() || self.0.iter().any(|pattern| pattern.has(host)) {
            return Ok(());
        }
        let shown = self.shown();
        Err(Error::not_allowed(format!(
            "`{host}` is not among the hosts that this tool may reach: {shown}"
        ))
        .fix("Use one of these hosts, or ask the operator to add it to `hosts`."))
    }

    /// The list in words.
    pub(crate) fn shown(&self) -> String {
        let name = |pattern: &Pattern| match pattern {
            Pattern::Exact(host) => host.clone(),
            Pattern::Below(suffix) => format!("*{suffix}"),
        };
        self.0.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

impl Pattern {
    fn has(&self, host: &str) -> bool {
        match self {
            Self::Exact(own) => host == own,
            Self::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        }
    }
}

fn pattern(text: &str) -> Result<Pattern> {
    let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
    let host = match Host::parse(name) {
        Ok(host) if !name.contains('*') => host.to_string(),
        Ok(_) | Err(_) => {
            return Err(Error::failed(format!(
                "`hosts` has `{text}`; write a host's name such as `api.example.com`, or `*.example.com` for every host below it, without scheme, port and path"
            )));
        }
    };
    Ok(if below { Pattern::Below(format!(".{host}")) } else { Pattern::Exact(host) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(list: &[&str], url: &str) -> bool {
        let list: Vec<String> = list.iter().map(|&text| text.to_owned()).collect();
        Hosts::read(&list).unwrap().check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn an_empty_list_has_no_opinion() {
        assert!(allows(&[], "http://anything.example/"));
    }

    #[test]
    fn names_and_names_below_are_matched_whole() {
        let list = ["api.example.com", "*.example.org", "bücher.example", "192.0.2.1"];
        for good in [
            "https://api.example.com/",
            "https://API.EXAMPLE.COM:8443/x",
            "https://api.example.com./",
            "https://a.example.org/",
            "https://a.b.example.org/",
            "https://xn--bcher-kva.example/",
            "http://0xC0000201/",
        ] {
            assert!(allows(&list, good), "{good}");
        }
        for bad in [
            "https://example.com/",
            "https://example.org/",
            "https://evil-example.org/",
            "https://api.example.com.evil.test/",
            "https://evil.test/?api.example.com",
            "https://192.0.2.2/",
        ] {
            assert!(!allows(&list, bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in ["https://a.example", "a.example:80", "a.example/x", "*", "a.*.example", ""] {
            let error = Hosts::read(&[bad.to_owned()]).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains("`hosts`")), "{bad}");
        }
    }
}
