//! `list`: what is in a folder, page by page.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use globset::{GlobBuilder, GlobMatcher};
use mindflight_core::{Context, Error, Result, Tools};

use crate::Filesystem;
use crate::disk::on_disk;
use crate::entry::Entry;
use crate::refusal::{cancelled, wrong_path};
use crate::walk::Walk;

/// Entries looked at for one page, so that a pattern that fits nothing ends.
const MOST_LOOKED_AT: usize = 100_000;
/// Bytes of paths in one page: a page is never larger than a result may be.
const MOST_BYTES: usize = 600_000;
const USUAL_PAGE: usize = 200;

pub(crate) fn tools(provider: &Filesystem, t: &mut Tools<Filesystem>) {
    let about = format!(
        "Lists the files and folders in a folder. Use it to find out what there is before you read or write. \
         Allowed folders: {}; relative paths begin at the first.",
        provider.roots.listed()
    );
    let list = t.add("list", &about, Filesystem::list).read_only();
    if provider.is_original {
        list.alias("list_files");
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct List {
    /// The folder; the first allowed folder unless sent.
    path: Option<String>,
    /// Also what is in the folders below; no unless sent, yes if `glob` contains `**`.
    recursive: Option<bool>,
    /// Only what fits this pattern, such as `*.md` (names) or `src/**/*.rs` (paths below the folder).
    #[schemars(length(min = 1, max = 500))]
    glob: Option<String>,
    /// The most entries wanted, 200 unless sent.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<usize>,
    /// The `next` of the page before, with the same other arguments.
    #[schemars(length(max = 6000))]
    cursor: Option<String>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Page {
    /// The folder.
    path: String,
    /// What is in it, sorted.
    entries: Vec<Entry>,
    /// Send it as `cursor` for what follows; not there on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// A folder could not be read, or has too many entries, so something may be missing.
    incomplete: bool,
}

impl Filesystem {
    async fn list(self: Arc<Self>, cx: Context, input: List) -> Result<Page> {
        on_disk(self, input, move |provider, input| provider.list_now(&cx, &input)).await
    }

    fn list_now(&self, cx: &Context, input: &List) -> Result<Page> {
        let place = self.place_or_first(input.path.as_deref())?;
        let pattern = input.glob.as_deref().map(Pattern::new).transpose()?;
        let recursive = input
            .recursive
            .unwrap_or_else(|| input.glob.as_ref().is_some_and(|glob| glob.contains("**")));
        let after = input.cursor.as_deref().map(after).transpose()?;
        let dir = self.dir(&place);
        let found = dir.metadata(place.path()).map_err(|error| self.refused(&place, error))?;
        if !found.is_dir() {
            return Err(wrong_path(format!("`{}` is no folder", place.sent))
                .fix("Use `stat` or `read` for a file."));
        }
        let mut walk = Walk::new(dir, &place.relative, recursive, after)
            .map_err(|error| self.refused(&place, error))?;
        let most = input.limit.unwrap_or(USUAL_PAGE).min(self.limits.entries);
        let (mut entries, mut bytes, mut looked_at, mut last) = (Vec::new(), 0, 0, None);
        let mut next = None;
        for met in walk.by_ref() {
            if cx.is_cancelled() {
                return Err(cancelled());
            }
            if entries.len() == most || bytes > MOST_BYTES || looked_at == MOST_LOOKED_AT {
                next = last.as_deref().map(cursor);
                break;
            }
            looked_at += 1;
            let below = met.path.strip_prefix(&place.relative).unwrap_or(&met.path);
            if pattern.as_ref().is_none_or(|pattern| pattern.fits(below)) {
                let entry = self.entry(place.root, &met.path, met.kind);
                // Control characters in names are six characters long in JSON.
                bytes += entry.path.len() * 2 + 120;
                entries.push(entry);
            }
            last = Some(met.path);
        }
        let path = self.shown(place.root, &place.relative);
        Ok(Page { path, entries, next, incomplete: walk.incomplete })
    }
}

/// A pattern for names, or with a slash in it for paths.
pub(crate) struct Pattern {
    glob: GlobMatcher,
    of_names: bool,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Self> {
        let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|error| {
            let detail = format!("`glob` is no pattern: {}", error.kind());
            Error::invalid(detail.clone())
                .field("/glob", detail, Vec::new())
                .fix("Send a pattern such as `*.md`, `**/*.rs` or `{a,b}/*`.")
        })?;
        Ok(Self { glob: glob.compile_matcher(), of_names: !text.contains('/') && text != "**" })
    }

    pub(crate) fn fits(&self, path: &Path) -> bool {
        let name = path.file_name().filter(|_| self.of_names);
        self.glob.is_match(name.map_or(path, Path::new))
    }
}

fn cursor(path: &Path) -> String {
    URL_SAFE_NO_PAD.encode(path.as_os_str().as_bytes())
}

fn after(cursor: &str) -> Result<PathBuf> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| {
        let detail = "`cursor` is none; send the `next` of the page before".to_owned();
        Error::invalid(detail.clone()).field("/cursor", detail, Vec::new())
    })?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}
