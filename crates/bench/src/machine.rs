//! What a figure has to be read with: the machine, and the versions of what is compared.

use std::fs;
use std::thread::available_parallelism;

/// The lock file that this program was built with.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Cores and the processor's name, as far as the system tells.
pub(crate) fn described() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(String::new, |(_, model)| format!(" ({model})"));
    format!("{cores} cores{model}")
}

/// The version of a package that the workspace is built with.
pub(crate) fn version_of(package: &str) -> &'static str {
    version_in(LOCK, package).unwrap_or("unknown")
}

fn version_in<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"\nversion = \"");
    let (_, rest) = lock.split_once(&name)?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_the_lock_file() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"b\"\nversion = \"4.5.6\"\n";
        assert_eq!(version_in(lock, "b"), Some("4.5.6"));
        assert_eq!(version_in(lock, "c"), None);
        assert!(version_of("actix-web").starts_with('4'));
    }
}
