//! The outside world as providers reach it: the guarded client, from the configuration.

use mindflight_outbound::{Outbound, Settings};

use crate::config::Config;

/// The client of this configuration. Needs neither database nor runtime.
pub(crate) fn client(config: &Config) -> Outbound {
    let outbound = &config.outbound;
    Outbound::new(Settings {
        allow: outbound.allow.clone(),
        https_only: config.https_only(),
        ports: outbound.ports.clone(),
        connect_timeout: outbound.connect_timeout.0,
        timeout: outbound.timeout.0,
        max_body_bytes: outbound.max_body_bytes,
        max_redirects: outbound.max_redirects,
        retries: outbound.retries,
        breaker_failures: outbound.breaker_failures,
        breaker_rest: outbound.breaker_rest.0,
        ..Settings::default()
    })
}

#[cfg(test)]
mod tests {
    use mindflight_core::Registry;

    use super::*;
    use crate::config::{Mode, Sources, load};

    fn config(settings: &[(&str, &str)]) -> Config {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        let sources = Sources {
            mode: Mode::Tool,
            file: None,
            environment: Vec::new(),
            flags: settings.iter().map(owned).collect(),
            registry: Registry::default(),
        };
        load(&sources).expect("these are settings").config
    }

    #[tokio::test]
    async fn the_operators_word_reaches_the_guard() {
        let production = client(&config(&[]));
        assert!(production.check("https://8.8.8.8/").await.is_ok());
        assert!(production.check("http://8.8.8.8/").await.is_err());
        assert!(production.check("https://10.0.0.1/").await.is_err());
        assert!(
            client(&config(&[("outbound.ports", "8443")])).check("https://8.8.8.8/").await.is_err()
        );
        let allow = ("outbound.allow", "10.0.0.0/8:8080, db.internal");
        let allowed = client(&config(&[allow]));
        assert!(allowed.check("http://10.0.0.1:8080/").await.is_ok());
        assert!(allowed.check("http://10.0.0.1/").await.is_err());
        assert!(allowed.check("http://db.internal:5432/").await.is_ok());
    }

    #[tokio::test]
    async fn plain_http_is_for_development_unless_set() {
        for (environment, set, works) in [
            ("development", "null", true),
            ("staging", "null", false),
            ("production", "null", false),
            ("production", "false", true),
            ("development", "true", false),
        ] {
            let settings = [("environment", environment), ("outbound.https_only", set)];
            let found = client(&config(&settings)).check("http://8.8.8.8/").await;
            assert_eq!(found.is_ok(), works, "{environment} {set}");
        }
    }
}
