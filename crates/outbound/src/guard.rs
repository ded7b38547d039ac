//! The rules on where a request may go: of the URL before anything is looked up, of addresses once they are known.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use mindflight_core::Error;
use url::{Host, Url};

use crate::address::refusal;
use crate::{Allow, Settings};

/// The rules, as the operator set them.
#[derive(Debug)]
pub(crate) struct Guard {
    allow: Vec<Allow>,
    https_only: bool,
    ports: Vec<u16>,
}

/// Where a request goes, as far as the URL says it.
#[derive(Debug)]
pub(crate) struct Route {
    /// Host as logs and errors name it; never with user, path or query.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) scope: Scope,
    /// What is against it unless its addresses are allowed.
    unless_allowed: Option<Rule>,
}

/// Which addresses a connection may be made to. Connections of one scope are interchangeable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// Any: the host was allowed by its name, or its address has been checked already.
    Any,
    /// Public ones, and those the operator allows for this port; `None`: for every port.
    Public(Option<u16>),
    /// Only those the operator allows for this port.
    Allowed(Option<u16>),
}

/// Why a request does not go out.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// What was wanted.
    host: String,
    port: u16,
    rule: Rule,
    /// For the log alone: callers are not told what is inside.
    address: Option<IpAddr>,
    /// Who redirected there.
    from: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Scheme(String),
    Credentials,
    Https,
    Downgrade,
    Port(Arc<str>),
    Address(&'static str),
}

impl Guard {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            allow: settings.allow.clone(),
            https_only: settings.https_only,
            ports: settings.ports.clone(),
        }
    }

    /// What can be said without a look-up. `from` is what redirected there.
    pub(crate) fn route(&self, url: &Url, from: Option<&Url>) -> Result<Route, Refusal> {
        let port = url.port_or_known_default().unwrap_or_default();
        let refused = |rule, address| Refusal {
            host: name_of(url),
            port,
            rule,
            address,
            from: from.map(name_of),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(Rule::Scheme(url.scheme().to_owned()), None));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(Rule::Credentials, None));
        }
        let plain = self.plain(url, port, from);
        let (unless_allowed, scope) = match url.host() {
            Some(Host::Domain(name)) => self.by_name(name.trim_end_matches('.'), port, plain),
            Some(Host::Ipv4(address)) => self.by_address(address.into(), port, plain),
            Some(Host::Ipv6(address)) => self.by_address(address.into(), port, plain),
            // The schemes have one, or the URL would not have been read.
            None => (Some(Rule::Scheme(url.scheme().to_owned())), None),
        };
        match (scope, unless_allowed) {
            (Some(scope), unless_allowed) => {
                Ok(Route { host: name_of(url), port, scope, unless_allowed })
            }
            (None, rule) => {
                let address = match url.host() {
                    Some(Host::Ipv4(address)) => Some(address.into()),
                    Some(Host::Ipv6(address)) => Some(address.into()),
                    Some(Host::Domain(_)) | None => None,
                };
                Err(refused(rule.unwrap_or(Rule::Https), address))
            }
        }
    }

    /// Whether a connection of this scope may go to `address`; the error is the rule against it.
    pub(crate) fn admit(&self, scope: Scope, address: IpAddr) -> Result<(), Option<&'static str>> {
        let lifted = |port| self.allow.iter().any(|entry| entry.contains(address, port));
        match scope {
            Scope::Any => Ok(()),
            Scope::Public(port) | Scope::Allowed(port) if lifted(port) => Ok(()),
            Scope::Public(_) => refusal(address).map_or(Ok(()), |why| Err(Some(why))),
            Scope::Allowed(_) => Err(None),
        }
    }

    /// The rules about scheme and port.
    fn plain(&self, url: &Url, port: u16, from: Option<&Url>) -> Option<Rule> {
        if url.scheme() == "http" {
            if from.is_some_and(|from| from.scheme() == "https") {
                return Some(Rule::Downgrade);
            }
            if self.https_only {
                return Some(Rule::Https);
            }
        }
        if !self.ports.contains(&port) {
            let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
            return Some(Rule::Port(ports.join(", ").into()));
        }
        None
    }

    fn by_name(&self, name: &str, port: u16, plain: Option<Rule>) -> (Option<Rule>, Option<Scope>) {
        if self.allow.iter().any(|entry| entry.names(name, port)) {
            return (None, Some(Scope::Any));
        }
        // RFC 6761: it is the machine itself, whatever a resolver says.
        let local = name == "localhost" || name.ends_with(".localhost");
        let against = plain.or(local.then_some(Rule::Address("a name of this machine itself")));
        // Scopes differ only in the ports that entries about addresses name.
        let ports = self.allow.iter().filter_map(Allow::network_port);
        let named = ports.clone().flatten().any(|own| own == port).then_some(port);
        let can_be_lifted = named.is_some() || ports.clone().any(|own| own.is_none());
        let scope = match against.is_some() {
            false => Some(Scope::Public(named)),
            true if can_be_lifted => Some(Scope::Allowed(named)),
            true => None,
        };
        (against, scope)
    }

    fn by_address(
        &self,
        address: IpAddr,
        port: u16,
        plain: Option<Rule>,
    ) -> (Option<Rule>, Option<Scope>) {
        if self.allow.iter().any(|entry| entry.contains(address, Some(port))) {
            return (None, Some(Scope::Any));
        }
        match refusal(address).map(Rule::Address).or(plain) {
            Some(rule) => (Some(rule), None),
            None => (None, Some(Scope::Any)),
        }
    }
}

impl Route {
    /// The refusal of a name by what it resolved to.
    pub(crate) fn refused(
        &self,
        why: Option<&'static str>,
        address: IpAddr,
        from: Option<&Url>,
    ) -> Refusal {
        let rule = match (why, &self.unless_allowed) {
            (Some(why), _) => Rule::Address(why),
            (None, Some(rule)) => rule.clone(),
            (None, None) => Rule::Https,
        };
        Refusal {
            host: self.host.clone(),
            port: self.port,
            rule,
            address: Some(address),
            from: from.map(name_of),
        }
    }
}

impl Refusal {
    /// One line for the operator, who is told the address too.
    pub(crate) fn log(&self) {
        let Self { host, port, rule, .. } = self;
        let address = self.address.map(|address| address.to_string());
        let from = self.from.as_deref();
        tracing::warn!(host, port, address, from, "outside call to {host}:{port} refused: {rule}");
    }

    /// What the caller reads.
    pub(crate) fn error(&self) -> Error {
        let Self { host, port, rule, from, .. } = self;
        let entry = format!("{host}:{port}");
        let fix = match rule {
            Rule::Scheme(_) => "Call an https URL.".to_owned(),
            Rule::Credentials => "Send the credentials in a header.".to_owned(),
            Rule::Https | Rule::Downgrade => {
                format!("Call it over https; or an operator adds \"{entry}\" to `outbound.allow`.")
            }
            Rule::Port(_) | Rule::Address(_) => {
                format!("An operator can allow it: add \"{entry}\" to `outbound.allow`.")
            }
        };
        let led = from.as_ref().map(|from| format!(", to which `{from}` redirected,"));
        let led = led.unwrap_or_default();
        Error::not_allowed(format!("`{host}`{led} may not be called: {rule}")).fix(fix)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) => write!(f, "the scheme is {scheme}, and must be https or http"),
            Self::Credentials => f.write_str("the URL has a user or a password in it"),
            Self::Https => f.write_str("the URL is not https"),
            Self::Downgrade => f.write_str("it was redirected from https to http"),
            Self::Port(ports) if ports.is_empty() => f.write_str("no port is open to calls"),
            Self::Port(ports) => write!(f, "the port is none of {ports}"),
            Self::Address(what) => write!(f, "it is {what}"),
        }
    }
}

/// The host alone; URLs carry secrets in user, path and query.
pub(crate) fn name_of(url: &Url) -> String {
    url.host_str().unwrap_or("a URL without a host").to_owned()
}
