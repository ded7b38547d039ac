//! The tutorials work as they stand: every command is typed, every answer compared, every change of a file made.

mod page;

use std::path::{Path, PathBuf};

use mindflight_testapp::{Instance, Launch};
use tempfile::TempDir;

use self::page::{Step, apply, steps};
use crate::rig::BINARY;
use crate::shown::{ADDRESS, KEPT, Shell, Shown};
use crate::start::open_folder;

const FIRST_CALL: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorials/first-call.md"));
const FIRST_AGENT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorials/first-agent.md"));
const FIRST_PROVIDER: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorials/first-provider.md"));

/// A person at a tutorial: a terminal to type in, and another where a server runs.
struct Person {
    shell: Shell,
    server: Option<Instance>,
    url: String,
    /// Dropped after the server that uses it.
    data: TempDir,
    /// What a checkout has in `target/debug`.
    programs: TempDir,
}

impl Person {
    fn new(folder: &Path) -> Self {
        let (data, programs) = (open_folder(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(BINARY, programs.path().join("mindflight")).unwrap();
        let target = target();
        let variables = [
            ("MINDFLIGHT_DATA_DIR", data.path().to_str().unwrap()),
            ("CARGO_TARGET_DIR", target.to_str().unwrap()),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        let shell = Shell::new(folder, &variables);
        Self { shell, server: None, url: ADDRESS.to_owned(), data, programs }
    }

    async fn follows(&mut self, page: &str) {
        let path = format!("export PATH='{}':\"$PATH\"", self.programs.path().display());
        assert_eq!(self.shell.types(&path).await, "");
        for step in steps(page) {
            match step {
                Step::Change { file, lines } => {
                    let folder = PathBuf::from(self.shell.types("pwd").await);
                    apply(&folder.join(file), &lines);
                }
                Step::Type(shown) if shown.command.starts_with("cargo xtask dev") => {
                    let program = format!("'{BINARY}' dev");
                    self.starts(&shown, &shown.command.replacen("cargo xtask dev", &program, 1))
                        .await;
                }
                Step::Type(shown) if shown.command == "cargo dev" => {
                    // What takes its time is built before somebody waits for the server.
                    assert!(self.shell.types("cargo dev --help").await.contains("--listen"));
                    self.starts(&shown, "cargo dev").await;
                }
                // The program is on the path already, whatever folder it was built in.
                Step::Type(shown) if shown.command == "export PATH=\"$PWD/target/debug:$PATH\"" => {
                }
                Step::Type(shown) => self.types(&shown).await,
            }
        }
    }

    async fn types(&mut self, shown: &Shown<'_>) {
        let line = shown.command.replace(ADDRESS, &self.url);
        let printed = self.shell.types(&line).await;
        shown.is(&printed.replace(&self.url, ADDRESS));
    }

    /// Stops the server that runs, and starts this one where the person stands.
    async fn starts(&mut self, shown: &Shown<'_>, line: &str) {
        if let Some(server) = self.server.take() {
            server.terminate().await.unwrap();
        }
        // Any free port: the one of the page may be taken here.
        let line = match line.contains("--listen") {
            true => line.replace(":8080", ":0"),
            false => format!("{line} --listen 127.0.0.1:0"),
        };
        let folder = self.shell.types("pwd").await;
        let launch = Launch::new("sh", &["-c", &format!("cd '{folder}' && exec {line}")])
            .env("CARGO_TARGET_DIR", target().to_str().unwrap())
            .env("MINDFLIGHT_DATA_DIR", self.data.path().to_str().unwrap());
        let kept = KEPT
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?.into_string().ok()?)));
        let launch = kept.fold(launch, |launch, (name, value)| launch.env(name, &value));
        let server = launch.start().await.unwrap_or_else(|ended| {
            panic!("`{}` ends: {:?} {}", shown.command, ended.code, ended.output)
        });
        // The last line of the page comes after the one that says where it listens.
        let last = shown.answer.iter().rfind(|line| **line != "…").expect("an answer is shown");
        let certain = last.split('…').max_by_key(|part| part.len()).unwrap_or_default();
        server.wait_for_log(certain).await;
        let port = server.url().rsplit(':').next().unwrap().to_owned();
        shown.is(&server.log().replace(&format!(":{port}"), ":8080"));
        self.url = format!("http://127.0.0.1:{port}");
        let seen = format!("export MINDFLIGHT_URL={}", self.url);
        assert_eq!(self.shell.types(&seen).await, "");
        self.server = Some(server);
    }
}

/// Where crates outside the workspace are built: with the workspace, where most of what they need lies already.
fn target() -> PathBuf {
    Path::new(BINARY).ancestors().nth(2).unwrap().to_path_buf()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[tokio::test]
async fn the_first_call_is_made_as_the_tutorial_shows() {
    Person::new(&repository()).follows(FIRST_CALL).await;
}

#[tokio::test]
async fn the_first_agent_works_as_the_tutorial_shows() {
    // A checkout as far as the page needs it: it writes a file there.
    let folder = tempfile::tempdir().unwrap();
    let examples = repository().join("examples");
    std::os::unix::fs::symlink(examples, folder.path().join("examples")).unwrap();
    Person::new(folder.path()).follows(FIRST_AGENT).await;
}

#[tokio::test]
async fn the_first_provider_comes_to_be_as_the_tutorial_shows() {
    let folder = tempfile::tempdir().unwrap();
    Person::new(folder.path()).follows(FIRST_PROVIDER).await;
}
