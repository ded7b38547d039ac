//! The client itself: where the server is, who calls, and how patient to be.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;

use crate::access::{Keys, Users};
use crate::audit::Audit;
use crate::events::Events;
use crate::jobs::Jobs;
use crate::memory::Memory;
use crate::providers::Providers;
use crate::queues::Queues;
use crate::schedules::Schedules;
use crate::tools::Tools;
use crate::workers::Workers;
use crate::{Error, Result};

/// How patient a client is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The longest a connection may take to open.
    pub connect_timeout: Duration,
    /// The longest a request may take, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// The same for a tool call, which may work as long as its tool allows.
    pub call_timeout: Duration,
    /// How often a read is repeated after its connection failed.
    pub retries: u32,
    /// The pause before the first repetition; each further one doubles it.
    pub backoff: Duration,
    /// What the server's log shows as the caller's program.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(600),
            retries: 2,
            backoff: Duration::from_millis(100),
            user_agent: concat!("mindflight-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A client of one server. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) credentials: Option<HeaderValue>,
    pub(crate) settings: Settings,
}

impl Client {
    /// A client of the server at `base_url` that calls with `key`: an API key or a token.
    ///
    /// # Errors
    /// If the address is not an `http` or `https` URL, or the key cannot stand in a header.
    pub fn new(base_url: &str, key: Option<&str>) -> Result<Self> {
        Self::with_settings(base_url, key, Settings::default())
    }

    /// The same, with other time-outs and retries.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_settings(base_url: &str, key: Option<&str>, settings: Settings) -> Result<Self> {
        let base = base(base_url)?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .user_agent(&settings.user_agent)
            .redirect(Policy::none())
            .no_proxy();
        if base.scheme() == "http" {
            // Loading the system's certificates fails where there are none, as in a slim container.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|source| Error::Setup(source.into()))?;
        let credentials = key.map(credentials).transpose()?;
        Ok(Self { http, base, credentials, settings })
    }

    /// The same server, called with other credentials; for example with the token of a sign-in.
    ///
    /// # Errors
    /// If the key cannot stand in a header.
    pub fn with_key(&self, key: &str) -> Result<Self> {
        Ok(Self { credentials: Some(credentials(key)?), ..self.clone() })
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Tools: list, show, call.
    #[must_use]
    pub fn tools(&self) -> Tools<'_> {
        Tools(self)
    }

    /// Providers: list, enable, disable.
    #[must_use]
    pub fn providers(&self) -> Providers<'_> {
        Providers(self)
    }

    /// Jobs: enqueue, list, watch, cancel, retry, delete.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// Events: publish, list, follow.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events(self)
    }

    /// Queues: list, pause, resume.
    #[must_use]
    pub fn queues(&self) -> Queues<'_> {
        Queues(self)
    }

    /// Schedules: list, run now, pause, resume.
    #[must_use]
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }

    /// The processes that run jobs.
    #[must_use]
    pub fn workers(&self) -> Workers<'_> {
        Workers(self)
    }

    /// The caller's memory.
    #[must_use]
    pub fn memory(&self) -> Memory<'_> {
        Memory(self)
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }

    /// Users.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}

fn base(text: &str) -> Result<Url> {
    let wrong = |reason: &str| Error::Address { url: text.to_owned(), reason: reason.to_owned() };
    let with_scheme = text.starts_with("http://") || text.starts_with("https://");
    if !with_scheme {
        return Err(wrong("it must start with http:// or https://"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The text itself stays out of the message: it holds a password.
        return Err(Error::Address {
            url: url.host_str().unwrap_or_default().to_owned(),
            reason: "credentials do not belong in an address; send an API key".to_owned(),
        });
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it must end with the path, without `?` or `#`"));
    }
    Ok(url)
}

fn credentials(key: &str) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| Error::InvalidKey)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_scheme_or_with_credentials_is_refused() {
        for (address, part) in [
            ("localhost:8080", "must start with"),
            ("ftp://localhost", "must start with"),
            ("http://", "empty host"),
            ("http://ana:secret@localhost", "credentials do not belong"),
            ("http://localhost/?a=b", "without `?`"),
        ] {
            let error = Client::new(address, None).unwrap_err().to_string();
            assert!(error.contains(part), "{address}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_key_is_not_in_the_debug_form() {
        let client = Client::new("http://localhost", Some("mf_secret")).unwrap();
        assert!(!format!("{client:?}").contains("mf_secret"));
    }

    #[test]
    fn a_key_that_no_header_can_hold_is_refused_unshown() {
        let error = Client::new("http://localhost", Some("mf_\nsecret")).unwrap_err();
        assert!(matches!(error, Error::InvalidKey));
        assert!(!format!("{error:?}{error}").contains("secret"));
    }
}
