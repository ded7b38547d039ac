//! Two numbers to add, as the bytes of a request, and what the right answer to it is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::answer::Answer;

/// More than any right answer takes, even the first after a start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to ask, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
}

/// One request that can be sent again and again.
pub(crate) struct Question {
    pub(crate) request: Vec<u8>,
    sum: i64,
}

#[derive(Deserialize)]
struct Sum {
    sum: i64,
}

impl Question {
    pub(crate) fn new(to: &Endpoint, a: i64, b: i64) -> Self {
        let body = format!(r#"{{"a":{a},"b":{b}}}"#);
        let key = to
            .key
            .as_ref()
            .map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\n{key}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            to.path,
            to.address,
            body.len()
        );
        Self { request: request.into_bytes(), sum: a + b }
    }

    /// So many different questions that an answer to another one is seen as wrong.
    pub(crate) fn many(to: &Endpoint) -> Vec<Self> {
        (0..257).map(|n| Self::new(to, n * 7919 % 10_007, n * 104_729 % 1_000_003)).collect()
    }

    /// Why this is not the right answer, if it is not.
    pub(crate) fn check(&self, status: u16, body: &[u8]) -> Result<(), String> {
        let is_right = status == 200
            && serde_json::from_slice::<Sum>(body).is_ok_and(|answer| answer.sum == self.sum);
        if is_right {
            return Ok(());
        }
        let body = String::from_utf8_lossy(body);
        let body: String = body.chars().take(300).collect();
        Err(format!("expected 200 with sum {}, got {status}: {body}", self.sum))
    }
}

/// Asks once, on a connection of its own, and gives the status and the body.
pub(crate) fn ask(question: &Question, address: SocketAddr) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&question.request)?;
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut part).context("no answer")?;
        ensure!(count > 0, "the connection was closed without an answer");
        bytes.extend_from_slice(&part[..count]);
        if let Some(answer) = Answer::read(&bytes)? {
            return Ok((answer.status, answer.body(&bytes).to_vec()));
        }
    }
}

/// Asks once and takes only the right answer.
pub(crate) fn ask_rightly(to: &Endpoint) -> Result<()> {
    let question = Question::new(to, 2, 3);
    let (status, body) = ask(&question, to.address)?;
    if let Err(wrong) = question.check(status, &body) {
        bail!("POST {}: {wrong}", to.path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(key: Option<&str>) -> Endpoint {
        Endpoint {
            address: "127.0.0.1:80".parse().unwrap(),
            path: "/add".to_owned(),
            key: key.map(str::to_owned),
        }
    }

    #[test]
    fn a_question_is_a_request_with_the_length_of_its_body() {
        let question = Question::new(&endpoint(Some("k")), 20, 3);
        assert_eq!(
            String::from_utf8(question.request).unwrap(),
            "POST /add HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAuthorization: Bearer k\r\n\
             Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"a\":20,\"b\":3}"
        );
    }

    #[test]
    fn only_the_right_sum_with_status_200_is_right() {
        let question = Question::new(&endpoint(None), 2, 3);
        assert_eq!(question.check(200, br#"{"sum":5}"#), Ok(()));
        for (status, body) in [(200, "{\"sum\":6}"), (500, "{\"sum\":5}"), (200, "5"), (200, "")] {
            let wrong = question.check(status, body.as_bytes()).unwrap_err();
            assert!(wrong.starts_with(&format!("expected 200 with sum 5, got {status}")));
        }
    }

    #[test]
    fn neighbouring_questions_have_different_sums() {
        let questions = Question::many(&endpoint(None));
        assert!(questions.windows(2).all(|pair| pair[0].sum != pair[1].sum));
    }
}
