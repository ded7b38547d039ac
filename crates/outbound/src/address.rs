//! Which addresses are nobody's business to call: the machine itself, its networks, and what is no host at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const LOOPBACK: &str = "a loopback address";
const PRIVATE: &str = "a private address";
const LINK_LOCAL: &str = "a link-local address, where clouds keep their metadata";
const DOCUMENTATION: &str = "an address for documentation";
const MULTICAST: &str = "a multicast address";
const RESERVED: &str = "a reserved address";
const NONE: &str = "no address of a host";

/// The special-purpose networks of IANA's registry that are not for everyone (RFC 6890 and its successors), and one
/// that a cloud keeps for itself.
const IPV4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, NONE),
    (Ipv4Addr::new(10, 0, 0, 0), 8, PRIVATE),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "an address of a provider's own network (CGNAT)"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "an address that a cloud answers itself"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, PRIVATE),
    (Ipv4Addr::new(192, 0, 0, 0), 24, RESERVED),
    (Ipv4Addr::new(192, 0, 2, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(192, 88, 99, 0), 24, RESERVED),
    (Ipv4Addr::new(192, 168, 0, 0), 16, PRIVATE),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "an address for measurements"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(203, 0, 113, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(224, 0, 0, 0), 4, MULTICAST),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, RESERVED),
];

const IPV6: [(Ipv6Addr, u32, &str); 11] = [
    (Ipv6Addr::UNSPECIFIED, 128, NONE),
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, PRIVATE),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "a Teredo address, behind which is another"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, RESERVED),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, DOCUMENTATION),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, DOCUMENTATION),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, PRIVATE),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LINK_LOCAL),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, PRIVATE),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, MULTICAST),
];

/// Why this address is not called, as the end of a sentence; `None` for an address of the public internet.
#[must_use]
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Option<&'static str> {
    let inside = |network: Ipv4Addr, prefix: u32| {
        let differing = address.to_bits() ^ network.to_bits();
        differing.leading_zeros() >= prefix
    };
    IPV4.iter().find(|(network, prefix, _)| inside(*network, *prefix)).map(|(_, _, why)| *why)
}

fn v6(address: Ipv6Addr) -> Option<&'static str> {
    let inside = |network: Ipv6Addr, prefix: u32| {
        let differing = address.to_bits() ^ network.to_bits();
        differing.leading_zeros() >= prefix
    };
    if let Some((_, _, why)) = IPV6.iter().find(|(network, prefix, _)| inside(*network, *prefix)) {
        return Some(*why);
    }
    let [a, b, c, _, e, f, g, h] = address.segments();
    let last = embedded(g, h);
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address within.
        (0x64, 0xff9b) if inside(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), 96) => v4(last),
        (0x2002, _) => v4(embedded(b, c)),
        // So does ISATAP (RFC 5214).
        (0x2000..=0x3fff, _) if matches!((e, f), (0 | 0x200, 0x5efe)) => v4(last),
        (0x2000..=0x3fff, _) => None,
        // Mapped ones (`::ffff:1.2.3.4`) are the IPv4 address; compatible ones (`::1.2.3.4`) lead nowhere today.
        (0, 0) => match address.to_ipv4_mapped() {
            Some(mapped) => v4(mapped),
            None => v4(last).or(Some(RESERVED)),
        },
        // All else was given to nobody.
        _ => Some(RESERVED),
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
