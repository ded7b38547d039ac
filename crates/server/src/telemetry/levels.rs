//! Reads `log.level`: one level for all, and others for single modules.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Libraries that say every start and stop at `info`; the server's own lines say that better.
const QUIET: [(&str, LevelFilter); 2] =
    [("actix_server", LevelFilter::WARN), ("actix_web", LevelFilter::WARN)];

/// How much is logged, by module.
#[derive(Debug, Clone)]
pub(crate) struct Levels(Targets);

impl Default for Levels {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl Levels {
    /// Reads `info` or `info,mindflight_calls=debug`.
    ///
    /// # Errors
    /// What is wrong with which part.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut all, mut modules) = (LevelFilter::INFO, Vec::new());
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some((module, name)) if is_module(module.trim()) => {
                    modules.push((module.trim().to_owned(), level(name)?));
                }
                Some((module, _)) => {
                    return Err(format!("`{module}` is no module; write module=level"));
                }
                None => all = level(part)?,
            }
        }
        let quiet = QUIET.into_iter().filter(|_| all == LevelFilter::INFO);
        let targets = Targets::new().with_default(all).with_targets(quiet);
        Ok(Self(targets.with_targets(modules)))
    }

    pub(crate) fn into_filter(self) -> Targets {
        self.0
    }
}

fn level(name: &str) -> Result<LevelFilter, String> {
    match name.trim().to_ascii_lowercase().as_str() {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" | "warning" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        other => Err(format!(
            "`{other}` is no level: there are off, error, warn, info, debug, trace; for one module: info,mindflight_calls=debug"
        )),
    }
}

fn is_module(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_hold_for_all_or_for_one_module() {
        let levels = Levels::parse("Info, mindflight_calls=debug").unwrap().into_filter();
        assert!(levels.would_enable("mindflight_server", &Level::INFO));
        assert!(!levels.would_enable("mindflight_server", &Level::DEBUG));
        assert!(levels.would_enable("mindflight_calls::guard", &Level::DEBUG));
        assert!(!levels.would_enable("actix_server", &Level::INFO));
        let debug = Levels::parse("debug").unwrap().into_filter();
        assert!(debug.would_enable("actix_server", &Level::DEBUG));
    }

    #[test]
    fn what_is_no_level_is_named() {
        for (text, part) in
            [("verbose", "`verbose`"), ("info,x=loud", "`loud`"), ("", "``"), ("a b=info", "`a b`")]
        {
            let error = Levels::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
