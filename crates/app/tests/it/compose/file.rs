//! Reads the compose file, as far as the tests of it look: variables put in, services with what they say.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Compose {
    pub(super) services: BTreeMap<String, Service>,
    pub(super) volumes: BTreeMap<String, Option<serde_json::Value>>,
    pub(super) networks: BTreeMap<String, Network>,
}

/// A service. What no test looks at may not be there.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) image: String,
    pub(super) build: Option<Build>,
    #[serde(default)]
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) depends_on: BTreeMap<String, Dependency>,
    pub(super) healthcheck: Option<HealthCheck>,
    #[serde(default)]
    pub(super) volumes: Vec<String>,
    #[serde(default)]
    pub(super) ports: Vec<String>,
    pub(super) network_mode: Option<String>,
    pub(super) networks: Networks,
    pub(super) stop_grace_period: Option<String>,
    #[serde(default)]
    pub(super) read_only: bool,
    restart: String,
    #[serde(default)]
    cap_drop: Vec<String>,
    #[serde(default)]
    security_opt: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    pub(super) context: String,
    pub(super) dockerfile: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    pub(super) condition: Condition,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    ServiceStarted,
    ServiceHealthy,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthCheck {
    pub(super) test: Vec<String>,
    interval: String,
    timeout: String,
    start_period: String,
    retries: u32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Networks {
    Names(Vec<String>),
    Placed(BTreeMap<String, Place>),
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Place {
    pub(super) ipv4_address: String,
}

#[derive(Deserialize)]
pub(super) struct Network {
    pub(super) ipam: Ipam,
}

#[derive(Deserialize)]
pub(super) struct Ipam {
    pub(super) config: Vec<Pool>,
}

#[derive(Deserialize)]
pub(super) struct Pool {
    pub(super) subnet: String,
}

impl Compose {
    pub(super) fn parse(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("docker-compose.yml: {error}"))
    }

    pub(super) fn services_of_image(&self, image: &str) -> Vec<(&str, &Service)> {
        let services = self.services.iter().filter(|(_, service)| service.image == image);
        services.map(|(name, service)| (name.as_str(), service)).collect()
    }

    /// Every variable: service, name, value.
    pub(super) fn environment(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.services.iter().flat_map(|(service, about)| {
            let all = about.environment.iter();
            all.map(move |(name, value)| (service.as_str(), name.as_str(), value.as_str()))
        })
    }
}

/// The text with variables put in, as compose does: `${NAME}`, `${NAME:-default}`, `${NAME:?what is missing}`. Or what
/// is missing.
pub(super) fn substituted(
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, BTreeMap<String, String>> {
    let (mut result, mut missing, mut rest) = (String::new(), BTreeMap::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        result.push_str(before);
        let (inside, after) = after.split_once('}').unwrap_or_else(|| panic!("an open `${{`"));
        rest = after;
        let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, form) = inside.split_at(end.unwrap_or(inside.len()));
        match variables.get(name).filter(|value| !value.is_empty()) {
            Some(value) => result.push_str(value),
            None => match form.split_at_checked(2) {
                Some((":-", default)) => result.push_str(default),
                Some((":?", advice)) => drop(missing.insert(name.to_owned(), advice.to_owned())),
                _ => panic!("`${{{inside}}}` says neither what is meant nor what is missing"),
            },
        }
    }
    assert!(!rest.contains('$'), "a variable without braces");
    result.push_str(rest);
    if missing.is_empty() { Ok(result) } else { Err(missing) }
}
