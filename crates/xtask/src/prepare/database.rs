//! A database that lives as long as `prepare`: a private cluster in a temporary folder, migrated with `psql`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use mindflight_embedded_postgres::{Cluster, Options, find};
use tempfile::TempDir;

/// The name of the database in the cluster.
const NAME: &str = "prepare";

/// The cluster and what is needed to speak to it. Dropping it stops the server and removes the folder.
pub(crate) struct ThrowAway {
    // Before the folder: fields are dropped in this order.
    cluster: Cluster,
    psql: PathBuf,
    _folder: TempDir,
}

impl ThrowAway {
    pub(crate) fn start() -> Result<Self> {
        // As root the cluster runs as another account, which has to be able to enter.
        let folder = tempfile::Builder::new()
            .prefix("mindflight-prepare-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("cannot make a temporary folder")?;
        let mut options = Options::from_env(folder.path().join("cluster"));
        options.durable = false;
        let cluster = Cluster::open(&options)?;
        // A new cluster takes the newest programs, so its client is beside them.
        let beside = find::installations(&options).best().map(|best| best.bin_dir.clone());
        let psql = psql(beside.as_deref())?;
        let database = Self { cluster, psql, _folder: folder };
        database.run("postgres", &["--command", &format!("CREATE DATABASE {NAME}")])?;
        Ok(database)
    }

    /// How sqlx reaches the database.
    pub(crate) fn url(&self) -> String {
        self.cluster.url(NAME)
    }

    /// Applies every `*.up.sql` of the folder, in the order of their names.
    pub(crate) fn migrate(&self, folder: &Path) -> Result<()> {
        for file in migrations(folder)? {
            let path = file.to_string_lossy();
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let mut arguments = vec!["--file", path.as_ref()];
            // sqlx's own mark for a migration with statements that refuse to be in a transaction.
            if !text.starts_with("-- no-transaction") {
                arguments.push("--single-transaction");
            }
            self.run(NAME, &arguments)
                .with_context(|| format!("{} does not apply", file.display()))?;
        }
        Ok(())
    }

    fn run(&self, database: &str, arguments: &[&str]) -> Result<()> {
        let output = Command::new(&self.psql)
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname"])
            .arg(self.cluster.url(database))
            .args(arguments)
            .env("PGOPTIONS", "--client-min-messages=warning")
            .output()
            .with_context(|| format!("cannot run {}", self.psql.display()))?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// The up-migrations of a folder, in the order of their names.
fn migrations(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.to_string_lossy().ends_with(".up.sql") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `psql` beside the server's programs, or in `PATH`: some packages bring the server alone.
fn psql(beside: Option<&Path>) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = beside.map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&path));
    let found =
        folders.find(|folder| folder.join("psql").is_file()).map(|folder| folder.join("psql"));
    found.with_context(|| {
        let place = beside.map_or_else(String::new, |folder| format!("{} or ", folder.display()));
        format!(
            "`psql` is not in {place}PATH, and the migrations are applied with it. It is in the package \
             postgresql-client (Debian, Ubuntu, Alpine), postgresql (Fedora, Arch) or libpq (Homebrew)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_taken_in_the_order_of_their_names_and_only_up() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["2_b.up.sql", "1_a.up.sql", "1_a.down.sql", "README.md"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = migrations(folder.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["1_a.up.sql", "2_b.up.sql"]);
    }

    #[test]
    fn psql_beside_the_server_wins_over_the_path() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("psql"), "").unwrap();
        assert_eq!(psql(Some(folder.path())).unwrap(), folder.path().join("psql"));
    }
}
