//! What is shown of a configuration, and what is not.

use serde_json::json;

use super::*;

fn secretive() -> Try {
    tool()
        .file("metrics:\n  token: hunter2-0123456789\nproviders:\n  weather:\n    api_key: hunter2\n    pin: 4711\n    cities: [https://u:hunter2@h/x]\n  elsewhere:\n    session_token: hunter2\n    nested:\n      Password: hunter2\n")
        .set("DATABASE_URL", "postgres://ada:hunter2@db.example:5432/mind?sslmode=require&password=hunter2&x=1")
        .set("DATABASE_DIRECT_URL", "postgres://ada:hunter2@db.example:5433/mind")
        .set("SLOP_JWT_SECRET", &format!("hunter2{SECRET}"))
}

#[test]
fn secrets_are_never_shown() {
    let loaded = secretive().load();
    let shown = loaded.redacted();
    assert_eq!(
        shown["database"]["url"],
        json!(
            "postgres://ada:[redacted]@db.example:5432/mind?sslmode=require&password=[redacted]&x=1"
        )
    );
    let direct = json!("postgres://ada:[redacted]@db.example:5433/mind");
    assert_eq!(shown["database"]["direct_url"], direct);
    assert_eq!(shown["auth"]["jwt_secret"], json!("[redacted]"));
    assert_eq!(shown["auth"]["jwt_secret_previous"], Value::Null);
    assert_eq!(shown["auth"]["token_lifetime"], json!("24h"));
    assert_eq!(shown["providers"]["weather"]["pin"], json!("[redacted]"));
    assert_eq!(shown["providers"]["elsewhere"]["nested"], json!({"Password": "[redacted]"}));
    for text in [
        shown.to_string(),
        loaded.show(true),
        format!("{loaded:?}"),
        format!("{:?}", loaded.config),
    ] {
        assert!(!text.contains("hunter2") && !text.contains("4711"), "{text}");
    }
    let sources = format!("{:?}", secretive().sources);
    assert!(!sources.contains("hunter2"), "{sources}");
}

#[test]
fn what_is_shown_is_yaml_with_the_origins_beside() {
    let loaded = tool().set("LOG_LEVEL", "debug").flag("server.listen", "127.0.0.1:0").load();
    let text = loaded.show(true);
    for line in [
        "log:",
        "  level: \"debug\"  # LOG_LEVEL",
        "  listen: \"127.0.0.1:0\"  # --listen",
        "  max_url: 2048  # default",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    let plain = loaded.show(false);
    assert!(!plain.contains('#'), "{plain}");
    let again = tool().file(&plain).load();
    assert_eq!(again.values, loaded.values);
}

#[test]
fn passwords_are_found_where_nobody_encoded_them() {
    for (url, shown) in [
        ("postgres://u:p@ss/w@rd@h/d", "postgres://u:[redacted]@h/d"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("https://h:80/x?to=a@b", "https://h:80/x?to=a@b"),
        ("no url", "no url"),
    ] {
        assert_eq!(super::super::show::without_password(url), shown);
    }
}

#[test]
fn the_schema_has_defaults_descriptions_and_the_linked_providers() {
    let schema = schema(&tool().sources.registry);
    let listen = &schema["properties"]["server"]["properties"]["listen"];
    assert_eq!(listen["default"], json!("127.0.0.1:8080"));
    assert!(listen["description"].as_str().unwrap().starts_with("Address and port"));
    assert_eq!(schema.get("required"), None);
    assert_eq!(schema["properties"]["server"].get("required"), None);
    let weather = &schema["properties"]["providers"]["properties"]["weather"];
    assert_eq!(weather["properties"]["limit"]["description"], json!("Requests a day."));
    assert_eq!(weather["properties"]["enabled"]["type"], json!(["boolean", "null"]));
    assert_eq!(weather["additionalProperties"], json!(false));

    let validator = jsonschema::options().offline().build(&schema).unwrap();
    assert!(validator.is_valid(
        &json!({"server": {"listen": "[::]:1"}, "providers": {"weather": {"limit": 3}}})
    ));
    assert!(!validator.is_valid(&json!({"providers": {"weather": {"limt": 3}}})));
    assert!(!validator.is_valid(&json!({"server": {"lissten": "x"}})));
}
