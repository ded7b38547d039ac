//! A server that gives canned answers, one per connection, and keeps the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A server that gives canned answers.
pub struct Canned {
    /// Its address.
    pub url: String,
    thread: JoinHandle<Vec<String>>,
}

impl Canned {
    /// Serves the answers in turn. An empty answer closes the connection without a word.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let thread = thread::spawn(move || {
            let serve = |answer: String| {
                let (stream, _) = listener.accept().expect("a connection");
                exchange(stream, &answer)
            };
            answers.into_iter().map(serve).collect()
        });
        Self { url, thread }
    }

    /// The requests as they came, once every answer is given.
    ///
    /// # Panics
    /// When the server did.
    #[must_use]
    pub fn requests(self) -> Vec<String> {
        self.thread.join().expect("the server did not panic")
    }
}

/// An answer of a mindflight server.
#[must_use]
pub fn ours(status: &str, body: &str) -> String {
    answer(status, "Api-Version: 1\r\nContent-Type: application/json\r\n", body)
}

/// An answer with other headers.
#[must_use]
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn exchange(stream: TcpStream, answer: &str) -> String {
    let mut reader = BufReader::new(&stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header line");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    request.push_str(&String::from_utf8_lossy(&body));
    (&stream).write_all(answer.as_bytes()).expect("the answer is taken");
    stream.shutdown(Shutdown::Both).ok();
    request
}
