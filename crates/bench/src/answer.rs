//! Reads one HTTP/1.1 answer: as much of the protocol as servers need who say how long their bodies are.

use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};

/// The longest head that is read; a server that never ends its head is not waited for.
const LONGEST_HEAD: usize = 32 << 10;

/// Where the parts of an answer are in the bytes it was read from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Range<usize>,
}

impl Answer {
    /// The answer at the front of these bytes, once all of it is there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = end_of_head(bytes) else {
            ensure!(bytes.len() < LONGEST_HEAD, "the head of the answer does not end");
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).context("the head is not UTF-8")?;
        let mut lines = head.split("\r\n");
        let status = status(lines.next().unwrap_or_default())?;
        let length = length(lines)?;
        let body = end + 4..end + 4 + length;
        if bytes.len() < body.end {
            return Ok(None);
        }
        // Nothing was asked after this question, so nothing can follow its answer.
        ensure!(bytes.len() == body.end, "there is more than one answer");
        Ok(Some(Self { status, body }))
    }

    /// The body, of the bytes that the answer was read from.
    pub(crate) fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.body.clone()]
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n")
}

fn status(line: &str) -> Result<u16> {
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("not the first line of an HTTP/1.1 answer: {line:?}"))
}

fn length<'a>(headers: impl Iterator<Item = &'a str>) -> Result<usize> {
    for header in headers {
        let Some((name, value)) = header.split_once(':') else {
            bail!("not a header: {header:?}");
        };
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim();
            return value.parse().with_context(|| format!("not a Content-Length: {value:?}"));
        }
    }
    bail!("the answer has no Content-Length; only answers that say their length are understood")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  9\r\n\r\n{\"sum\":5}";

    #[test]
    fn an_answer_is_there_when_its_last_byte_is() {
        for cut in 0..WHOLE.len() {
            assert_eq!(Answer::read(&WHOLE[..cut]).unwrap(), None, "{cut} bytes");
        }
        let answer = Answer::read(WHOLE).unwrap().unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body(WHOLE), b"{\"sum\":5}");
    }

    #[test]
    fn a_body_may_be_empty() {
        let bytes = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
        let answer = Answer::read(bytes).unwrap().unwrap();
        assert_eq!((answer.status, answer.body(bytes)), (204, &b""[..]));
    }

    #[test]
    fn what_is_no_answer_or_has_no_length_is_refused() {
        for (bytes, word) in [
            (&b"SSH-2.0-x\r\n\r\n"[..], "first line"),
            (b"HTTP/1.1 abc\r\n\r\n", "first line"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no Content-Length"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not a Content-Length"),
            (b"HTTP/1.1 200 OK\r\nwhat\r\n\r\n", "not a header"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}", "more than one"),
        ] {
            let error = Answer::read(bytes).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Answer::read(&[b'x'; LONGEST_HEAD]).is_err());
    }
}
