//! Hosts that do not answer: in which words that is said, and when they are left alone.

use std::error::Error as _;
use std::net::TcpListener;
use std::time::Duration;

use mindflight_api::Retry;
use mindflight_outbound::{Outbound, Settings};

use crate::names::Names;
use crate::server::{Reply, Server, answer, limits, outbound, send, send_within, settings};

const HOUR: Duration = Duration::from_secs(3600);

fn resting(server: &Server, breaker_rest: Duration) -> Outbound {
    Outbound::new(Settings { breaker_rest, ..settings(&[server]) })
}

#[tokio::test]
async fn each_way_of_not_answering_has_its_words() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let names = Names::new(&[]);
    let allow = vec![closed.to_string().parse().unwrap(), "gone.test".parse().unwrap()];
    let settings_of = Settings { allow, retries: 0, ..Settings::default() };
    let outbound = Outbound::with_resolver(settings_of, names);
    for (url, words) in [
        (format!("http://{closed}/?key=hidden"), "`127.0.0.1` did not answer: connection refused"),
        ("https://gone.test/".to_owned(), "`gone.test` did not answer: its name was not found"),
    ] {
        let error = send(&outbound, "GET", &url).await.unwrap_err();
        assert_eq!((error.detail(), error.name()), (words, "upstream_error"));
        let cause = format!("{:?}", error.source().unwrap());
        assert!(!cause.contains("hidden"), "{cause}");
    }
    for (reply, words) in [
        (Reply::Bytes(String::new()), "the connection broke off"),
        (Reply::Bytes("nonsense\r\n\r\n".to_owned()), "the connection broke off"),
        (
            Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".to_owned()),
            "the connection broke off",
        ),
    ] {
        let server = Server::start(vec![reply]);
        let outbound = Outbound::new(Settings { retries: 0, ..settings(&[&server]) });
        let error = send(&outbound, "GET", &server.url("/")).await.unwrap_err();
        assert_eq!(error.detail(), format!("`127.0.0.1` did not answer: {words}"));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let server = Server::start(vec![answer(200, &[], "")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
            std::io::Read::read(&mut stream, &mut [0; 4096]).ok();
        }
    });
    let allow = vec![at.to_string().parse().unwrap()];
    let outbound = Outbound::new(Settings { allow, retries: 0, ..settings(&[&server]) });
    let error = send(&outbound, "GET", &format!("https://{at}/")).await.unwrap_err();
    assert!(error.detail().starts_with("`127.0.0.1` did not answer: TLS: "), "{error}");
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_cut() {
    for start in
        ["", "HTTP/1.1 200 OK\r\nx-a: b\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow"]
    {
        let server = Server::start(vec![Reply::Hold(start.to_owned())]);
        let timeout = Duration::from_millis(60);
        let outbound = Outbound::new(Settings { timeout, ..settings(&[&server]) });
        let error = send(&outbound, "GET", &server.url("/")).await.unwrap_err();
        assert_eq!(error.detail(), "`127.0.0.1` did not answer: timed out within 60 ms", "{start}");
    }
}

#[tokio::test]
async fn a_host_that_fails_five_times_in_a_row_is_left_alone() {
    let server = Server::start(vec![answer(500, &[], "")]);
    let outbound = resting(&server, HOUR);
    for _ in 0..5 {
        assert_eq!(send(&outbound, "POST", &server.url("/")).await.unwrap().status(), 500);
    }
    let clone = outbound.clone();
    let error = send(&clone, "POST", &server.url("/")).await.unwrap_err();
    assert_eq!((error.name(), error.retry()), ("upstream_error", Retry::After));
    assert!(error.retry_after().unwrap() > HOUR / 2);
    assert!(error.detail().contains("`127.0.0.1` failed several times in a row"), "{error}");
    assert_eq!(server.connections(), 5);
    // Another port is another host.
    let other = Server::start(vec![answer(200, &[], "")]);
    let both = Outbound::new(Settings { breaker_rest: HOUR, ..settings(&[&server, &other]) });
    for _ in 0..6 {
        drop(send(&both, "POST", &server.url("/")).await);
    }
    assert!(send(&both, "POST", &other.url("/")).await.is_ok());
}

#[tokio::test]
async fn an_answer_in_between_begins_the_count_anew() {
    let bad = || answer(503, &[], "");
    let good = || answer(404, &[], "");
    let replies = [bad(), bad(), bad(), bad(), good(), bad(), bad(), bad(), bad(), good()];
    let server = Server::start(replies.into());
    let outbound = resting(&server, HOUR);
    for _ in 0..12 {
        assert!(send(&outbound, "POST", &server.url("/")).await.is_ok());
    }
}

#[tokio::test]
async fn attempts_count_and_a_rest_ends_the_retries() {
    let server = Server::start(vec![Reply::Bytes(String::new())]);
    let outbound = resting(&server, HOUR);
    for _ in 0..2 {
        let error = send(&outbound, "GET", &server.url("/")).await.unwrap_err();
        assert!(error.detail().contains("did not answer"), "{error}");
    }
    assert_eq!(server.connections(), 5, "three attempts, then two");
    let error = send(&outbound, "GET", &server.url("/")).await.unwrap_err();
    assert!(error.detail().contains("left alone"), "{error}");
}

#[tokio::test]
async fn after_the_rest_one_good_answer_makes_all_well() {
    let mut replies = vec![answer(500, &[], ""); 5];
    replies.push(answer(200, &[], ""));
    let server = Server::start(replies);
    // A rest of nothing is over at once: the sixth request is the one that tries.
    let outbound = resting(&server, Duration::ZERO);
    for _ in 0..5 {
        assert_eq!(send(&outbound, "POST", &server.url("/")).await.unwrap().status(), 500);
    }
    for _ in 0..3 {
        assert_eq!(send(&outbound, "POST", &server.url("/")).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn requests_that_nobody_waits_for_count_as_nothing() {
    let mut replies = vec![answer(500, &[], ""); 4];
    replies.push(Reply::Hold(String::new()));
    let server = Server::start(replies);
    let outbound = resting(&server, HOUR);
    for _ in 0..4 {
        send(&outbound, "POST", &server.url("/")).await.unwrap();
    }
    // Dropped by its caller while the host is silent, and cut by a caller in a hurry.
    for _ in 0..3 {
        let url = server.url("/");
        let work = send(&outbound, "POST", &url);
        assert!(tokio::time::timeout(Duration::from_millis(30), work).await.is_err());
        let hurry = limits(|limits| limits.timeout = Some(Duration::from_millis(30)));
        let error = send_within(&outbound, "POST", &url, hurry).await.unwrap_err();
        assert!(error.detail().contains("timed out within 30 ms"), "{error}");
    }
}

#[tokio::test]
async fn a_host_that_is_silent_for_the_whole_time_has_failed() {
    let server = Server::start(vec![Reply::Hold(String::new())]);
    let timeout = Duration::from_millis(30);
    let outbound = Outbound::new(Settings {
        timeout,
        breaker_failures: 2,
        breaker_rest: HOUR,
        ..settings(&[&server])
    });
    for _ in 0..2 {
        let error = send(&outbound, "POST", &server.url("/")).await.unwrap_err();
        assert!(error.detail().contains("timed out"), "{error}");
    }
    let error = send(&outbound, "POST", &server.url("/")).await.unwrap_err();
    assert!(error.detail().contains("left alone"), "{error}");
}

#[tokio::test]
async fn refusals_say_nothing_about_a_host() {
    let server = Server::start(vec![answer(200, &[], "")]);
    let names = Names::new(&[("a.test", &["10.0.0.1"])]);
    let settings = Settings { breaker_failures: 1, ..settings(&[&server]) };
    let outbound = Outbound::with_resolver(settings, names);
    for _ in 0..3 {
        assert_eq!(send(&outbound, "GET", "https://a.test/").await.unwrap_err().status(), 403);
    }
}

#[test]
fn a_client_needs_no_runtime_to_be_made() {
    let server = Server::start(vec![answer(200, &[], "")]);
    let outbound = outbound(&[&server]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(send(&outbound, "GET", &server.url("/"))).is_ok());
}
