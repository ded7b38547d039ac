//! Sees to the PostgreSQL programs: what this machine has, and installing them where it has none.

use std::process::ExitCode;

use anyhow::{Result, bail};
use mindflight_embedded_postgres::find::{self, Installation, Search};
use mindflight_embedded_postgres::install::{self, InstallOptions};
use mindflight_embedded_postgres::{Options, default_data_dir};

use crate::workspace::is_set;

/// Makes sure that a database can be started, unless the variable names one that runs.
pub(crate) fn ensure_database(url_variable: &str) -> Result<()> {
    if is_set(url_variable) {
        return Ok(());
    }
    ensure_programs()
}

/// Makes sure that this machine has the programs.
pub(crate) fn ensure_programs() -> Result<()> {
    let options = options();
    if !find::installations(&options).found.is_empty() {
        return Ok(());
    }
    install(&options)?;
    Ok(())
}

/// `cargo xtask get-postgres`.
pub(crate) fn get() -> Result<ExitCode> {
    let options = options();
    let search = find::installations(&options);
    for (folder, reason) in &search.rejected {
        println!("not usable: {} {reason}", folder.display());
    }
    for installation in &search.found {
        println!("found {}", described(installation));
    }
    if search.found.is_empty() {
        println!("installed {}", described(&install(&options)?));
    }
    Ok(ExitCode::SUCCESS)
}

fn options() -> Options {
    Options::from_env(default_data_dir())
}

fn install(options: &Options) -> Result<Installation> {
    if let Some(folder) = &options.bin_dir {
        // What we would install goes elsewhere, and would not be looked at.
        bail!(
            "MINDFLIGHT_PG_BIN is {}, and there is no usable PostgreSQL in it{}; correct it, or unset it",
            folder.display(),
            reasons(&find::installations(options))
        );
    }
    eprintln!("no PostgreSQL programs found; installing them");
    let installed =
        install::install(&InstallOptions::new(options.clone()), &mut |line| eprintln!("  {line}"))?;
    Ok(installed)
}

fn reasons(search: &Search) -> String {
    let reasons: Vec<_> = search.rejected.iter().map(|(_, reason)| reason.as_str()).collect();
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) }
}

fn described(installation: &Installation) -> String {
    format!("PostgreSQL {} in {}", installation.version, installation.bin_dir.display())
}
