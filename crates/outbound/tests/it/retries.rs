//! What is sent again, and how often.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mindflight_core::ports::{Http as _, RequestLimits};
use mindflight_outbound::{Outbound, Settings};

use crate::server::{Reply, Server, answer, limits, outbound, send, send_within, settings};

#[tokio::test]
async fn what_passes_is_tried_again_until_it_has_passed() {
    for bad in [
        answer(502, &[], ""),
        answer(503, &[("retry-after", "0")], ""),
        answer(504, &[], ""),
        answer(429, &[], ""),
        Reply::Bytes(String::new()),
        Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".to_owned()),
    ] {
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let server = Server::start(vec![bad.clone(), bad.clone(), answer(200, &[], "good")]);
            let answer = send(&outbound(&[&server]), method, &server.url("/")).await.unwrap();
            assert_eq!(answer.body().as_ref(), b"good", "{method} {bad:?}");
            assert_eq!(server.seen().len(), 3, "{method} {bad:?}");
        }
    }
}

#[tokio::test]
async fn the_last_answer_stands() {
    let server = Server::start(vec![answer(503, &[], "busy")]);
    let answer = send(&outbound(&[&server]), "GET", &server.url("/")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (503, &b"busy"[..]));
    assert_eq!(server.seen().len(), 3);
    let once = Outbound::new(Settings { retries: 0, ..settings(&[&server]) });
    send(&once, "GET", &server.url("/")).await.unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_may_have_had_an_effect_is_sent_once() {
    for method in ["POST", "PATCH"] {
        for bad in [answer(503, &[], ""), Reply::Bytes(String::new())] {
            let server = Server::start(vec![bad]);
            drop(send(&outbound(&[&server]), method, &server.url("/")).await);
            assert_eq!(server.seen().len(), 1, "{method}");
        }
    }
    let server = Server::start(vec![answer(503, &[], ""), answer(201, &[], "")]);
    let request = Request::post(server.url("/")).header("idempotency-key", "k");
    let request = request.body(Bytes::from_static(b"once")).unwrap();
    let answer = outbound(&[&server]).send(request, RequestLimits::default()).await.unwrap();
    assert_eq!(answer.status(), 201);
    let seen = server.seen();
    assert_eq!((seen[1].header("idempotency-key"), seen[1].body.as_str()), (Some("k"), "once"));
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    for status in [200, 400, 401, 404, 500, 501] {
        let server = Server::start(vec![answer(status, &[], "")]);
        send(&outbound(&[&server]), "GET", &server.url("/")).await.unwrap();
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_in_is_left_to_the_caller() {
    let server = Server::start(vec![answer(429, &[("retry-after", "30")], "")]);
    let answer = send(&outbound(&[&server]), "GET", &server.url("/")).await.unwrap();
    assert_eq!((answer.status().as_u16(), server.seen().len()), (429, 1));
    let short = limits(|limits| limits.timeout = Some(Duration::from_secs(20)));
    let again = send_within(&outbound(&[&server]), "GET", &server.url("/"), short).await.unwrap();
    assert_eq!((again.status().as_u16(), server.seen().len()), (429, 2));
}
