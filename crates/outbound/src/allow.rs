//! What an operator allows although a rule is against it: hosts, addresses and networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

const FORMS: &str = "write a host (`api.internal`), all hosts below one (`*.example.com`), an address (`10.0.0.5`, `::1`) \
    or a network (`10.0.0.0/8`), each perhaps with a port (`api.internal:8080`, `10.0.0.0/8:8080`, `[::1]:8080`)";

/// One entry of the list: it lifts the rules about addresses, ports and https for what it names.
///
/// ```
/// use mindflight_outbound::Allow;
///
/// for text in ["api.internal", "*.example.com:8443", "10.0.0.0/8", "[::1]:8080"] {
///     let allow: Allow = text.parse().unwrap();
///     assert_eq!(allow.to_string(), text);
/// }
/// assert!("https://api.internal/".parse::<Allow>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    what: What,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// This host, whatever it resolves to.
    Host(String),
    /// Every host whose name ends so, but not the name itself.
    Below(String),
    /// Addresses, written in the URL or resolved.
    Network(IpNet),
}

impl Allow {
    /// Whether it is about this host by name.
    pub(crate) fn names(&self, name: &str, port: u16) -> bool {
        let named = match &self.what {
            What::Host(host) => name == host,
            What::Below(parent) => {
                name.strip_suffix(parent).and_then(|below| below.strip_suffix('.')).is_some()
            }
            What::Network(_) => false,
        };
        named && self.port.is_none_or(|own| own == port)
    }

    /// Whether it is about this address; without a port, about its every port.
    pub(crate) fn contains(&self, address: IpAddr, port: Option<u16>) -> bool {
        let What::Network(network) = &self.what else { return false };
        // A mapped address is the IPv4 address, which is how the operator wrote it.
        let inside = network.contains(&address) || network.contains(&address.to_canonical());
        inside && self.port.is_none_or(|own| Some(own) == port)
    }

    /// The port it is limited to, if it is about addresses.
    pub(crate) const fn network_port(&self) -> Option<Option<u16>> {
        match self.what {
            What::Network(_) => Some(self.port),
            What::Host(_) | What::Below(_) => None,
        }
    }
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || match text.contains("://") {
            true => format!("`{text}` is a URL; {FORMS}"),
            false => format!("`{text}` names nothing that could be allowed; {FORMS}"),
        };
        let (what, port) = split(text.trim()).ok_or_else(wrong)?;
        let port = match port {
            Some(digits) => Some(port_of(digits).ok_or_else(wrong)?),
            None => None,
        };
        Ok(Self { what: what.parse().map_err(|()| wrong())?, port })
    }
}

/// The entry without its port, and the port.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some((inside, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match after {
            "" => Some((inside, None)),
            _ => Some((inside, Some(after.strip_prefix(':')?))),
        };
    }
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, None));
    }
    let end = text.find('/').unwrap_or_default();
    match text[end..].split_once(':') {
        Some((before, port)) => Some((&text[..end + before.len()], Some(port))),
        None => Some((text, None)),
    }
}

fn port_of(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

impl FromStr for What {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.contains('/') {
            let network: IpNet = text.parse().map_err(drop)?;
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, text),
        };
        // As a URL's host is read, so that both spell it alike.
        match Host::parse(name).map_err(drop)? {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_owned();
                match name.is_empty() || name.contains('*') {
                    true => Err(()),
                    false if below => Ok(Self::Below(name)),
                    false => Ok(Self::Host(name)),
                }
            }
            Host::Ipv4(address) if !below => Ok(Self::Network(IpAddr::from(address).into())),
            Host::Ipv4(_) | Host::Ipv6(_) => Err(()),
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.what {
            What::Host(host) => host.clone(),
            What::Below(parent) => format!("*.{parent}"),
            What::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().to_string()
            }
            What::Network(network) => network.to_string(),
        };
        match self.port {
            Some(port) if matches!(&self.what, What::Network(IpNet::V6(_))) => {
                write!(f, "[{what}]:{port}")
            }
            Some(port) => write!(f, "{what}:{port}"),
            None => f.write_str(&what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        for (text, written) in [
            ("api.internal", "api.internal"),
            (" API.Internal.:8080", "api.internal:8080"),
            ("*.example.com", "*.example.com"),
            ("*.example.com:8443", "*.example.com:8443"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("10.0.0.5", "10.0.0.5"),
            ("10.0.0.5:80", "10.0.0.5:80"),
            ("127.1", "127.0.0.1"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.0/8:8080", "10.0.0.0/8:8080"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("[::1]:8080", "[::1]:8080"),
            ("fd00::/8", "fd00::/8"),
            ("[fd00::/8]:443", "[fd00::/8]:443"),
            ("fd00::/8:443", "[fd00::/8]:443"),
            ("localhost:3000", "localhost:3000"),
        ] {
            let allow: Allow = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(allow.to_string(), written, "{text}");
            assert_eq!(written.parse::<Allow>().as_ref(), Ok(&allow), "{text}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused_with_the_allowed_forms() {
        for text in [
            "",
            "*",
            "*.",
            "*.*.example",
            "a.*.example",
            "*.127.0.0.1",
            "https://api.internal",
            "api.internal/path",
            "user@api.internal",
            "api.internal:0",
            "api.internal:http",
            "api.internal:+80",
            "api.internal:",
            "api.internal:99999",
            "10.0.0.0/33",
            "10.0.0.0/8:",
            "[::1",
            "[::1]8080",
            "a b",
        ] {
            let error = text.parse::<Allow>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` ")), "{error}");
            assert!(error.contains("*.example.com"), "{error}");
        }
    }

    #[test]
    fn an_entry_is_about_what_it_names_and_nothing_beside_it() {
        let allow = |text: &str| text.parse::<Allow>().unwrap();
        assert!(allow("a.example").names("a.example", 1));
        assert!(!allow("a.example").names("b.a.example", 1));
        assert!(!allow("a.example:2").names("a.example", 1));
        assert!(allow("*.a.example").names("c.b.a.example", 1));
        assert!(!allow("*.a.example").names("a.example", 1));
        assert!(!allow("*.a.example").names("ba.example", 1));
        let network = allow("10.0.0.0/8:80");
        assert!(network.contains("10.9.8.7".parse().unwrap(), Some(80)));
        assert!(network.contains("::ffff:10.9.8.7".parse().unwrap(), Some(80)));
        assert!(!network.contains("10.9.8.7".parse().unwrap(), Some(81)));
        assert!(!network.contains("11.9.8.7".parse().unwrap(), Some(80)));
        assert!(!network.names("10.9.8.7", 80));
    }
}
