//! Redirects are followed by us: counted, checked, and without credentials for others.

use bytes::Bytes;
use http::Request;
use mindflight_core::ports::{Http as _, RequestLimits};

use crate::server::{Reply, Server, answer, limits, outbound, redirect, send, send_within};

fn ok() -> Reply {
    answer(200, &[], "there")
}

#[tokio::test]
async fn redirects_are_followed_up_to_a_number() {
    let server = Server::start(vec![redirect(301, "/b"), redirect(302, "c?d"), ok()]);
    let answer = send(&outbound(&[&server]), "GET", &server.url("/a/")).await.unwrap();
    assert_eq!(answer.body().as_ref(), b"there");
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /a/ HTTP/1.1", "GET /b HTTP/1.1", "GET /c?d HTTP/1.1"]);

    let circle = Server::start(vec![redirect(302, "/")]);
    let outbound = outbound(&[&circle]);
    let error = send(&outbound, "GET", &circle.url("/")).await.unwrap_err();
    assert_eq!(error.detail(), "`127.0.0.1` redirected once more after 3 redirects");
    assert_eq!((error.name(), circle.connections()), ("upstream_error", 4));
    let one = limits(|limits| limits.max_redirects = Some(1));
    assert!(send_within(&outbound, "GET", &circle.url("/"), one).await.is_err());
    assert_eq!(circle.connections(), 6);
    let many = limits(|limits| limits.max_redirects = Some(200));
    assert!(send_within(&outbound, "GET", &circle.url("/"), many).await.is_err());
    assert_eq!(circle.connections(), 10, "no request widens what the operator says");
    let none = limits(|limits| limits.max_redirects = Some(0));
    let answer = send_within(&outbound, "GET", &circle.url("/"), none).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, &b"moved"[..]));
}

#[tokio::test]
async fn every_hop_is_checked() {
    let inside = Server::start(vec![answer(200, &[], "secret")]);
    for (to, reason) in [
        (format!("http://127.0.0.1:{}/", inside.port), "a loopback address"),
        (format!("http://2130706433:{}/", inside.port), "a loopback address"),
        (format!("//0x7f.1:{}/", inside.port), "a loopback address"),
        (format!("http:\\\\127.0.0.1:{}\\", inside.port), "a loopback address"),
        (format!("http://[::ffff:7f00:1]:{}/", inside.port), "a loopback address"),
        (format!("http://user:pw@127.0.0.1:{}/", inside.port), "a user or a password"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "link-local"),
        ("http://10.0.0.1/".to_owned(), "private"),
        ("https://localhost/".to_owned(), "this machine"),
        ("file:///etc/passwd".to_owned(), "the scheme is file"),
        ("gopher://127.0.0.1:6379/_x".to_owned(), "the scheme is gopher"),
        ("http://8.8.8.8/".to_owned(), "not https"),
        ("https://8.8.8.8:22/".to_owned(), "the port is none of 80, 443"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let server = Server::start(vec![redirect(status, &to)]);
            let error = send(&outbound(&[&server]), "GET", &server.url("/")).await.unwrap_err();
            assert_eq!(error.status(), 403, "{to}: {error}");
            assert!(error.detail().contains(reason), "{to}: {error}");
            assert!(error.detail().contains("to which `127.0.0.1` redirected"), "{to}: {error}");
            assert!(!error.detail().contains("pw") && !error.detail().contains("meta-data"));
        }
    }
    assert_eq!(inside.connections(), 0);
    let server = Server::start(vec![redirect(302, "https://[")]);
    let error = send(&outbound(&[&server]), "GET", &server.url("/")).await.unwrap_err();
    assert_eq!(error.detail(), "`127.0.0.1` redirected to what is no URL");
}

#[tokio::test]
async fn credentials_stay_with_whom_they_are_for() {
    let other = Server::start(vec![ok()]);
    let to_other = redirect(307, &other.url("/"));
    let server = Server::start(vec![redirect(307, "/again"), to_other]);
    let request = Request::put(server.url("/"))
        .header("authorization", "Bearer t")
        .header("x-api-key", "k")
        .header("cookie", "c=1")
        .header("accept", "text/plain")
        .header("content-type", "text/plain")
        .body(Bytes::from_static(b"body"))
        .unwrap();
    outbound(&[&server, &other]).send(request, RequestLimits::default()).await.unwrap();
    let again = &server.seen()[1];
    assert_eq!((again.header("authorization"), again.body.as_str()), (Some("Bearer t"), "body"));
    let elsewhere = &other.seen()[0];
    for name in ["authorization", "x-api-key", "cookie"] {
        assert_eq!(elsewhere.header(name), None, "{name}");
    }
    assert_eq!(elsewhere.header("accept"), Some("text/plain"));
    assert_eq!((elsewhere.line.as_str(), elsewhere.body.as_str()), ("PUT / HTTP/1.1", "body"));
}

#[tokio::test]
async fn a_post_becomes_a_get_where_the_standard_says_so() {
    for (status, line, body) in [
        (302, "GET /b HTTP/1.1", ""),
        (303, "GET /b HTTP/1.1", ""),
        (307, "POST /b HTTP/1.1", "x"),
        (308, "POST /b HTTP/1.1", "x"),
    ] {
        let server = Server::start(vec![redirect(status, "/b"), ok()]);
        let request = Request::post(server.url("/a")).header("content-type", "text/plain");
        let request = request.body(Bytes::from_static(b"x")).unwrap();
        outbound(&[&server]).send(request, RequestLimits::default()).await.unwrap();
        let seen = &server.seen()[1];
        assert_eq!((seen.line.as_str(), seen.body.as_str()), (line, body), "{status}");
        assert_eq!(seen.header("content-type").is_some(), !body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_the_answer() {
    let server = Server::start(vec![answer(302, &[], "no location"), answer(304, &[], "")]);
    let outbound = outbound(&[&server]);
    let first = send(&outbound, "GET", &server.url("/")).await.unwrap();
    assert_eq!((first.status().as_u16(), first.body().as_ref()), (302, &b"no location"[..]));
    assert_eq!(send(&outbound, "GET", &server.url("/")).await.unwrap().status(), 304);
}
