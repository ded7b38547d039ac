//! Every mistake says where it is, what was wrong and what would be right; all of them at once.

use super::*;

#[test]
fn unknown_settings_are_refused_with_the_nearest_name() {
    for (file, mistake) in [
        (
            "server:\n  lissten: x",
            "`server.lissten` is no setting; did you mean `server.listen`? (file.yaml:2)",
        ),
        ("sever:\n  workers: 2", "`sever` is no setting; did you mean `server`? (file.yaml:2)"),
        ("listen: x", "`listen` is no setting; did you mean `server.listen`? (file.yaml:1)"),
        ("metrics:\n  zzz: 1", "`metrics.zzz` is no setting; there are token (file.yaml:2)"),
        (
            "providers:\n  weather:\n    api_key: k\n    limt: 3",
            "`providers.weather.limt` is no setting; it has api_key, limit, cities, client_file, pin (file.yaml:4)",
        ),
    ] {
        assert_eq!(tool().file(file).mistakes(), [mistake]);
    }
    let variable = tool().set("MINDFLIGHT_SERVER__LISSTEN", "x").mistakes();
    assert_eq!(
        variable,
        [
            "`server.lissten` is no setting; did you mean `server.listen`? (MINDFLIGHT_SERVER__LISSTEN)"
        ]
    );
    let flag = tool().flag("auth.jwtsecret", "x").mistakes();
    assert_eq!(
        flag,
        ["`auth.jwtsecret` is no setting; did you mean `auth.jwt_secret`? (--set auth.jwtsecret)"]
    );
}

#[test]
fn one_underscore_where_two_were_meant_is_seen() {
    let mistakes = tool().set("MINDFLIGHT_SERVER_LISTEN", "x").mistakes();
    assert_eq!(
        mistakes,
        ["`MINDFLIGHT_SERVER_LISTEN` sets nothing; did you mean `MINDFLIGHT_SERVER__LISTEN`?"]
    );
}

#[test]
fn values_of_the_wrong_kind_say_what_is_wanted() {
    let span = "a whole number and ms, s, m, h or d, such as 30s";
    let number = "must be a whole number, at least 1";
    let levels =
        "off, error, warn, info, debug, trace; for one module: info,mindflight_calls=debug";
    let cases = [
        ("server.workers", "many", format!("{number} or null; got \"many\"")),
        ("server.workers", "0", format!("{number} or null; got 0")),
        ("database.max_connections", "-1", format!("{number}; got -1")),
        ("limits.enabled", "maybe", "must be true or false or null; got \"maybe\"".to_owned()),
        (
            "environment",
            "prod",
            "must be one of development, staging, production; got \"prod\"".to_owned(),
        ),
        ("log.format", "xml", "must be one of text, json or null; got \"xml\"".to_owned()),
        ("server.grace", "20", format!("must be a span of time: {span}; got \"20\"")),
        (
            "server.grace",
            "99999999999999999999d",
            format!("`99999999999999999999d` is no span of time; write {span}"),
        ),
        ("log.level", "loud", format!("`loud` is no level: there are {levels}")),
    ];
    for (path, text, mistake) in cases {
        assert_eq!(
            tool().flag(path, text).mistakes(),
            [format!("`{path}` {mistake} (--set {path})")]
        );
    }
}

#[test]
fn spans_that_make_no_sense_are_refused() {
    let nothing = tool().flag("database.check_interval", "0s").mistakes();
    let wanted = "`database.check_interval` must be longer than nothing";
    assert_eq!(nothing, [format!("{wanted} (--set database.check_interval)")]);
    let age = tool().flag("auth.version_max_age", "100ms").mistakes();
    assert!(age[0].contains("must be at least `auth.version_interval`, which is 500ms"), "{age:?}");
}

#[test]
fn sections_and_values_are_not_taken_for_each_other() {
    let file = "server: 8080\nproviders:\n  weather: [1]\ndatabase:\n  url: 5";
    assert_eq!(
        tool().file(file).mistakes(),
        [
            "`server` must be a section with settings of its own; got 8080 (file.yaml:1)",
            "`database.url` must be text or null (file.yaml:5)",
            "`providers.weather` must be a section with settings of its own; got a list (file.yaml:3)",
        ]
    );
}

#[test]
fn addresses_are_looked_at() {
    for (path, text, part) in [
        ("server.listen", ":8080", "must be an address and a port, such as 127.0.0.1:8080"),
        ("server.listen", "localhost:8080", "must be an address and a port"),
        ("public_url", "api.example.com", "must be a URL such as https://api.example.com"),
        ("public_url", "ftp://api.example.com", "must be a URL"),
        ("server.trusted_proxies", "10.0.0.1", "one address is 10.0.0.1/32"),
        ("server.trusted_proxies", "proxy", "must be a network such as 10.0.0.0/8; got \"proxy\""),
        ("server.cors_origins", "*", "must be an origin"),
        (
            "outbound.allow",
            "https://api.internal/",
            "`https://api.internal/` is a URL; write a host (`api.internal`)",
        ),
        (
            "outbound.allow",
            "10.0.0.0/99",
            "`10.0.0.0/99` names nothing that could be allowed; write a host",
        ),
        ("outbound.ports", "https", "must be a whole number"),
        ("server.cors_origins", "https://a.example/app", "must be an origin"),
        ("database.url", "mysql://u:hunter2@h/d", "must begin with postgres:// or postgresql://"),
        ("database.direct_url", "mysql://u:hunter2@h/d", "must begin with postgres://"),
    ] {
        let mistakes = tool().flag(path, text).mistakes();
        assert!(
            matches!(mistakes.as_slice(), [one] if one.contains(part)),
            "{path}={text}: {mistakes:?}"
        );
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    }
    for (name, text) in [("PORT", "http"), ("PORT", "70000"), ("APP_URL", "app")] {
        let mistakes = tool().set(name, text).mistakes();
        assert!(
            matches!(mistakes.as_slice(), [one] if one.ends_with(&format!("got \"{text}\" ({name})"))),
            "{mistakes:?}"
        );
    }
}

#[test]
fn a_direct_address_beside_a_private_cluster_is_a_mistake() {
    let direct = Try::of(Mode::Dev).set("DATABASE_DIRECT_URL", "postgres://u:hunter2@h/d");
    let mistakes = direct.mistakes();
    assert!(
        matches!(mistakes.as_slice(), [one] if one.contains("`database.url` is not")
            && one.contains("DATABASE_DIRECT_URL") && !one.contains("hunter2")),
        "{mistakes:?}"
    );
}

#[test]
fn serve_without_its_secrets_names_the_variables_and_how_to_make_one() {
    let mistakes = Try::of(Mode::Serve).mistakes();
    let [database, secret] = mistakes.as_slice() else { panic!("{mistakes:?}") };
    assert!(
        database.starts_with("`database.url` is missing: set `DATABASE_URL=postgres://"),
        "{database}"
    );
    assert!(secret.starts_with("`auth.jwt_secret` is missing: set `SLOP_JWT_SECRET`"), "{secret}");
    assert!(secret.ends_with("make one with `openssl rand -base64 48`"), "{secret}");
}

#[test]
fn weak_secrets_are_refused_and_never_repeated() {
    let long = "changeme-changeme-changeme-changeme-1";
    for (environment, secret, part) in [
        ("development", "hunter2hunter2", Some("has 14 bytes and needs at least 32")),
        ("production", long, Some("is a placeholder")),
        ("staging", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Some("is a placeholder")),
        ("development", long, None),
        ("production", SECRET, None),
    ] {
        let set = tool().flag("environment", environment).set("SLOP_JWT_SECRET", secret);
        match part {
            None => drop(set.load()),
            Some(part) => {
                let mistakes = set.mistakes();
                assert!(matches!(mistakes.as_slice(), [one] if one.contains(part)), "{mistakes:?}");
                assert!(!mistakes[0].contains(secret), "{mistakes:?}");
            }
        }
    }
    let token = tool().set("MINDFLIGHT_METRICS__TOKEN", "changeme").mistakes();
    assert!(token[0].contains("`metrics.token` is a placeholder"), "{token:?}");
}

#[test]
fn a_variable_and_its_file_may_not_both_be_set_and_the_file_must_be_there() {
    let file = kept(SECRET);
    let both = tool()
        .set("SLOP_JWT_SECRET", SECRET)
        .set("SLOP_JWT_SECRET_FILE", file.path().to_str().unwrap());
    assert_eq!(
        both.mistakes(),
        ["`SLOP_JWT_SECRET` and `SLOP_JWT_SECRET_FILE` are both set; unset one of them"]
    );
    let gone = tool().set("MINDFLIGHT_DATABASE__URL_FILE", "/nowhere/url").mistakes();
    assert!(
        gone[0].starts_with(
            "`MINDFLIGHT_DATABASE__URL_FILE` names the file `/nowhere/url`, which cannot be read"
        ),
        "{gone:?}"
    );
}

#[test]
fn yaml_that_cannot_be_read_says_line_and_column_and_shows_no_neighbours() {
    for (text, part) in [
        ("server:\n  listen: [", "line 2"),
        ("auth:\n  jwt_secret: hunter2\n  jwt_secret: x", "line 3"),
        ("- a\n- b", "must be a mapping"),
        ("server: !!binary x\nb: *c", "line"),
    ] {
        let mistakes = tool().file(text).mistakes();
        assert!(
            mistakes[0].starts_with("file.yaml: ") && mistakes[0].contains(part),
            "{mistakes:?}"
        );
        assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
    }
    let mut missing = tool();
    missing.sources.file = Some("/nowhere/mindflight.yaml".into());
    let mistakes = missing.mistakes();
    assert!(mistakes[0].starts_with("the configuration file `"), "{mistakes:?}");
}

#[test]
fn names_that_are_no_paths_are_refused() {
    let variable = tool().set("MINDFLIGHT_SERVER____LISTEN", "x").mistakes();
    assert!(variable[0].contains("the name is no path"), "{variable:?}");
    let flag = tool().flag("server..listen", "x").mistakes();
    assert!(flag[0].contains("`--set server..listen` is no path"), "{flag:?}");
}

#[test]
fn providers_are_told_about_what_they_lack() {
    let unlinked = tool().file("providers:\n  wether:\n    api_key: k").load();
    assert_eq!(
        unlinked.warnings,
        [
            "`providers.wether` is for the provider `wether`, which is not linked into this program; did you mean `weather`? (linked are weather)"
        ]
    );
    let missing = tool().file("providers:\n  weather:\n    limit: 3").load();
    assert_eq!(
        missing.warnings,
        [
            "`providers.weather.api_key` is missing: the provider stays off; set `MINDFLIGHT_PROVIDERS__WEATHER__API_KEY`"
        ]
    );
    let off = tool().file("providers:\n  weather:\n    enabled: false").load();
    assert_eq!(off.warnings, Vec::<String>::new());
    let required = tool().file("providers:\n  weather:\n    required: true").mistakes();
    assert!(
        required[0]
            .starts_with("`providers.weather.api_key` is missing, and the provider is required"),
        "{required:?}"
    );
    let name = tool().file("providers:\n  Weather-1: {}").mistakes();
    assert!(name[0].starts_with("`providers.Weather-1` is no name of a provider"), "{name:?}");
    let own = tool().file("providers:\n  mindflight: {}").mistakes();
    assert!(own[0].starts_with("`providers.mindflight` is the name of what the server"), "{own:?}");
    let kind = tool().file("providers:\n  weather:\n    api_key: 5\n    limit: 1").mistakes();
    assert_eq!(kind, ["`providers.weather.api_key` has the wrong type (file.yaml:3)"]);
}

#[test]
fn all_mistakes_come_at_once() {
    let all = Try::of(Mode::Serve)
        .file("server:\n  workers: none\n  lissten: x\nauth:\n  jwt_secret: short")
        .set("PORT", "http")
        .set("MINDFLIGHT_LIMITS__REQUESTS_PER_MINUTE", "0")
        .flag("log.level", "loud");
    let mistakes = load(&all.sources).map(drop).unwrap_err();
    let paths: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "server.listen",
            "server.workers",
            "server.lissten",
            "limits.requests_per_minute",
            "database.url",
            "auth.jwt_secret",
            "log.level",
        ]
    );
    let text = mistakes.to_string();
    assert!(
        text.starts_with("the configuration has 7 mistakes:\n  - `server.listen` must be a port"),
        "{text}"
    );
}
