//! From the arguments of a command to the configuration it works with.

use std::path::PathBuf;

use mindflight_cli::{Exit, Failure, Place, codes};
use mindflight_embedded_postgres::default_data_dir;
use mindflight_server::config::{ConfigMistakes, Loaded, Mode, Sources, load};

/// Reads all layers for a command.
pub(crate) fn read(
    mode: Mode,
    place: &Place,
    flags: Vec<(String, String)>,
) -> Result<Loaded, Failure> {
    let set = place.set.iter().map(|setting| (setting.key.clone(), setting.value.clone()));
    let mut flags: Vec<(String, String)> = set.chain(flags).collect();
    if let Some(dir) = &place.data_dir {
        flags.push(("server.data_dir".to_owned(), dir.display().to_string()));
    }
    let sources = Sources::from_process(mode, place.config.clone(), flags);
    load(&sources).map_err(failure)
}

/// Where this server keeps its files.
pub(crate) fn data_dir(loaded: &Loaded) -> PathBuf {
    loaded.config.server.data_dir.clone().unwrap_or_else(default_data_dir)
}

fn failure(mistakes: ConfigMistakes) -> Failure {
    let detail = match mistakes.0.len() {
        1 => "the configuration has a mistake".to_owned(),
        n => format!("the configuration has {n} mistakes"),
    };
    let failure = Failure::new(Exit::Invalid, &codes::INVALID_FILE, detail);
    mistakes
        .0
        .iter()
        .fold(failure, |failure, mistake| failure.error(mistake.path.clone(), mistake.reason()))
}
