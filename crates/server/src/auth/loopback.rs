//! Who may come without credentials: the developer at the machine of a development server, and no web page
//! that the developer happens to look at.

use std::net::{IpAddr, SocketAddr};

/// What of a request decides whether it may come without credentials.
#[derive(Debug, Clone)]
pub(crate) struct Visit<'a> {
    /// Whether the server was started for development.
    pub(crate) dev: bool,
    /// Where the connection comes from.
    pub(crate) peer: Option<IpAddr>,
    /// Where it came in.
    pub(crate) listener: SocketAddr,
    /// Every `Host`, and the host of the URL if that is absolute.
    pub(crate) hosts: Vec<&'a str>,
    /// The first header that only proxies add.
    pub(crate) forwarded: Option<&'a str>,
    /// Every `Origin`.
    pub(crate) origins: Vec<&'a str>,
    /// Every `Sec-Fetch-Site`.
    pub(crate) fetch_sites: Vec<&'a str>,
    /// Every `Content-Type`.
    pub(crate) content_types: Vec<&'a str>,
    pub(crate) has_body: bool,
}

/// The rule that keeps a visitor out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rule {
    #[error("the server does not run for development")]
    Development,
    #[error("the connection does not come from this machine")]
    Peer,
    #[error("the server listens on an address that other machines can reach")]
    Listener,
    #[error("a proxy passed the request on")]
    Forwarded,
    #[error("the `Host` header is not localhost, 127.0.0.1 or [::1] with the server's port")]
    Host,
    #[error("the `Origin` header names another site")]
    Origin,
    #[error("the `Sec-Fetch-Site` header says that another site sent the request")]
    FetchSite,
    #[error(
        "the body has no content type that web pages must ask leave for; send `Content-Type: application/json`"
    )]
    ContentType,
}

/// Lets a visitor in without credentials, or names the rule that keeps it out.
///
/// The machine itself is trusted, but not what runs in its browser: any page may send requests to
/// localhost, and a page's own host name may be made to resolve to it.
pub(crate) fn admit(visit: &Visit<'_>) -> Result<(), Rule> {
    let ours = |authority: &str| is_loopback(authority, visit.listener.port());
    let all = |found: &[&str], right: &dyn Fn(&str) -> bool| found.iter().all(|value| right(value));
    let rules = [
        (Rule::Development, visit.dev),
        (Rule::Peer, visit.peer.is_some_and(|peer| peer.to_canonical().is_loopback())),
        (Rule::Listener, visit.listener.ip().to_canonical().is_loopback()),
        (Rule::Forwarded, visit.forwarded.is_none()),
        (Rule::Host, !visit.hosts.is_empty() && all(&visit.hosts, &ours)),
        (
            Rule::Origin,
            all(&visit.origins, &|origin| origin.strip_prefix("http://").is_some_and(ours)),
        ),
        (Rule::FetchSite, all(&visit.fetch_sites, &|site| matches!(site, "none" | "same-origin"))),
        (Rule::ContentType, !visit.has_body || asks_first(&visit.content_types)),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(rule, _)| Err(rule))
}

/// Whether a header is one that only proxies add.
pub(crate) fn is_forwarding(name: &str) -> bool {
    matches!(name, "forwarded" | "x-real-ip") || name.starts_with("x-forwarded-")
}

/// Whether `name:port` is this machine by a name that no resolver is asked for, and our port.
fn is_loopback(authority: &str, port: u16) -> bool {
    let (name, given) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, after)) => (name, after),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_six = authority.starts_with('[');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let right_port = match given.strip_prefix(':') {
        Some(given) => digits(given) && given.parse() == Ok(port),
        None => given.is_empty() && port == 80,
    };
    let right_name = match name.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() && ip.is_ipv6() == is_six,
        Err(_) => !is_six && name.eq_ignore_ascii_case("localhost"),
    };
    right_name && right_port
}

/// Whether a browser asks the server's leave before a page of another site may send a body of this type.
/// It does not for those of HTML forms, nor when there is none.
fn asks_first(content_types: &[&str]) -> bool {
    let [content_type] = content_types else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let form = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    let is_type = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    essence.contains('/') && is_type(&essence) && !form.contains(&essence.as_str())
}

#[cfg(test)]
mod tests;
