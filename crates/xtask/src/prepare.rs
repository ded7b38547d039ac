//! `cargo xtask prepare`: describes every checked query in `.sqlx`, from a database made for it, and brings the
//! lock files of the examples to the workspace's versions.

mod database;
mod descriptions;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use self::database::ThrowAway;
use self::descriptions::Descriptions;
use crate::workspace::Workspace;
use crate::{outside, postgres};

/// What `cargo xtask prepare` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail if `.sqlx` or a lock file is not what a refresh would make it.
    #[arg(long)]
    check: bool,
}

/// The crate with the queries.
const CRATE: &str = "crates/store";

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let locked = outside::refresh_lock(workspace, args.check)?;
    if locked != ExitCode::SUCCESS {
        return Ok(locked);
    }
    // Always a cluster of our own: the description must be that of the committed migrations.
    postgres::ensure_programs()?;
    let database = ThrowAway::start()?;
    database.migrate(&workspace.root().join("migrations"))?;
    let fresh = describe(workspace, &database)?;
    drop(database);

    let folder = workspace.root().join(".sqlx");
    let differences = Descriptions::read(&folder)?.differences(&fresh);
    if differences.is_empty() {
        println!(".sqlx is up to date: {} queries", fresh.len());
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &differences {
        println!("{difference}");
    }
    if args.check {
        eprintln!(
            "error: .sqlx is not up to date; run `cargo xtask prepare` and commit the folder"
        );
        return Ok(ExitCode::FAILURE);
    }
    fresh.write(&folder)?;
    println!(".sqlx has {} queries now; commit the folder", fresh.len());
    Ok(ExitCode::SUCCESS)
}

/// Lets the macros of the crate ask the database, and collects what they write.
///
/// They write into a folder of their own, so that a query that does not compile leaves `.sqlx` alone.
fn describe(workspace: &Workspace, database: &ThrowAway) -> Result<Descriptions> {
    let collected = tempfile::tempdir().context("cannot make a temporary folder")?;
    touch_roots(&workspace.root().join(CRATE))?;
    let status = workspace
        .cargo(["check", "--package", "mindflight-store", "--all-targets"])
        .env("DATABASE_URL", database.url())
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", collected.path())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the queries of {CRATE} do not fit the migrations; the messages are above");
    }
    Descriptions::read(collected.path())
}

/// Cargo expands macros again only in what it compiles again, and the environment of a macro does
/// not count as a change; the time of a crate root does.
fn touch_roots(crate_dir: &Path) -> Result<()> {
    for root in ["src/lib.rs", "tests/it/main.rs"] {
        let path = crate_dir.join(root);
        if path.is_file() {
            let touch = |path: &Path| {
                File::options().write(true).open(path)?.set_modified(SystemTime::now())
            };
            touch(&path).with_context(|| format!("cannot touch {}", path.display()))?;
        }
    }
    fs::metadata(crate_dir.join("src/lib.rs")).map(|_| ()).with_context(|| {
        format!("{CRATE} has no src/lib.rs; is it still the crate with the queries?")
    })
}
