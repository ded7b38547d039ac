//! `search`: which lines of which files fit.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use mindflight_core::{Context, Error, Result, Tools};
use regex::bytes::{Regex, RegexBuilder};

use crate::Filesystem;
use crate::disk::on_disk;
use crate::entry::Kind;
use crate::list::Pattern;
use crate::place::Place;
use crate::refusal::{cancelled, no_regular_file};
use crate::walk::Walk;

/// Bytes read of one file, and by one call.
const MOST_OF_A_FILE: u64 = 16 * 1024 * 1024;
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// A file with a NUL among its first bytes is no text.
const LOOKED_AT: usize = 8 * 1024;
/// Characters of a line in the answer.
const LONGEST_LINE: usize = 300;
/// Characters of it before the place that fits.
const BEFORE: usize = 80;
/// Calls that search at a time; each may hold a whole file in memory.
const AT_A_TIME: usize = 4;
const USUAL_MATCHES: usize = 100;

pub(crate) fn tools(t: &mut Tools<Filesystem>) {
    let about = "Searches files for a text or a regular expression, line by line. Use it to find where something is \
                 said when you do not know the file; then `read` the file from that line.";
    t.add("search", about, Filesystem::search).read_only().concurrency(AT_A_TIME);
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Search {
    /// What to search for.
    #[schemars(length(min = 1, max = 1000))]
    query: String,
    /// `query` is a regular expression (Rust syntax: no look-around, no references); no unless sent.
    regex: Option<bool>,
    /// Whether `A` and `a` differ; yes unless sent.
    case_sensitive: Option<bool>,
    /// A folder, searched with all below it, or one file; the first allowed folder unless sent.
    path: Option<String>,
    /// Only files that fit this pattern, such as `*.md` (names) or `src/**/*.rs` (paths below the folder).
    #[schemars(length(min = 1, max = 500))]
    glob: Option<String>,
    /// The most lines wanted, 100 unless sent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Found {
    /// The lines that fit, in the order of paths.
    matches: Vec<Line>,
    /// Files that were searched.
    files: usize,
    /// Files that were not: no text, not readable, or with a name that is no UTF-8.
    skipped: usize,
    /// There may be more than `matches`: a limit was reached.
    truncated: bool,
    /// Which limit, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Line {
    /// The file.
    path: String,
    /// The line's number, from 1.
    line: usize,
    /// The character in the line where it first fits, from 1.
    column: usize,
    /// The line; of a long one, the part around the place.
    text: String,
}

impl Filesystem {
    async fn search(self: Arc<Self>, cx: Context, input: Search) -> Result<Found> {
        on_disk(self, input, move |provider, input| provider.search_now(&cx, &input)).await
    }

    fn search_now(&self, cx: &Context, input: &Search) -> Result<Found> {
        let wanted = wanted(input)?;
        let pattern = input.glob.as_deref().map(Pattern::new).transpose()?;
        let place = self.place_or_first(input.path.as_deref())?;
        let refuse = |error| self.refused(&place, error);
        let found = self.dir(&place).metadata(place.path()).map_err(refuse)?;
        let mut run = Run::new(cx, &wanted, input.limit.unwrap_or(USUAL_MATCHES));
        if found.is_file() {
            // For its refusals: what is asked for by name is not skipped silently.
            self.open(&place)?;
            run.file(self, &place, place.relative.clone());
            return run.end();
        }
        if !found.is_dir() {
            return Err(no_regular_file(&place));
        }
        let dir = self.dir(&place);
        let mut walk = Walk::new(dir, &place.relative, true, None).map_err(refuse)?;
        for met in walk.by_ref().filter(|met| met.kind == Kind::File) {
            let below = met.path.strip_prefix(&place.relative).unwrap_or(&met.path);
            if pattern.as_ref().is_some_and(|pattern| !pattern.fits(below)) {
                continue;
            }
            if run.found.files == self.limits.search_files {
                run.limited("files");
            }
            if run.is_over() {
                break;
            }
            run.file(self, &place, met.path);
        }
        if walk.incomplete {
            run.limited("a folder that cannot be read or has too many entries");
        }
        run.end()
    }
}

fn wanted(input: &Search) -> Result<Regex> {
    let text = match input.regex {
        Some(true) => input.query.clone(),
        Some(false) | None => regex::escape(&input.query),
    };
    RegexBuilder::new(&text)
        .case_insensitive(input.case_sensitive == Some(false))
        .size_limit(1024 * 1024)
        .build()
        .map_err(|error| {
            let detail = format!("`query` is no regular expression: {error}");
            Error::invalid(detail.clone())
                .field("/query", detail, Vec::new())
                .fix("Mend it, or leave `regex` out to search for the text as it stands.")
        })
}

/// One search under way.
struct Run<'a> {
    cx: &'a Context,
    wanted: &'a Regex,
    most: usize,
    bytes: u64,
    found: Found,
}

impl<'a> Run<'a> {
    fn new(cx: &'a Context, wanted: &'a Regex, most: usize) -> Self {
        let found =
            Found { matches: Vec::new(), files: 0, skipped: 0, truncated: false, limit: None };
        Self { cx, wanted, most, bytes: 0, found }
    }

    fn is_over(&self) -> bool {
        let limits = ["matches", "bytes", "files"];
        self.cx.is_cancelled() || self.found.limit.is_some_and(|limit| limits.contains(&limit))
    }

    fn limited(&mut self, limit: &'static str) {
        self.found.truncated = true;
        self.found.limit.get_or_insert(limit);
    }

    fn end(self) -> Result<Found> {
        match self.cx.is_cancelled() {
            true => Err(cancelled()),
            false => Ok(self.found),
        }
    }

    fn file(&mut self, provider: &Filesystem, searched: &Place, relative: PathBuf) {
        let place = Place { relative, is_folder: false, ..searched.clone() };
        let shown = provider.roots.shown(place.root, &place.relative);
        match (read(provider, &place), shown.to_str()) {
            (Some(bytes), Some(path)) if !is_binary(&bytes) => {
                self.found.files += 1;
                self.bytes += bytes.len() as u64;
                self.lines(path, &bytes);
                if bytes.len() as u64 == MOST_OF_A_FILE {
                    self.limited("the first 16 MiB of a file");
                }
                if self.bytes >= MOST_BYTES {
                    self.limited("bytes");
                }
            }
            _ => self.found.skipped += 1,
        }
    }

    fn lines(&mut self, path: &str, bytes: &[u8]) {
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if at % 1024 == 0 && self.cx.is_cancelled() {
                return;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(fits) = self.wanted.find(line) else {
                continue;
            };
            if self.found.matches.len() == self.most {
                return self.limited("matches");
            }
            let before = String::from_utf8_lossy(&line[..fits.start()]);
            let column = before.chars().count();
            let text = excerpt(&String::from_utf8_lossy(line), column);
            self.found.matches.push(Line {
                path: path.to_owned(),
                line: at + 1,
                column: column + 1,
                text,
            });
        }
    }
}

fn read(provider: &Filesystem, place: &Place) -> Option<Vec<u8>> {
    let (file, _) = provider.open(place).ok()?;
    let mut bytes = Vec::new();
    file.take(MOST_OF_A_FILE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(LOOKED_AT)].contains(&0)
}

/// A line, or of a long one the part around a character, with `…` where it was cut.
fn excerpt(line: &str, column: usize) -> String {
    let length = line.chars().count();
    if length <= LONGEST_LINE {
        return line.to_owned();
    }
    let start = column.saturating_sub(BEFORE).min(length - LONGEST_LINE);
    let part: String = line.chars().skip(start).take(LONGEST_LINE).collect();
    let (open, close) = (start > 0, start + LONGEST_LINE < length);
    format!("{}{part}{}", if open { "…" } else { "" }, if close { "…" } else { "" })
}

#[cfg(test)]
mod tests;
