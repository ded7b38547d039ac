//! Which layer wins, and what each of them can say.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::*;
use crate::config::{Environment, LogFormat};

fn at(loaded: &Loaded, path: &str) -> Value {
    path.split('.').fold(loaded.values.clone(), |value, key| value[key].clone())
}

fn origin(loaded: &Loaded, path: &str) -> String {
    loaded.origins[path].to_string()
}

fn secret(value: Option<&SecretString>) -> &str {
    value.unwrap().expose_secret()
}

#[test]
fn each_layer_wins_over_the_ones_before() {
    let mut all = tool();
    assert_eq!(origin(&all.load(), "database.max_connections"), "default");

    all = all.file("# mine\ndatabase:\n  max_connections: 20\n");
    let loaded = all.load();
    assert_eq!(loaded.config.database.max_connections, 20);
    assert!(origin(&loaded, "database.max_connections").ends_with(":3"), "{loaded:?}");

    all = all.set("MINDFLIGHT_DATABASE__MAX_CONNECTIONS", "30");
    let loaded = all.load();
    assert_eq!(loaded.config.database.max_connections, 30);
    assert_eq!(origin(&loaded, "database.max_connections"), "MINDFLIGHT_DATABASE__MAX_CONNECTIONS");

    all = all.flag("database.max_connections", "40");
    let loaded = all.load();
    assert_eq!(loaded.config.database.max_connections, 40);
    assert_eq!(origin(&loaded, "database.max_connections"), "--set database.max_connections");
    assert_eq!(loaded.config.server.listen, "127.0.0.1:8080");
}

#[test]
fn dev_is_development_unless_something_says_otherwise() {
    let dev = Try::of(Mode::Dev).load().config;
    assert_eq!((dev.environment, dev.log_format()), (Environment::Development, LogFormat::Text));
    assert!(!dev.limits_enabled());

    let staging = Try::of(Mode::Dev).set("MINDFLIGHT_ENVIRONMENT", "Staging").load().config;
    assert_eq!(
        (staging.environment, staging.log_format()),
        (Environment::Staging, LogFormat::Json)
    );

    let tool = tool().load().config;
    assert_eq!(tool.environment, Environment::Production);
    assert!(tool.limits_enabled());
}

#[test]
fn variables_with_names_of_their_own_set_what_they_say() {
    for (name, text, path, value) in [
        ("DATABASE_URL", "postgres://u@h/d", "database.url", json!("postgres://u@h/d")),
        (
            "DATABASE_DIRECT_URL",
            "postgres://u@h/d",
            "database.direct_url",
            json!("postgres://u@h/d"),
        ),
        ("PORT", "9000", "server.listen", json!("0.0.0.0:9000")),
        ("SLOP_JWT_SECRET", SECRET, "auth.jwt_secret", json!(SECRET)),
        ("SLOP_JWT_SECRET_PREVIOUS", SECRET, "auth.jwt_secret_previous", json!(SECRET)),
        (
            "APP_URL",
            "https://app.example.com/start",
            "server.cors_origins",
            json!(["https://app.example.com"]),
        ),
        ("LOG_LEVEL", "WARN", "log.level", json!("WARN")),
        ("LOG_FORMAT", "JSON", "log.format", json!("json")),
        ("FLY_REGION", "fra", "region", json!("fra")),
        ("MINDFLIGHT_DATA_DIR", "/data", "server.data_dir", json!("/data")),
        (
            "MINDFLIGHT_PUBLIC_URL",
            "https://api.example.com",
            "public_url",
            json!("https://api.example.com"),
        ),
    ] {
        let loaded = tool().set(name, text).load();
        assert_eq!(at(&loaded, path), value, "{name}");
        assert_eq!(origin(&loaded, path), name);

        let file = kept(&format!("{text}\n"));
        let twin = format!("{name}_FILE");
        let loaded = tool().set(&twin, file.path().to_str().unwrap()).load();
        assert_eq!(at(&loaded, path), value, "{twin}");
        assert_eq!(origin(&loaded, path), twin);

        let unset = tool().set(name, "").load();
        assert_eq!(origin(&unset, path), "default", "an empty {name} is none");
    }
}

#[test]
fn the_exact_name_of_a_variable_wins_over_the_short_one() {
    let both = tool().set("PORT", "9000").set("MINDFLIGHT_SERVER__LISTEN", "[::]:9001").load();
    assert_eq!(both.config.server.listen, "[::]:9001");
}

#[test]
fn the_apps_address_is_the_public_one_where_nothing_else_is() {
    let alone = tool().set("APP_URL", "https://app.example.com/").load();
    assert_eq!(alone.config.public_url.as_deref(), Some("https://app.example.com"));

    let file = "public_url: https://api.example.com";
    let beside = tool().file(file).set("APP_URL", "https://app.example.com").load();
    assert_eq!(beside.config.public_url.as_deref(), Some("https://api.example.com"));
    assert_eq!(beside.config.server.cors_origins, ["https://app.example.com"]);
}

#[test]
fn texts_become_what_the_schema_wants() {
    for (path, text, value) in [
        ("limits.enabled", "on", json!(true)),
        ("limits.enabled", "null", Value::Null),
        ("server.workers", "3", json!(3)),
        ("server.grace", "1500ms", json!("1500ms")),
        ("server.trusted_proxies", "10.0.0.0/8, fd00::/8", json!(["10.0.0.0/8", "fd00::/8"])),
        ("server.cors_origins", r#"["https://a.example"]"#, json!(["https://a.example"])),
        ("log.format", "Text", json!("text")),
        ("metrics.token", "12345678", json!("12345678")),
        ("providers.weather.api_key", "0123", json!("0123")),
        ("providers.weather.limit", "7", json!(7)),
        ("providers.weather.cities", "Ulm,Bonn", json!(["Ulm", "Bonn"])),
        ("providers.weather.client_file", "/etc/cert", json!("/etc/cert")),
        ("providers.weather.required", "false", json!(false)),
        ("providers.elsewhere.limit", "7", json!("7")),
    ] {
        let name = format!("MINDFLIGHT_{}", path.replace('.', "__").to_uppercase());
        let loaded = tool().set(&name, text).load();
        assert_eq!(at(&loaded, path), value, "{name}={text}");
        let flagged = tool().flag(path, text).load();
        assert_eq!(at(&flagged, path), value, "--set {path}={text}");
    }
}

#[test]
fn a_provider_under_another_name_is_typed_and_checked_all_the_same() {
    let named = tool()
        .set("MINDFLIGHT_PROVIDERS__ALPS__LIMIT", "7")
        .set("MINDFLIGHT_PROVIDERS__ALPS__PROVIDER", "weather")
        .set("MINDFLIGHT_PROVIDERS__ALPS__API_KEY", "k");
    let loaded = named.load();
    assert_eq!(loaded.config.providers["alps"].settings["limit"], json!(7));
    assert_eq!(loaded.config.providers["alps"].provider.as_deref(), Some("weather"));
    assert_eq!(loaded.warnings, Vec::<String>::new());
}

#[test]
fn sections_are_merged_and_lists_are_replaced() {
    let file = "server:\n  cors_origins: [https://a.example, https://b.example]\n  workers: 2\nlimits:\nproviders:\n  weather: {}\n";
    let loaded =
        tool().file(file).set("MINDFLIGHT_SERVER__CORS_ORIGINS", "https://c.example").load();
    assert_eq!(loaded.config.server.cors_origins, ["https://c.example"]);
    assert_eq!(loaded.config.server.workers, Some(2));
    assert_eq!(loaded.config.limits.requests_per_minute, 100);
    assert!(loaded.config.providers["weather"].settings.is_empty());
}

#[test]
fn an_empty_file_and_foreign_variables_change_nothing() {
    for file in ["", "# nothing\n", "---\n"] {
        let foreign =
            tool().file(file).set("MINDFLIGHT_SERVICE_HOST", "10.0.0.1").set("HOME", "/root");
        let loaded = foreign
            .set("MINDFLIGHT_KEY_FILE", "/nowhere")
            .set("MINDFLIGHT_PORT", "tcp://10.0.0.1:80")
            .load();
        assert!(
            loaded.origins.values().all(|origin| *origin == Origin::Default),
            "{file:?}: {loaded:?}"
        );
    }
}

#[test]
fn a_secret_from_a_file_loses_only_its_line_end() {
    let file = kept(&format!(" {SECRET}\r\n"));
    let loaded = tool().set("SLOP_JWT_SECRET_FILE", file.path().to_str().unwrap()).load();
    assert_eq!(secret(loaded.config.auth.jwt_secret.as_ref()), format!(" {SECRET}"));
}

#[test]
fn serve_with_its_two_secrets_is_content() {
    let serve = Try::of(Mode::Serve)
        .set("DATABASE_URL", "postgres://u:p@h/d")
        .set("SLOP_JWT_SECRET", SECRET);
    let loaded = serve.load();
    assert_eq!(secret(loaded.config.database.url.as_ref()), "postgres://u:p@h/d");
}
