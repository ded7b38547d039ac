//! Whose requests are counted together.

use std::net::{IpAddr, Ipv6Addr};

use mindflight_api::{KeyId, UserId};
use mindflight_core::Caller;

/// Whose requests are counted together: a credential's, else an address's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Key(KeyId),
    User(UserId),
    Network(Network),
    /// A connection without an address, as over a Unix socket.
    Unknown,
}

/// The smallest piece of the network that one customer of a provider has: an IPv4 address or an IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Subject {
    pub(crate) fn of(caller: &Caller, ip: Option<IpAddr>) -> Self {
        let facts = caller.facts();
        match (facts.key, facts.user, ip) {
            (Some(key), _, _) => Self::Key(key),
            (None, Some(user), _) => Self::User(user),
            (None, None, Some(ip)) => Self::Network(ip.into()),
            (None, None, None) => Self::Unknown,
        }
    }
}

impl From<IpAddr> for Network {
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
            four => four,
        })
    }
}
