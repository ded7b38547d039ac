//! The folders in which PostgreSQL's programs may be, in the order in which they are looked at.

use crate::Options;
use std::path::{Path, PathBuf};

/// Where packages put the programs; a segment may hold one or more `*`.
pub(crate) const USUAL_PLACES: [&str; 12] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/lib/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/run/current-system/sw/bin",
];

/// A place with a name for people, and the folders it stands for now.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) folders: Vec<PathBuf>,
}

pub(crate) fn list(options: &Options) -> Vec<Place> {
    if let Some(dir) = &options.bin_dir {
        let name = format!("MINDFLIGHT_PG_BIN={}", dir.display());
        return vec![Place { name, folders: vec![dir.clone()] }];
    }
    let mut places = Vec::new();
    if let Some(path) = &options.path {
        // An empty or relative entry means the current folder, which is no place for a server's programs.
        let folders = std::env::split_paths(path).filter(|dir| dir.is_absolute()).collect();
        places.push(Place { name: "$PATH".to_owned(), folders });
    }
    let downloads = options.download_dir.join("pg-*/bin").display().to_string();
    for pattern in options.usual_places.iter().chain([&downloads]) {
        places.push(Place { name: pattern.clone(), folders: expand(pattern) });
    }
    places
}

/// The folders that a pattern names, sorted.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::from("/")];
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        paths = if segment.contains('*') {
            paths.iter().flat_map(|path| matching(path, segment)).collect()
        } else {
            paths.iter().map(|path| path.join(segment)).collect()
        };
    }
    paths
}

fn matching(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| matches(pattern, name)))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(head) else {
        return false;
    };
    (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_one_segment() {
        assert!(matches("postgresql@*", "postgresql@17"));
        assert!(matches("pgsql-*", "pgsql-"));
        assert!(matches("*", "15"));
        assert!(matches("a*b*c", "a1b2c"));
        assert!(!matches("pgsql-*", "mysql-8"));
        assert!(!matches("a*b", "a1"));
    }

    #[test]
    fn a_pattern_without_match_names_no_folder() {
        assert!(expand("/nowhere-at-all/*/bin").is_empty());
        assert_eq!(expand("/usr/bin"), [PathBuf::from("/usr/bin")]);
    }
}
