//! The instances of the compose file as processes on one database, started and asked for their health as it says.

use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::json;

use super::file::{Compose, Service};
use super::image::Image;
use super::{compose, instances};
use crate::rig::{BINARY, eventually, key, start};

/// The service as a process: other are only the program's place, the database's address and the port.
fn launch(service: &Service, image: &Image, db: &TestDb) -> Launch {
    assert_eq!(image.entrypoint, ["mindflight"]);
    let command = if service.command.is_empty() { &image.command } else { &service.command };
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut environment = image.environment.clone();
    environment.extend(service.environment.clone());
    environment.insert("DATABASE_URL".to_owned(), db.url().to_owned());
    environment.insert("PORT".to_owned(), "0".to_owned());
    environment
        .iter()
        .fold(Launch::new(BINARY, &arguments), |launch, (name, value)| launch.env(name, value))
}

/// Whether the container would be called healthy.
async fn is_healthy(service: &Service, image: &Image, address: &str) -> bool {
    let check = &service.healthcheck.as_ref().unwrap().test;
    let [kind, program, arguments @ ..] = &check[..] else { panic!("{check:?}") };
    assert_eq!(kind, "CMD");
    let inside = format!("http://127.0.0.1:{}/", image.port);
    assert!(arguments.iter().any(|one| one.starts_with(&inside)), "{check:?}");
    let arguments: Vec<String> =
        arguments.iter().map(|one| one.replace(&inside, &format!("{address}/"))).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Launch::new(program, &arguments).output().await.unwrap().status.success()
}

#[test]
fn the_instances_are_told_the_databases_own_name_user_and_password() {
    let compose: Compose = compose();
    let database = &compose.services["database"].environment;
    let wanted = format!(
        "postgres://{}:{}@database:5432/{}",
        database["POSTGRES_USER"], database["POSTGRES_PASSWORD"], database["POSTGRES_DB"]
    );
    for (name, instance) in instances(&compose) {
        assert_eq!(instance.environment["DATABASE_URL"], wanted, "{name}");
    }
}

#[tokio::test]
async fn both_instances_serve_on_one_database_and_see_what_the_other_did() {
    let (compose, image, db) = (compose(), Image::read(), TestDb::new().await);
    let all = instances(&compose);
    // At the same time, as compose starts them.
    let (one, two) =
        tokio::join!(start(launch(all[0].1, &image, &db)), start(launch(all[1].1, &image, &db)));
    let servers = [(all[0], &one), (all[1], &two)];
    for ((name, service), server) in servers {
        eventually(async || is_healthy(service, &image, server.url()).await.then_some(())).await;
        assert!(!is_healthy(service, &image, "http://127.0.0.1:1").await, "{name}");
    }
    let key = key(&db, "admin").await;
    let (one, two) = (one.with_key(&key), two.with_key(&key));
    let told = tokio::time::timeout(std::time::Duration::from_secs(30), both_ways(&one, &two));
    told.await.expect("what one does, the other sees");
    for server in [one, two] {
        let (status, log) = server.terminate().await.unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

async fn both_ways(one: &Instance, two: &Instance) {
    for (from, to, text) in [(one, two, "there"), (two, one, "back")] {
        let said = from.tool("echo_say", json!({"text": text})).await.ok();
        assert_eq!(said, json!({"text": text}));
        let made = from.post("/api/keys", &json!({"name": text, "scopes": ["tools:call"]})).await;
        let key = made.ok()["key"].as_str().unwrap().to_owned();
        assert_eq!(to.call("GET", "/api/me").key(&key).send().await.status, 200);
        let event = json!({"type": "deploy.seen", "data": {"text": text}});
        let published = from.post("/api/events?wait=1", &event).await.ok();
        eventually(async || {
            let list = to.get("/api/events?type=deploy.*").await.ok();
            let items = list["items"].as_array().unwrap();
            items.iter().any(|event| event["id"] == published["id"]).then_some(())
        })
        .await;
    }
}
