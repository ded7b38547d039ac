//! `read`: a file, or a part of it, as text or in base64.

mod text;

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cap_std::fs::{File, Metadata, OpenOptions, OpenOptionsExt as _};
use mindflight_core::{Context, Error, Result, Tools};
use rustix::fs::OFlags;

use crate::Filesystem;
use crate::config::MOST_CONTENT;
use crate::disk::on_disk;
use crate::entry::{etag, modified};
use crate::place::Place;
use crate::refusal::{cancelled, is_a_folder, no_regular_file, wrong_path};

/// Bytes gone through to find a line; lines further on are read by `offset`.
const MOST_SCANNED: u64 = 64 * 1024 * 1024;

pub(crate) fn tools(provider: &Filesystem, t: &mut Tools<Filesystem>) {
    let about = format!(
        "Reads a file, or a part of it by bytes or lines. Use it when you know the path; `list` and `search` find paths. \
         One call gives at most {} bytes and says where to go on.",
        provider.limits.read_bytes
    );
    t.add("read", &about, Filesystem::read).read_only();
}

/// How bytes are written in JSON.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
pub(crate) enum Encoding {
    #[serde(rename = "utf-8")]
    Text,
    #[serde(rename = "base64")]
    Base64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Read {
    /// The file.
    path: String,
    /// The first byte wanted, 0 unless sent; not together with `from_line`.
    offset: Option<u64>,
    /// The most bytes wanted.
    #[schemars(range(min = 1, max = 1_048_576))]
    length: Option<usize>,
    /// The first line wanted, counted from 1; not together with `offset`.
    #[schemars(range(min = 1))]
    from_line: Option<u64>,
    /// The most lines wanted.
    #[schemars(range(min = 1))]
    lines: Option<u64>,
    /// How `content` is written; unless sent, `utf-8` if the bytes are that, else `base64`.
    encoding: Option<Encoding>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Part {
    /// The file.
    path: String,
    /// The part that was read.
    content: String,
    /// How `content` is written.
    encoding: Encoding,
    /// Bytes that are no UTF-8 are `�` in `content`.
    lossy: bool,
    /// The whole file's bytes.
    size: u64,
    /// The part's first byte.
    offset: u64,
    /// The part's bytes.
    bytes: usize,
    /// There is more after it.
    truncated: bool,
    /// The `offset` to go on at, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
    /// The `from_line` to go on at, if lines were asked for and there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_line: Option<u64>,
    /// When its content changed last (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    /// The version of the content, for `if_unmodified` of `write`.
    etag: String,
}

/// Bytes of a file, and where they are.
struct Piece {
    offset: u64,
    bytes: Vec<u8>,
    more: bool,
    next_line: Option<u64>,
}

impl Filesystem {
    async fn read(self: Arc<Self>, cx: Context, input: Read) -> Result<Part> {
        on_disk(self, input, move |provider, input| provider.read_now(&cx, &input)).await
    }

    fn read_now(&self, cx: &Context, input: &Read) -> Result<Part> {
        let by_lines = input.from_line.is_some() || input.lines.is_some();
        if by_lines && (input.offset.is_some() || input.length.is_some()) {
            let detail = "`offset` and `length` count bytes, `from_line` and `lines` count lines; send two of a kind";
            return Err(Error::invalid(detail).field("/offset", detail, Vec::new()));
        }
        let place = self.place(&input.path)?;
        let (mut file, metadata) = self.open(&place)?;
        let most = match input.encoding {
            Some(Encoding::Base64) => self.limits.read_bytes.min(MOST_CONTENT / 4 * 3),
            Some(Encoding::Text) | None => self.limits.read_bytes,
        };
        let piece = match by_lines {
            true => read_lines(cx, file, input, most),
            false => {
                let length = input.length.unwrap_or(most).min(most);
                read_bytes(&mut file, input.offset.unwrap_or(0), length)
            }
        };
        let piece = piece.map_err(|error| match cx.is_cancelled() {
            true => cancelled(),
            false => self.refused(&place, error),
        })?;
        Ok(self.part(&place, &metadata, piece, input.encoding))
    }

    fn part(
        &self,
        place: &Place,
        metadata: &Metadata,
        piece: Piece,
        wanted: Option<Encoding>,
    ) -> Part {
        let Piece { offset, mut bytes, mut more, mut next_line } = piece;
        let written = text::write(&bytes, more, wanted);
        if written.taken < bytes.len() {
            // What did not fit is read by bytes, since a line may have been cut.
            (more, next_line) = (true, None);
            bytes.truncate(written.taken);
        }
        let next = offset + bytes.len() as u64;
        let content = match written.encoding {
            Encoding::Base64 => STANDARD.encode(&bytes),
            Encoding::Text => String::from_utf8_lossy(&bytes).into_owned(),
        };
        Part {
            path: self.shown(place.root, &place.relative),
            content,
            encoding: written.encoding,
            lossy: written.lossy,
            size: metadata.len(),
            offset,
            bytes: bytes.len(),
            truncated: more,
            next_offset: more.then_some(next),
            next_line: next_line.filter(|_| more),
            modified: modified(metadata),
            etag: etag(metadata),
        }
    }

    /// Opens a regular file, and nothing else: a pipe would wait for somebody who writes.
    pub(crate) fn open(&self, place: &Place) -> Result<(File, Metadata)> {
        let (dir, refuse) = (self.dir(place), |error| self.refused(place, error));
        let found = dir.metadata(place.path()).map_err(refuse)?;
        is_regular(place, &found)?;
        // It may be something else by now; then it is opened without waiting, and refused below.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = dir.open_with(place.path(), &options).map_err(refuse)?;
        let metadata = file.metadata().map_err(refuse)?;
        is_regular(place, &metadata)?;
        Ok((file, metadata))
    }
}

/// Refuses what is no regular file.
pub(crate) fn is_regular(place: &Place, found: &Metadata) -> Result<()> {
    if found.is_dir() {
        return Err(is_a_folder(place));
    }
    if !found.is_file() {
        return Err(no_regular_file(place));
    }
    if place.is_folder {
        return Err(wrong_path(format!("`{}` ends with a slash, and names a file", place.sent))
            .fix("Send it without the slash."));
    }
    Ok(())
}

fn read_bytes(file: &mut File, offset: u64, length: usize) -> std::io::Result<Piece> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    // One more, to know whether there is more.
    file.take(length as u64 + 1).read_to_end(&mut bytes)?;
    let more = bytes.len() > length;
    bytes.truncate(length);
    Ok(Piece { offset, bytes, more, next_line: None })
}

fn read_lines(cx: &Context, file: File, input: &Read, most: usize) -> std::io::Result<Piece> {
    let mut reader = BufReader::with_capacity(64 * 1024, file).take(MOST_SCANNED);
    let first = input.from_line.unwrap_or(1);
    let (mut line, mut offset) = (1, 0);
    while line < first {
        let skipped = reader.skip_until(b'\n')?;
        if skipped == 0 || cx.is_cancelled() {
            let bytes = Vec::new();
            return Ok(Piece { offset, bytes, more: reader.limit() == 0, next_line: None });
        }
        offset += skipped as u64;
        line += 1;
    }
    let mut bytes = Vec::new();
    let end = input.lines.map(|lines| first.saturating_add(lines));
    while end.is_none_or(|end| line < end) && bytes.len() < most {
        let room = (most - bytes.len()) as u64;
        let read = reader.by_ref().take(room).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        line += 1;
    }
    let more = reader.limit() == 0 || !reader.fill_buf()?.is_empty();
    let whole = bytes.last() == Some(&b'\n');
    Ok(Piece { offset, bytes, more, next_line: whole.then_some(line) })
}
