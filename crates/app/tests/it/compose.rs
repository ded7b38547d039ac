//! `docker-compose.yml` and what it needs work as they are written: their commands are run as processes here, since
//! tests have no engine for containers.

mod file;
mod image;
mod proxy;
mod running;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::file::{Compose, Condition, Service};
use self::image::Image;

/// What somebody has exported who follows docs/deploy/README.md.
const EXPORTED: [(&str, &str); 2] = [
    ("POSTGRES_PASSWORD", "0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("SLOP_JWT_SECRET", "kqGf0TfsVwGCzL0DgFrq7qkS6VgN2Tn1J0bXzK4mYpE"),
];

/// A file of the checkout.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn exported() -> BTreeMap<String, String> {
    EXPORTED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The file with everything in place that it wants.
fn compose() -> Compose {
    let text = file::substituted(&read("docker-compose.yml"), &exported());
    Compose::parse(&text.unwrap_or_else(|missing| panic!("{missing:?}")))
}

/// The services that run the server, by name.
fn instances(compose: &Compose) -> Vec<(&str, &Service)> {
    compose.services_of_image("mindflight")
}

#[test]
fn nothing_starts_without_its_secrets_and_it_says_how_to_make_them() {
    let text = read("docker-compose.yml");
    let missing = file::substituted(&text, &BTreeMap::new()).unwrap_err();
    for (name, _) in EXPORTED {
        let advice = missing.get(name).unwrap_or_else(|| panic!("`{name}` has a default"));
        assert!(advice.contains("openssl rand"), "{name}: {advice}");
        let others: BTreeMap<_, _> =
            exported().into_iter().filter(|(other, _)| other != name).collect();
        assert!(file::substituted(&text, &others).is_err(), "{name} is not needed");
        // Set to nothing is not set.
        let empty = exported().into_iter().chain([(name.to_owned(), String::new())]).collect();
        assert!(file::substituted(&text, &empty).is_err(), "{name} may be empty");
    }
    assert_eq!(missing.len(), EXPORTED.len(), "{missing:?}");
}

#[test]
fn no_file_of_the_deployment_has_a_secret_in_it() {
    let compose = Compose::parse(&read("docker-compose.yml"));
    let mut secrets = 0;
    for (service, name, value) in compose.environment() {
        let is_secret =
            ["PASSWORD", "SECRET", "TOKEN", "KEY"].iter().any(|word| name.contains(word));
        if is_secret {
            assert!(
                value.starts_with("${") && value.ends_with('}'),
                "{service}: {name} is {value}"
            );
            secrets += 1;
        }
        if let Some((_, rest)) = value.split_once("://")
            && let Some((user, _)) = rest.rsplit_once('@')
        {
            let password = user.split_once(':').map_or("", |(_, password)| password);
            assert!(password.starts_with("${") && password.ends_with('}'), "{service}: {name}");
        }
    }
    assert!(secrets >= 3, "{secrets}");
    for file in ["docs/deploy/Dockerfile", "docs/deploy/haproxy.cfg"] {
        let text = read(file).to_lowercase();
        for word in ["password", "secret", "token"] {
            assert!(!text.contains(word), "{file} has the word {word}");
        }
    }
}

#[test]
fn there_is_a_database_with_a_volume_two_equal_instances_and_a_proxy() {
    let compose = compose();
    let instances = instances(&compose);
    assert_eq!(instances.len(), 2);
    assert_eq!(instances[0].1, instances[1].1, "instances are stateless and equal");
    for (name, instance) in &instances {
        assert_eq!(instance.depends_on["database"].condition, Condition::ServiceHealthy, "{name}");
        assert!(instance.read_only && instance.volumes.is_empty(), "{name} keeps nothing");
        let build = instance.build.as_ref().unwrap();
        assert!(path(&build.context).join(&build.dockerfile).is_file(), "{name}: {build:?}");
    }
    let database = &compose.services["database"];
    let (image, version) = database.image.split_once(':').unwrap();
    assert_eq!(image, "postgres");
    assert!(version.parse::<u32>().unwrap() >= 15, "{version}");
    let [volume] = &database.volumes[..] else { panic!("{:?}", database.volumes) };
    let (volume, folder) = volume.split_once(':').unwrap();
    assert!(compose.volumes.contains_key(volume), "`{volume}` is no named volume");
    assert_eq!(folder, "/var/lib/postgresql/data");
    assert_eq!(database.healthcheck.as_ref().unwrap().test[1], "pg_isready");
}

#[test]
fn only_the_proxy_can_be_reached_and_only_from_this_machine() {
    let compose = compose();
    for (name, service) in &compose.services {
        assert_eq!(service.network_mode, None, "{name} is not on a network of its own");
        if name != "proxy" {
            assert!(service.ports.is_empty(), "{name} has {:?}", service.ports);
        }
    }
    let [port] = &compose.services["proxy"].ports[..] else { panic!("one port") };
    assert!(port.starts_with("127.0.0.1:"), "{port}");
    // What callers see stands in `public_url`.
    let outside = port.rsplit_once(':').unwrap().0;
    for (name, instance) in instances(&compose) {
        let public = &instance.environment["MINDFLIGHT_PUBLIC_URL"];
        assert_eq!(*public, format!("http://{outside}"), "{name}");
    }
}

#[test]
fn stopping_gives_an_instance_the_time_that_it_takes() {
    let defaults = include_str!("../../../server/config.default.yaml");
    let grace = defaults.lines().find_map(|line| line.strip_prefix("  grace: ")).unwrap();
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u32>().unwrap();
    for (name, instance) in instances(&compose()) {
        let patience = instance.stop_grace_period.as_deref().unwrap_or("10s");
        assert!(seconds(patience) > seconds(grace), "{name}: {patience} against {grace}");
    }
}

#[test]
fn the_image_is_what_the_services_take_it_for() {
    let (image, compose) = (Image::read(), compose());
    assert_eq!(image.entrypoint, ["mindflight"]);
    assert_eq!(image.command, ["serve"]);
    assert_eq!(image.environment["PORT"], image.port);
    let user = image.user.split(':').next().unwrap();
    assert!(user.parse::<u32>().unwrap() > 0, "runs as {}", image.user);
    for (name, instance) in instances(&compose) {
        // One is enough for platforms, the other for compose: they are the same.
        assert_eq!(instance.healthcheck.as_ref().unwrap().test[1..], image.health, "{name}");
    }
}

#[test]
fn everything_that_the_image_is_made_of_is_there() {
    let image = Image::read();
    assert!(image.copied.iter().any(|name| name == "crates"), "{:?}", image.copied);
    let ignore = read("docs/deploy/Dockerfile.dockerignore");
    let sent: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*"), "{ignore}");
    for name in &image.copied {
        assert!(path(name).exists(), "{name} is not there");
    }
    assert_eq!(image.copied, sent, "what is copied is what is sent to the builder");
}
