//! Just enough of PostgreSQL's protocol to ask a question, so that no client program is needed.

use std::io::{self, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The first column of every row; the server's message if it refused.
pub(crate) fn query(socket_dir: &Path, sql: &str) -> Result<Vec<String>, String> {
    talk(socket_dir, sql).unwrap_or_else(|error| Err(error.to_string()))
}

fn talk(socket_dir: &Path, sql: &str) -> io::Result<Result<Vec<String>, String>> {
    let mut stream = UnixStream::connect(socket_dir.join(".s.PGSQL.5432"))?;
    let mut hello = 196_608_u32.to_be_bytes().to_vec();
    hello.extend(b"user\0mindflight\0database\0postgres\0\0");
    stream.write_all(&length(&hello))?;
    stream.write_all(&hello)?;
    if let Err(message) = until_ready(&mut stream)? {
        return Ok(Err(message));
    }
    let mut question = sql.as_bytes().to_vec();
    question.push(0);
    stream.write_all(b"Q")?;
    stream.write_all(&length(&question))?;
    stream.write_all(&question)?;
    until_ready(&mut stream)
}

fn length(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap().to_be_bytes()
}

fn until_ready(stream: &mut UnixStream) -> io::Result<Result<Vec<String>, String>> {
    let (mut rows, mut failure) = (Vec::new(), None);
    loop {
        let [kind] = take(stream)?;
        let size = usize::try_from(u32::from_be_bytes(take(stream)?)).unwrap() - 4;
        let mut body = vec![0; size];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return Ok(failure.map_or(Ok(rows), Err)),
            b'D' => rows.push(first_column(&body)),
            b'E' => {
                let message = String::from_utf8_lossy(&body).replace('\0', " ");
                if message.contains("FATAL") {
                    return Ok(Err(message));
                }
                failure = Some(message);
            }
            _ => {}
        }
    }
}

fn take<const N: usize>(stream: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn first_column(body: &[u8]) -> String {
    let size = u32::from_be_bytes(body[2..6].try_into().unwrap());
    String::from_utf8_lossy(&body[6..6 + usize::try_from(size).unwrap()]).into_owned()
}
