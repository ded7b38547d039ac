//! What goes out, what comes back, and to which addresses.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use mindflight_core::ports::{Http, RequestLimits};
use mindflight_outbound::{Outbound, Settings};

use crate::names::Names;
use crate::server::{Reply, Server, answer, limits, outbound, send, send_within, settings};

#[tokio::test]
async fn a_request_goes_out_as_it_is_and_the_answer_comes_back() {
    let server = Server::start(vec![answer(418, &[("x-a", "b")], "tea")]);
    let port: Arc<dyn Http> = Arc::new(outbound(&[&server]));
    let request = Request::post(server.url("/pot?kind=green"))
        .header("content-type", "text/plain")
        .header("host", "internal.example")
        .header("connection", "upgrade")
        .header("content-length", "99")
        .body(Bytes::from_static(b"leaves"))
        .unwrap();
    let answer = port.send(request, RequestLimits::default()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-a"].as_bytes()), (418, &b"b"[..]));
    assert_eq!(answer.body().as_ref(), b"tea");
    assert!(!answer.headers().contains_key("connection"));
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "POST /pot?kind=green HTTP/1.1");
    assert_eq!((seen.body.as_str(), seen.header("content-length")), ("leaves", Some("6")));
    assert_eq!(seen.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!(seen.header("user-agent"), Some(concat!("mindflight/", env!("CARGO_PKG_VERSION"))));
    assert_eq!((seen.header("connection"), seen.header("accept-encoding")), (None, None));
}

#[tokio::test]
async fn the_agent_is_the_requests_own_if_it_has_one() {
    let server = Server::start(vec![answer(200, &[], "")]);
    let request = Request::get(server.url("/")).header("user-agent", "weather/1");
    let request = request.body(Bytes::new()).unwrap();
    outbound(&[&server]).send(request, RequestLimits::default()).await.unwrap();
    assert_eq!(server.seen()[0].header("user-agent"), Some("weather/1"));
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_its_host_is_said() {
    let server = Server::start(vec![answer(200, &[], "hello")]);
    let names = Names::new(&[("a.test", &["127.0.0.1"])]);
    let allow = vec![format!("a.test:{}", server.port).parse().unwrap()];
    let outbound =
        Outbound::with_resolver(Settings { allow, ..Settings::default() }, names.clone());
    let url = format!("http://a.test:{}/", server.port);
    assert_eq!(send(&outbound, "GET", &url).await.unwrap().body().as_ref(), b"hello");
    assert_eq!(names.asked(), 1);
    let host = format!("a.test:{}", server.port);
    assert_eq!(server.seen()[0].header("host"), Some(host.as_str()));
}

#[tokio::test]
async fn nobody_connects_to_what_is_refused() {
    let server = Server::start(vec![answer(200, &[], "secret")]);
    let names = Names::new(&[("a.test", &["127.0.0.1"]), ("mixed.test", &["127.0.0.1,10.9.9.9"])]);
    let settings = |allow: &[&str]| Settings {
        allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
        ports: vec![80, 443, server.port],
        https_only: false,
        ..Settings::default()
    };
    let closed = Outbound::with_resolver(settings(&[]), names.clone());
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost", "a.test"] {
        let url = format!("http://{host}:{}/?key=hidden", server.port);
        let error = send(&closed, "GET", &url).await.unwrap_err();
        assert_eq!((error.status(), error.name()), (403, "not_allowed"), "{host}: {error}");
        assert!(!error.detail().contains("hidden"), "{error}");
    }
    // One address of two may be called, and the name may not: which one is taken would be chance.
    let half = Outbound::with_resolver(settings(&["127.0.0.0/8"]), names);
    let url = format!("http://mixed.test:{}/", server.port);
    let error = send(&half, "GET", &url).await.unwrap_err();
    assert_eq!(error.detail(), "`mixed.test` may not be called: it is a private address");
    assert_eq!(server.connections(), 0);
}

/// Linux answers on every address of 127.0.0.0/8, so one can stand for the internet.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nothing_inside() {
    let inside = Server::start(vec![answer(200, &[], "secret")]);
    let at = format!("127.0.0.2:{}", inside.port);
    let outside = Server::at(&at, vec![answer(200, &[], "public")]);
    let names = Names::new(&[("rebind.test", &["127.0.0.2", "127.0.0.1"])]);
    let settings = Settings {
        allow: vec!["127.0.0.2/32".parse().unwrap()],
        ports: vec![inside.port],
        https_only: false,
        ..Settings::default()
    };
    let outbound = Outbound::with_resolver(settings, names.clone());
    let url = format!("http://rebind.test:{}/", inside.port);
    assert_eq!(send(&outbound, "GET", &url).await.unwrap().body().as_ref(), b"public");
    assert_eq!(names.asked(), 1, "what was checked is what was connected to");
    let error = send(&outbound, "GET", &url).await.unwrap_err();
    assert_eq!(error.detail(), "`rebind.test` may not be called: it is a loopback address");
    assert_eq!((outside.connections(), inside.connections()), (1, 0));
}

#[tokio::test]
async fn checked_first_and_called_later_is_checked_twice() {
    let inside = Server::start(vec![answer(200, &[], "secret")]);
    let names = Names::new(&[("rebind.test", &["8.8.8.8", "127.0.0.1"])]);
    let ports = vec![inside.port];
    let settings = Settings { ports, https_only: false, ..Settings::default() };
    let outbound = Outbound::with_resolver(settings, names);
    let url = format!("http://rebind.test:{}/", inside.port);
    outbound.check(&url).await.unwrap();
    assert_eq!(send(&outbound, "GET", &url).await.unwrap_err().status(), 403);
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn bodies_have_a_limit_whether_announced_or_not() {
    let long = "x".repeat(1001);
    for reply in [
        answer(200, &[], &long),
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}")),
        Reply::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()),
        Reply::Hold("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_owned()),
    ] {
        let server = Server::start(vec![reply]);
        let outbound = Outbound::new(Settings { max_body_bytes: 1000, ..settings(&[&server]) });
        let error = send(&outbound, "GET", &server.url("/")).await.unwrap_err();
        assert_eq!(error.name(), "upstream_error");
        let detail =
            "the answer of `127.0.0.1` is larger than 1000 bytes (`outbound.max_body_bytes`)";
        assert_eq!(error.detail(), detail);
        assert_eq!(server.connections(), 1, "it is not tried again");
    }
    let server = Server::start(vec![answer(200, &[], &long[1..])]);
    let outbound = Outbound::new(Settings { max_body_bytes: 1000, ..settings(&[&server]) });
    assert_eq!(send(&outbound, "GET", &server.url("/")).await.unwrap().body().len(), 1000);
    let narrow = limits(|limits| limits.max_body = Some(999));
    let error = send_within(&outbound, "GET", &server.url("/"), narrow).await.unwrap_err();
    assert!(error.detail().ends_with("larger than 999 bytes"), "{error}");
    let wide = limits(|limits| limits.max_body = Some(5000));
    assert!(send_within(&outbound, "GET", &server.url("/"), wide).await.is_ok());
    let head = Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_owned());
    let server = Server::start(vec![head]);
    let outbound = Outbound::new(Settings { max_body_bytes: 1000, ..settings(&[&server]) });
    assert!(send(&outbound, "HEAD", &server.url("/")).await.is_ok());
}

#[tokio::test]
async fn the_time_of_a_request_narrows_that_of_the_operator_and_never_widens_it() {
    let server = Server::start(vec![Reply::Hold(String::new())]);
    let outbound =
        Outbound::new(Settings { timeout: Duration::from_millis(80), ..settings(&[&server]) });
    let wide = limits(|limits| limits.timeout = Some(Duration::from_secs(3600)));
    let error = send_within(&outbound, "POST", &server.url("/"), wide).await.unwrap_err();
    assert_eq!(error.detail(), "`127.0.0.1` did not answer: timed out within 80 ms");
    let narrow = limits(|limits| limits.timeout = Some(Duration::from_millis(20)));
    let error = send_within(&outbound, "POST", &server.url("/"), narrow).await.unwrap_err();
    assert_eq!(error.detail(), "`127.0.0.1` did not answer: timed out within 20 ms");
}

#[test]
fn exchanges_are_counted_without_naming_hosts() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let server = Server::start(vec![
                answer(204, &[], ""),
                answer(404, &[], ""),
                answer(500, &[], ""),
                Reply::Bytes(String::new()),
            ]);
            let outbound = Outbound::new(Settings {
                breaker_failures: 2,
                breaker_rest: Duration::from_secs(3600),
                ..settings(&[&server])
            });
            for _ in 0..5 {
                drop(send(&outbound, "POST", &server.url("/x")).await);
            }
            drop(send(&outbound, "GET", "http://10.0.0.1/").await);
        });
    });
    let text = handle.render();
    for outcome in ["2xx", "4xx", "5xx", "failed", "breaker_open", "refused"] {
        let line = format!("mindflight_outbound_requests_total{{outcome=\"{outcome}\"}} 1");
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(text.contains("mindflight_outbound_breaker_opened_total 1"), "{text}");
    assert!(text.contains("mindflight_outbound_request_duration_seconds_count 6"), "{text}");
    assert!(!text.contains("127.0.0.1") && !text.contains("10.0.0.1"), "{text}");
}
