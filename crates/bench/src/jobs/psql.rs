//! What PostgreSQL says of itself, through its own client: one session that is asked one thing after another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};

/// Printed after each answer; no answer of ours holds it.
const END: &str = "--end-of-answer--";

/// A program beside the server's own, or wherever the shell finds it.
pub(crate) fn program(folder: &Path, name: &str) -> PathBuf {
    let beside = folder.join(name);
    if beside.is_file() { beside } else { PathBuf::from(name) }
}

/// The URL with the name of another database of the same cluster.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let rest = url.rsplit_once('/').map_or(url, |(rest, _)| rest);
    format!("{rest}/{database}")
}

/// A session. It ends with the value.
pub(crate) struct Psql {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    pub(crate) fn open(programs: &Path, url: &str) -> Result<Self> {
        let mut child = Command::new(program(programs, "psql"))
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--dbname", url])
            .env("PGOPTIONS", "--client-min-messages=warning")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run psql")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let input = input.context("psql has no input")?;
        let output = BufReader::new(output.context("psql has no output")?);
        Ok(Self { child, input, output })
    }

    /// The rows that this gives, as texts.
    pub(crate) fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        writeln!(self.input, "{sql};\n\\echo {END}").context("psql does not listen")?;
        self.input.flush()?;
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            let count = self.output.read_line(&mut line).context("psql does not answer")?;
            ensure!(count > 0, "psql refused: {sql}");
            match line.trim_end() {
                END => return Ok(rows),
                row => rows.push(cells(row)),
            }
        }
    }

    /// The one value that this gives.
    pub(crate) fn value<T: FromStr>(&mut self, sql: &str) -> Result<T> {
        let rows = self.rows(sql)?;
        let [row] = rows.as_slice() else {
            bail!("{} rows instead of one from: {sql}", rows.len())
        };
        let [value] = row.as_slice() else { bail!("no single value from: {sql}") };
        value.parse().ok().with_context(|| format!("`{value}` came from: {sql}"))
    }

    /// Whether this is so.
    pub(crate) fn holds(&mut self, sql: &str) -> Result<bool> {
        Ok(self.value::<String>(sql)? == "t")
    }

    /// Does this, whatever it gives.
    pub(crate) fn run(&mut self, sql: &str) -> Result<()> {
        self.rows(sql).map(drop)
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn cells(row: &str) -> Vec<String> {
    row.split('|').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_pointed_at_another_database() {
        let url = with_database("postgres://mindflight@%2Ftmp%2Fs:5432/postgres", "bench");
        assert_eq!(url, "postgres://mindflight@%2Ftmp%2Fs:5432/bench");
    }

    #[test]
    fn a_row_is_taken_apart_where_psql_puts_it_together() {
        assert_eq!(cells("a|1.5|"), ["a", "1.5", ""]);
        assert_eq!(cells("t"), ["t"]);
    }
}
