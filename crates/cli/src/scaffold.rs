//! `provider new`: writes the crate of a new provider from the templates in this program.

mod name;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use self::name::Name;
use crate::failure::codes;
use crate::parser::local::ProviderNew;
use crate::quote::quoted;
use crate::{Exit, Failure, Outcome, Output};

/// The files of a new provider, and their templates.
const FILES: &[(&str, &str)] = &[
    (".cargo/config.toml", include_str!("../templates/provider/cargo-config.toml")),
    (".gitignore", include_str!("../templates/provider/gitignore")),
    ("Cargo.toml", include_str!("../templates/provider/manifest.toml")),
    ("README.md", include_str!("../templates/provider/README.md")),
    ("server/Cargo.toml", include_str!("../templates/provider/server-manifest.toml")),
    ("server/src/main.rs", include_str!("../templates/provider/server-main.rs")),
    ("src/lib.rs", include_str!("../templates/provider/lib.rs")),
    ("tests/it/main.rs", include_str!("../templates/provider/tests.rs")),
];

/// The versions that this program was built and tested with; cargo takes out what is not used.
const LOCK: (&str, &str) = ("Cargo.lock", include_str!("../../../Cargo.lock"));

/// The checkout that this program was built from. It need not be there any more.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Where a new provider takes mindflight's crates from.
enum Source {
    Checkout(PathBuf),
    Repository,
}

pub(crate) fn run(new: &ProviderNew, taken: &[&str]) -> Outcome {
    let name = Name::read(&new.name, taken)?;
    let parent = new.dir.as_deref().unwrap_or(Path::new(""));
    let folder = parent.join(name.as_str());
    fs::create_dir(&folder).map_err(|error| no_folder(&folder, &error))?;
    let source = Source::find();
    let texts = FILES.iter().map(|(path, text)| (*path, filled(text, &name, &source)));
    let mut written = Vec::new();
    for (path, text) in texts.chain([(LOCK.0, LOCK.1.to_owned())]) {
        if let Err(error) = write(&folder.join(path), &text) {
            // Half a crate helps nobody, and its folder would be in the way of the next try.
            drop(fs::remove_dir_all(&folder));
            let detail = format!("{} cannot be written", folder.join(path).display());
            return Err(Failure::local(detail).because(&error));
        }
        written.push(path);
    }
    written.sort_unstable();
    Ok(said(&name, &folder, &written))
}

impl Source {
    fn find() -> Self {
        match fs::canonicalize(CHECKOUT) {
            Ok(root) if root.join("crates/core/Cargo.toml").is_file() => Self::Checkout(root),
            Ok(_) | Err(_) => Self::Repository,
        }
    }

    /// The dependency on the crate in this folder of the checkout.
    fn dependency(&self, folder: &str) -> String {
        match self {
            // A text of JSON is one of TOML.
            Self::Checkout(root) => {
                format!("{{ path = {} }}", json!(root.join(folder).to_string_lossy()))
            }
            Self::Repository => format!("{{ git = {} }}", json!(REPOSITORY)),
        }
    }
}

fn filled(template: &str, name: &Name, source: &Source) -> String {
    let mut text = template
        .replace("your_provider", name.as_str())
        .replace("YourProvider", &name.of_type())
        .replace("{{UPPER}}", &name.as_str().to_uppercase())
        .replace("{{rust-version}}", env!("CARGO_PKG_RUST_VERSION"))
        .replace("{{elsewhere}}", &Source::Repository.dependency(""));
    for (package, folder) in [
        ("mindflight", "crates/app"),
        ("mindflight-core", "crates/core"),
        ("mindflight-testkit", "crates/testkit"),
    ] {
        text = text.replace(&format!("{{{{{package}}}}}"), &source.dependency(folder));
    }
    text
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn no_folder(folder: &Path, error: &io::Error) -> Failure {
    let shown = folder.display();
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Failure::new(Exit::Conflict, &codes::LOCAL, format!("{shown} exists already"))
            .fix("Choose another name, or another folder with --dir.");
    }
    if error.kind() == io::ErrorKind::NotFound {
        let parent = folder.parent().unwrap_or(folder).display();
        let detail = format!("there is no folder {parent}");
        return Failure::new(Exit::NotFound, &codes::LOCAL, detail)
            .fix("Make it, or give another with --dir.");
    }
    Failure::local(format!("{shown} cannot be made")).because(error)
}

fn said(name: &Name, folder: &Path, files: &[&str]) -> Output {
    let curl = format!(
        "curl --json '{{\"name\":\"Ada\"}}' http://127.0.0.1:8080/api/tools/{}_greet",
        name.as_str()
    );
    let enter = format!("cd {}", quoted(folder));
    let next = [enter.as_str(), "cargo test", "cargo dev", &curl];
    let mut lines = vec![format!("made {} with {} files", folder.display(), files.len())];
    lines.push("next:".to_owned());
    lines.extend(next.iter().map(|line| format!("  {line}")));
    let value = json!({"name": name.as_str(), "dir": folder, "files": files, "next": next});
    Output::text(lines, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_whichever_the_source() {
        let name = Name::read("weather", &[]).unwrap();
        for source in [Source::Checkout("/src/mind \"flight\"".into()), Source::Repository] {
            for (path, template) in FILES {
                let text = filled(template, &name, &source);
                for left in ["{{", "}}", "your_provider", "YourProvider", "UPPER"] {
                    let is_left = text.contains(left) && *path != "src/lib.rs";
                    assert!(!is_left, "{path} has {left}: {text}");
                }
            }
        }
        let git = Source::Repository.dependency("crates/core");
        assert_eq!(git, format!("{{ git = \"{REPOSITORY}\" }}"));
        let path = Source::Checkout("/a \"b\"".into()).dependency("crates/core");
        assert_eq!(path, r#"{ path = "/a \"b\"/crates/core" }"#);
    }
}
