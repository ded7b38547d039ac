//! Each rule as a visit that breaks it alone.

use super::*;

/// What curl on the same machine sends.
fn curl() -> Visit<'static> {
    Visit {
        dev: true,
        peer: Some([127, 0, 0, 1].into()),
        listener: ([127, 0, 0, 1], 8080).into(),
        hosts: vec!["localhost:8080"],
        forwarded: None,
        origins: vec![],
        fetch_sites: vec![],
        content_types: vec!["application/json"],
        has_body: true,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_developer_on_the_same_machine_comes_in() {
    assert_eq!(admit(&curl()), Ok(()));
    let bare = Visit { content_types: vec![], has_body: false, ..curl() };
    assert_eq!(admit(&bare), Ok(()));
}

#[test]
fn nobody_comes_in_outside_development() {
    assert_eq!(admit(&Visit { dev: false, ..curl() }), Err(Rule::Development));
}

#[test]
fn the_peer_has_to_be_this_machine() {
    for peer in ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(admit(&Visit { peer: Some(ip(peer)), ..curl() }), Ok(()), "{peer}");
    }
    for peer in ["192.168.0.2", "10.0.0.1", "0.0.0.0", "::ffff:192.168.0.2", "fe80::1", "::"] {
        assert_eq!(admit(&Visit { peer: Some(ip(peer)), ..curl() }), Err(Rule::Peer), "{peer}");
    }
    assert_eq!(admit(&Visit { peer: None, ..curl() }), Err(Rule::Peer));
}

#[test]
fn the_listener_has_to_be_out_of_reach_for_others() {
    for listener in ["0.0.0.0", "::", "192.168.0.1"] {
        let visit = Visit { listener: (ip(listener), 8080).into(), ..curl() };
        assert_eq!(admit(&visit), Err(Rule::Listener), "{listener}");
    }
    assert_eq!(admit(&Visit { listener: (ip("::1"), 8080).into(), ..curl() }), Ok(()));
}

#[test]
fn the_host_has_to_be_a_loopback_name_with_our_port() {
    for host in
        ["localhost:8080", "LocalHost:8080", "127.0.0.1:8080", "127.0.0.2:8080", "[::1]:8080"]
    {
        assert_eq!(admit(&Visit { hosts: vec![host], ..curl() }), Ok(()), "{host}");
    }
    for host in [
        // DNS rebinding: the page's own name resolves to 127.0.0.1.
        "evil.example:8080",
        "localhost.evil.example:8080",
        "evil-localhost:8080",
        "127.0.0.1.nip.io:8080",
        // A resolver may be asked for these.
        "localhost.:8080",
        "app.localhost:8080",
        "localhost:8081",
        "localhost:80",
        "localhost:+8080",
        "localhost:08080x",
        "localhost:",
        "localhost",
        "[::1]",
        "[::1]:8081",
        "[::1]8080",
        "::1:8080",
        "[127.0.0.1]:8080",
        "[localhost]:8080",
        "192.168.0.1:8080",
        "0.0.0.0:8080",
        "[::]:8080",
        "2130706433:8080",
        "user@localhost:8080",
        "localhost:8080@evil.example",
        "localhost:8080, evil.example",
        " localhost:8080",
        "",
        "\u{fffd}",
    ] {
        assert_eq!(admit(&Visit { hosts: vec![host], ..curl() }), Err(Rule::Host), "{host}");
    }
}

#[test]
fn every_host_has_to_be_ours_and_one_there_must_be() {
    for hosts in
        [vec![], vec!["localhost:8080", "evil.example"], vec!["evil.example", "localhost:8080"]]
    {
        assert_eq!(admit(&Visit { hosts, ..curl() }), Err(Rule::Host));
    }
    let twice = Visit { hosts: vec!["localhost:8080", "127.0.0.1:8080"], ..curl() };
    assert_eq!(admit(&twice), Ok(()), "an absolute URL beside the header");
}

#[test]
fn a_port_that_is_left_out_is_80() {
    let listener = ([127, 0, 0, 1], 80).into();
    for host in ["localhost", "127.0.0.1", "[::1]", "localhost:80"] {
        assert_eq!(admit(&Visit { listener, hosts: vec![host], ..curl() }), Ok(()), "{host}");
    }
    assert_eq!(admit(&Visit { listener, ..curl() }), Err(Rule::Host));
}

#[test]
fn what_a_proxy_passes_on_does_not_come_from_here() {
    let visit = Visit { forwarded: Some("x-forwarded-for"), ..curl() };
    assert_eq!(admit(&visit), Err(Rule::Forwarded));
    for name in [
        "forwarded",
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-x",
    ] {
        assert!(is_forwarding(name), "{name}");
    }
    for name in ["host", "x-request-id", "x-forward", "accept"] {
        assert!(!is_forwarding(name), "{name}");
    }
}

#[test]
fn the_origin_has_to_be_our_own() {
    for origin in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        assert_eq!(admit(&Visit { origins: vec![origin], ..curl() }), Ok(()), "{origin}");
    }
    for origin in [
        "null",
        "",
        "http://localhost:3000",
        "http://localhost",
        "https://localhost:8080",
        "http://evil.example",
        "http://evil.example:8080",
        "http://localhost:8080.evil.example",
        "http://localhost:8080/",
        "chrome-extension://abc",
        "localhost:8080",
    ] {
        assert_eq!(
            admit(&Visit { origins: vec![origin], ..curl() }),
            Err(Rule::Origin),
            "{origin}"
        );
    }
    let two = Visit { origins: vec!["http://localhost:8080", "http://evil.example"], ..curl() };
    assert_eq!(admit(&two), Err(Rule::Origin));
}

#[test]
fn the_browser_must_not_say_that_another_site_asks() {
    for site in ["none", "same-origin"] {
        assert_eq!(admit(&Visit { fetch_sites: vec![site], ..curl() }), Ok(()), "{site}");
    }
    for site in ["cross-site", "same-site", "", "NONE", "none, cross-site"] {
        assert_eq!(
            admit(&Visit { fetch_sites: vec![site], ..curl() }),
            Err(Rule::FetchSite),
            "{site}"
        );
    }
    let two = Visit { fetch_sites: vec!["none", "cross-site"], ..curl() };
    assert_eq!(admit(&two), Err(Rule::FetchSite));
}

#[test]
fn a_body_has_to_be_of_a_type_that_no_form_can_send() {
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/ld+json",
        "image/png",
    ] {
        assert_eq!(admit(&Visit { content_types: vec![kind], ..curl() }), Ok(()), "{kind}");
    }
    for kind in [
        "text/plain",
        "TEXT/PLAIN;charset=UTF-8",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain, application/json",
        "json",
        "",
        "\u{fffd}",
    ] {
        let visit = Visit { content_types: vec![kind], ..curl() };
        assert_eq!(admit(&visit), Err(Rule::ContentType), "{kind}");
    }
    assert_eq!(admit(&Visit { content_types: vec![], ..curl() }), Err(Rule::ContentType));
    let two = Visit { content_types: vec!["application/json", "text/plain"], ..curl() };
    assert_eq!(admit(&two), Err(Rule::ContentType));
}
