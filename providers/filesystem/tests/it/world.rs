//! A folder that callers may use, beside one that they may not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use mindflight_testkit::{Kit, Reply};
use provider_filesystem::Filesystem;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What stands in the file that nobody may read.
pub(crate) const SECRET: &str = "SECRET-7f3a";

/// `root` is allowed; `outside` and `root-twin` beside it are not.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: TempDir::new().expect("the test's own world") };
        for folder in ["root/sub/inner", "root/...", "outside/sub", "root-twin"] {
            fs::create_dir_all(world.at(folder)).expect("the test's own world");
        }
        let files = [
            ("root/notes.txt", "inside"),
            ("root/sub/deep.txt", "deep"),
            ("root/..hidden", "dots"),
            ("root/.../x.txt", "three dots"),
            ("root/a b.txt", "space"),
            ("root/\u{fc}n\u{ef}.txt", "composed"),
            ("outside/secret.txt", SECRET),
            ("outside/sub/secret.txt", SECRET),
            ("root-twin/secret.txt", SECRET),
        ];
        for (path, content) in files {
            fs::write(world.at(path), content).expect("the test's own world");
        }
        world
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        // As the provider answers it: a temporary folder may itself be behind a link.
        self.folder.path().canonicalize().expect("the test's own world").join(path)
    }

    pub(crate) fn absolute(&self, path: &str) -> String {
        self.at(path).to_str().expect("the test's own world").to_owned()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at("root").join(path);
        fs::create_dir_all(path.parent().expect("the test's own world"))
            .expect("the test's own world");
        fs::write(path, content).expect("the test's own world");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at("root").join(path)).expect("the test's own world")
    }

    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.at("root").join(name)).expect("the test's own world");
    }

    pub(crate) async fn kit(&self) -> Kit<Filesystem> {
        self.kit_with(json!({})).await
    }

    pub(crate) async fn kit_with(&self, more: Value) -> Kit<Filesystem> {
        let mut config = json!({"allowed_dirs": [self.at("root")]});
        for (key, value) in more.as_object().expect("the test's own world") {
            config[key] = value.clone();
        }
        Kit::new(config).await
    }

    /// Everything outside the allowed folder, with its content.
    pub(crate) fn outside(&self) -> Vec<(PathBuf, Option<String>)> {
        let (mut all, mut folders) = (Vec::new(), vec![self.at("outside"), self.at("root-twin")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the test's own world") {
                let path = entry.expect("the test's own world").path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                all.push((path.clone(), fs::read_to_string(path).ok()));
            }
        }
        let beside = fs::read_dir(self.at("")).expect("the test's own world");
        all.extend(beside.map(|entry| (entry.expect("the test's own world").path(), None)));
        all.sort();
        all
    }
}

/// The status of a reply, 200 if it is a result.
pub(crate) fn status(reply: &Reply) -> u16 {
    reply.error().map_or(200, mindflight_core::Error::status)
}
