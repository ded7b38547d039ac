//! Every spelling of every forbidden place is refused, and the internet is not.

use std::sync::Arc;

use mindflight_api::RequestId;
use mindflight_outbound::{Outbound, Settings, address};
use url::Url;

use crate::names::Names;

const CORPUS: &str = include_str!("corpus.txt");

struct Case<'a> {
    verdict: String,
    url: &'a str,
    addresses: &'a str,
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (verdict, rest) = line.split_once(' ').expect("a verdict and a URL");
        let (url, addresses) = match rest.trim().rsplit_once("  ") {
            Some((url, addresses)) => (url.trim(), addresses.trim()),
            None => (rest.trim(), ""),
        };
        Case { verdict: verdict.replace('_', " "), url, addresses }
    })
}

/// A client that resolves the one name of `url` to `addresses`.
fn outbound(allow: &[&str], url: &str, addresses: &str) -> Outbound {
    let name = Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned()));
    let name = name.unwrap_or_default();
    let answers = [addresses];
    let names = [(name.trim_end_matches('.'), answers.as_slice())];
    let names = Names::new(if addresses.is_empty() { &[] } else { &names });
    let allow = allow.iter().map(|entry| entry.parse().expect("an entry")).collect();
    Outbound::with_resolver(Settings { allow, https_only: false, ..Settings::default() }, names)
}

#[tokio::test]
async fn the_corpus_is_judged_as_it_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for Case { verdict, url, addresses } in cases() {
        count += 1;
        let found = match outbound(&[], url, addresses).check(url).await {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        let right = match verdict.as_str() {
            "ok" => found == "ok",
            words => found.contains(words),
        };
        if !right {
            wrong.push(format!("{url} {addresses}: {verdict} wanted, got {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 200, "{count} cases");
}

#[tokio::test]
async fn a_refusal_is_403_names_the_host_and_says_what_an_operator_may_do() {
    for Case { verdict, url, addresses } in cases() {
        if ["ok", "be read", "not found"].contains(&verdict.as_str()) {
            continue;
        }
        let error = outbound(&[], url, addresses).check(url).await.unwrap_err();
        assert_eq!(error.status(), 403, "{url}");
        let problem = told(&error);
        for address in addresses.split(',').filter(|address| !address.is_empty()) {
            assert!(!problem.contains(&format!("`{address}`")), "{url}: {problem}");
            assert!(url.contains(address) || !problem.contains(address), "{url}: {problem}");
        }
        for secret in ["password", "query=1", "meta-data"] {
            assert!(verdict == "user" || !problem.contains(secret), "{url}: {problem}");
        }
    }
}

/// What callers read of an error.
fn told(error: &mindflight_core::Error) -> String {
    let problem = error.problem(RequestId::new());
    format!("{} {:?}", problem.detail, problem.fix)
}

#[tokio::test]
async fn what_the_fix_says_makes_the_call_possible() {
    let mut lifted = 0;
    for Case { verdict, url, addresses } in cases() {
        let Err(error) = outbound(&[], url, addresses).check(url).await else { continue };
        let fix = error.problem(RequestId::new()).fix.unwrap_or_default();
        let Some(entry) = fix.split('"').nth(1).filter(|_| error.status() == 403) else { continue };
        // Port 0 is none.
        if entry.ends_with(":0") {
            continue;
        }
        let again = outbound(&[entry], url, addresses).check(url).await;
        assert!(again.is_ok(), "{verdict} {url}: {fix}: {again:?}");
        lifted += 1;
    }
    assert!(lifted > 120, "{lifted}");
}

#[tokio::test]
async fn entries_lift_the_rules_for_what_they_name_and_for_nothing_else() {
    for (allow, url, addresses, verdict) in [
        ("10.0.0.0/8", "http://10.1.2.3:8080/", "", "ok"),
        ("10.0.0.0/8:8080", "http://10.1.2.3:8080/", "", "ok"),
        ("10.0.0.0/8:8080", "http://10.1.2.3/", "", "private"),
        ("10.0.0.0/8:8080", "http://10.1.2.3:8081/", "", "private"),
        ("10.0.0.0/8", "http://db.internal:5432/", "10.1.2.3", "ok"),
        ("10.0.0.0/8", "http://db.internal/", "10.1.2.3,8.8.8.8", "ok"),
        ("10.0.0.0/8", "http://db.internal:5432/", "10.1.2.3,8.8.8.8", "port"),
        ("10.0.0.0/8", "http://db.internal:5432/", "8.8.8.8", "port"),
        ("10.0.0.0/8", "http://db.internal/", "10.1.2.3,192.168.0.1", "private"),
        ("10.0.0.0/8:8080", "http://db.internal/", "10.1.2.3", "private"),
        ("10.0.0.0/8:8080", "http://db.internal:8080/", "10.1.2.3", "ok"),
        ("10.0.0.0/8:8080", "http://db.internal:9090/", "10.1.2.3", "port"),
        ("10.0.0.0/8", "http://[::ffff:10.0.0.1]/", "", "ok"),
        ("10.0.0.0/8", "http://[64:ff9b::a00:1]/", "", "private"),
        ("db.internal", "http://db.internal:5432/", "10.1.2.3", "ok"),
        ("db.internal", "http://DB.internal.:5432/", "10.1.2.3", "ok"),
        ("db.internal:80", "http://db.internal:5432/", "10.1.2.3", "port"),
        ("db.internal", "http://x.db.internal/", "10.1.2.3", "private"),
        ("*.internal", "http://x.db.internal/", "10.1.2.3", "ok"),
        ("*.internal", "http://internal/", "10.1.2.3", "private"),
        ("*.internal", "http://10.1.2.3/", "", "private"),
        ("localhost:3000", "http://localhost:3000/", "127.0.0.1", "ok"),
        ("localhost:3000", "http://127.0.0.1:3000/", "", "loopback"),
        ("127.0.0.0/8", "http://localhost:3000/", "127.0.0.1", "ok"),
        ("127.0.0.0/8", "http://localhost/", "127.0.0.1,::1", "this machine"),
        ("[::1]:8080", "http://[::1]:8080/", "", "ok"),
        ("::1", "http://[::ffff:127.0.0.1]/", "", "loopback"),
        ("0.0.0.0/0", "http://169.254.169.254/", "", "ok"),
        ("0.0.0.0/0", "http://user@169.254.169.254/", "", "user"),
        ("db.internal", "ftp://db.internal/", "10.1.2.3", "scheme"),
    ] {
        let found = match outbound(&[allow], url, addresses).check(url).await {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(
            found.contains(verdict),
            "{allow} {url} {addresses}: {verdict} wanted, got {found}"
        );
    }
}

#[tokio::test]
async fn https_is_asked_for_unless_an_entry_lifts_it() {
    let strict = |allow: &[&str], names: Arc<Names>| {
        let allow = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        Outbound::with_resolver(Settings { allow, ..Settings::default() }, names)
    };
    let names = || Names::new(&[("a.test", &["8.8.8.8"]), ("b.test", &["10.0.0.1"])]);
    let error = strict(&[], names()).check("http://a.test/x?y").await.unwrap_err();
    assert_eq!(error.detail(), "`a.test` may not be called: the URL is not https");
    assert!(strict(&[], names()).check("https://a.test/").await.is_ok());
    for (entry, url) in [
        ("a.test", "http://a.test/"),
        ("8.8.8.8", "http://a.test/"),
        ("8.8.8.8", "http://8.8.8.8/"),
        ("b.test:80", "http://b.test/"),
        ("10.0.0.0/8", "http://b.test/"),
    ] {
        assert!(strict(&[entry], names()).check(url).await.is_ok(), "{entry} {url}");
        let other = url.replace("/a.", "/x.").replace("/b.", "/x.").replace("8.8.8.8", "1.1.1.1");
        assert!(strict(&[entry], names()).check(&other).await.is_err(), "{entry} {other}");
    }
}

#[test]
fn the_borders_of_networks_are_where_they_should_be() {
    for (first, last, before, after) in [
        ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
        ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
        ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
        ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
        ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
        ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
        ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
        ("2001:db8::", "2001:db8:ffff::", "2001:db7:ffff::", "2001:db9::"),
        ("2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"),
        ("3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"),
    ] {
        for (text, refused) in [(first, true), (last, true), (before, false), (after, false)] {
            let found = address::refusal(text.parse().unwrap());
            assert_eq!(found.is_some(), refused, "{text}: {found:?}");
        }
    }
}
