//! The gate on a real database; two gates on one database are two instances.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST};
use actix_web::test::TestRequest;
use mindflight_api::access::{CreatedKey, Login, Token};
use mindflight_api::{RequestId, Role, Scope};
use mindflight_core::caller::Origin;
use mindflight_store::audit::Filter;
use mindflight_store::command_line;
use mindflight_testapp::{TestClock, TestDb};

use super::*;
use crate::auth::{NewKey, create_key, create_user, draft_key};
use crate::config::Span;
use crate::engine::Engine;

const PASSWORD: &str = "correct horse battery";

/// A database, a clock that stands still, and the engine's handle.
struct Scene {
    db: TestDb,
    clock: TestClock,
    tasks: Tasks,
}

/// Runs a test beside an engine, as a worker is beside it.
fn scene<W: Future<Output = ()>>(test: impl FnOnce(Scene) -> W) {
    let engine = Engine::start(Some(2)).unwrap();
    let tasks = engine.handle();
    tasks.runtime().block_on(async {
        let clock = TestClock::default();
        let db = TestDb::with_clock(Arc::new(clock.clone())).await;
        test(Scene { db, clock, tasks: engine.handle() }).await;
    });
    engine.stop(Duration::from_secs(1));
}

impl Scene {
    /// A gate that asks for changes on every request, and believes nothing old.
    fn gate(&self) -> Gate {
        self.gate_with(Duration::ZERO, Duration::ZERO)
    }

    fn gate_with(&self, interval: Duration, max_age: Duration) -> Gate {
        self.gate_of(self.db.store().clone(), interval, max_age, false)
    }

    fn gate_of(&self, store: Store, interval: Duration, max_age: Duration, dev: bool) -> Gate {
        let mut config: Config =
            serde_saphyr::from_str(include_str!("../../../config.default.yaml")).unwrap();
        config.auth.jwt_secret = Some("0123456789abcdef0123456789abcdef".to_owned().into());
        config.auth.version_interval = Span(interval);
        config.auth.version_max_age = Span(max_age);
        Gate::new(&config, store, self.tasks.clone(), Arc::new(self.clock.clone()), dev).unwrap()
    }

    async fn key(&self, expires_at: Option<DateTime<Utc>>) -> CreatedKey {
        let scopes = vec![Scope::ToolsCall];
        let new =
            mindflight_api::access::NewKey { name: "ci".into(), scopes, expires_at, rate: Some(7) };
        let (key, draft) = draft_key(new, None, self.clock.now()).unwrap();
        let record = command_line("key.create", draft.id.to_string(), self.clock.now());
        CreatedKey { key, info: self.db.store().keys().create(draft, &record).await.unwrap() }
    }

    async fn revoke(&self, key: &CreatedKey) {
        let record = command_line("key.revoke", key.info.id.to_string(), self.clock.now());
        assert!(self.db.store().keys().revoke(key.info.id, None, &record).await.unwrap());
    }

    async fn sign_in(&self, gate: &Gate, username: &str, password: &str) -> Result<Token> {
        let login = Login { username: username.into(), password: password.into() };
        gate.sign_in(login, Origin { request: RequestId::new(), ip: Some([10, 0, 0, 1].into()) })
            .await
    }

    async fn actions(&self) -> Vec<String> {
        let rows = self.db.store().audit().list(&Filter::default()).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }
}

fn with(credential: &str) -> HttpRequest {
    TestRequest::default()
        .insert_header((AUTHORIZATION, format!("Bearer {credential}")))
        .to_http_request()
}

async fn ask(gate: &Gate, credential: &str) -> Result<Caller> {
    gate.caller(&Head::from(&with(credential))).await
}

/// Name and detail of a refusal.
async fn refusal(gate: &Gate, credential: &str) -> (String, String) {
    let error = ask(gate, credential).await.unwrap_err();
    (error.name().to_owned(), error.detail().to_owned())
}

fn bad_credential() -> (String, String) {
    ("unauthenticated".to_owned(), BAD.to_owned())
}

#[test]
fn a_key_is_its_caller() {
    scene(async |scene| {
        let (gate, key) = (scene.gate(), scene.key(None).await);
        let caller = ask(&gate, &key.key).await.unwrap();
        let facts = caller.facts();
        assert_eq!(
            (facts.kind, facts.name.as_str(), facts.key),
            (CallerKind::Key, "ci", Some(key.info.id))
        );
        assert_eq!((facts.scopes.as_slice(), facts.rate), ([Scope::ToolsCall].as_slice(), Some(7)));
    });
}

#[test]
fn a_revoked_key_is_refused_by_every_instance() {
    scene(async |scene| {
        let (one, other, key) = (scene.gate(), scene.gate(), scene.key(None).await);
        ask(&one, &key.key).await.unwrap();
        ask(&other, &key.key).await.unwrap();
        scene.revoke(&key).await;
        assert_eq!(refusal(&one, &key.key).await, bad_credential());
        assert_eq!(refusal(&other, &key.key).await, bad_credential());
    });
}

#[test]
fn between_two_looks_for_changes_nothing_is_asked() {
    scene(async |scene| {
        let hour = Duration::from_secs(3600);
        // A store of its own: closed, it answers nothing.
        let store = Store::lazy(&scene.db.settings(), Arc::new(scene.clock.clone())).unwrap();
        let (gate, key) = (scene.gate_of(store.clone(), hour, hour, false), scene.key(None).await);
        ask(&gate, &key.key).await.unwrap();
        store.close().await;
        ask(&gate, &key.key).await.unwrap();
        let unknown = key::mint().unwrap().text;
        assert_eq!(refusal(&gate, &unknown).await.0, "database_unavailable");
    });
}

#[test]
fn a_database_that_is_away_too_long_closes_the_gate_for_credentials_only() {
    scene(async |scene| {
        let store = Store::lazy(&scene.db.settings(), Arc::new(scene.clock.clone())).unwrap();
        let strict = scene.gate_of(store.clone(), Duration::ZERO, Duration::ZERO, true);
        let patient = scene.gate_of(store.clone(), Duration::ZERO, Duration::from_secs(3600), true);
        let key = scene.key(None).await;
        ask(&strict, &key.key).await.unwrap();
        ask(&patient, &key.key).await.unwrap();
        store.close().await;
        let error = ask(&strict, &key.key).await.unwrap_err();
        assert_eq!((error.name(), error.status()), ("database_unavailable", 503));
        assert!(error.retry_after().is_some());
        ask(&patient, &key.key).await.unwrap();
        let curl = TestRequest::default()
            .insert_header((HOST, "localhost:8080"))
            .peer_addr(([127, 0, 0, 1], 5).into())
            .to_http_request();
        assert!(strict.caller(&Head::from(&curl)).await.unwrap().is_anonymous());
    });
}

#[test]
fn a_gate_that_never_read_the_database_lets_nobody_in() {
    scene(async |scene| {
        let store = Store::lazy(&scene.db.settings(), Arc::new(scene.clock.clone())).unwrap();
        store.close().await;
        let gate = scene.gate_of(store, Duration::from_millis(500), Duration::from_secs(2), false);
        assert_eq!(refusal(&gate, &scene.key(None).await.key).await.0, "database_unavailable");
    });
}

#[test]
fn a_key_ends_at_its_time_also_when_it_is_known() {
    scene(async |scene| {
        let (gate, end) = (scene.gate(), scene.clock.now() + Duration::from_secs(60));
        let key = scene.key(Some(end)).await;
        ask(&gate, &key.key).await.unwrap();
        scene.clock.advance(Duration::from_secs(60));
        assert_eq!(refusal(&gate, &key.key).await, bad_credential());
        assert_eq!(refusal(&scene.gate(), &key.key).await, bad_credential());
    });
}

#[test]
fn every_bad_credential_gets_the_same_answer() {
    scene(async |scene| {
        let (gate, key) = (scene.gate(), scene.key(None).await);
        // Whole, but with another secret under a known id.
        let mut forged = key::mint().unwrap().text;
        forged.replace_range(..25, &key.key[..25]);
        let body = forged.rsplit_once('_').unwrap().0.to_owned();
        let crc = crate::auth::base62::encode(&crc32fast::hash(body.as_bytes()).to_be_bytes());
        let last = if key.key.ends_with('0') { '1' } else { '0' };
        let mistyped = format!("{}{last}", &key.key[..key.key.len() - 1]);
        for credential in [
            &key::mint().unwrap().text,
            &format!("{body}_{crc}"),
            &mistyped,
            "mf_",
            "secret",
            "a.b.c",
            &"x".repeat(9000),
            "eyJhbGciOiJub25lIn0.e30.",
        ] {
            assert_eq!(refusal(&gate, credential).await, bad_credential(), "{credential}");
        }
        let basic =
            TestRequest::default().insert_header((AUTHORIZATION, "Basic YTpi")).to_http_request();
        assert_eq!(gate.caller(&Head::from(&basic)).await.unwrap_err().detail(), BAD);
        ask(&gate, &key.key).await.unwrap();
    });
}

#[test]
fn without_credentials_a_newcomer_reads_which_rule_failed() {
    scene(async |scene| {
        let store = scene.db.store();
        let hour = Duration::from_secs(3600);
        let gate = |dev| scene.gate_of(store.clone(), hour, hour, dev);
        let request = |host: &'static str| {
            TestRequest::default().insert_header((HOST, host)).peer_addr(([127, 0, 0, 1], 5).into())
        };
        let foreign = request("evil.example:8080").to_http_request();
        let error = gate(true).caller(&Head::from(&foreign)).await.unwrap_err();
        assert!(error.name() == "unauthenticated" && error.detail().contains("`Host`"), "{error}");
        let error = gate(false).caller(&Head::from(&foreign)).await.unwrap_err();
        assert_eq!(error.detail(), NONE);
        let form =
            request("localhost:8080").insert_header(("Content-Length", "2")).to_http_request();
        let error = gate(true).caller(&Head::from(&form)).await.unwrap_err();
        assert_eq!((error.name(), error.status()), ("unsupported_media_type", 415));
    });
}

#[test]
fn a_token_is_its_user_until_the_user_is_gone() {
    scene(async |scene| {
        let (gate, other) = (scene.gate(), scene.gate());
        let user = create_user(scene.db.store(), "Ada", PASSWORD, Role::Viewer).await.unwrap();
        let token = scene.sign_in(&gate, " ada ", PASSWORD).await.unwrap();
        assert_eq!(
            (token.token_type.as_str(), token.expires_at),
            ("Bearer", scene.clock.now() + Duration::from_secs(86400))
        );
        let caller = ask(&other, &token.token).await.unwrap();
        let facts = caller.facts();
        assert_eq!(
            (facts.kind, facts.name.as_str(), facts.user),
            (CallerKind::User, "Ada", Some(user.id))
        );
        assert_eq!(facts.scopes, Role::Viewer.scopes());
        let record = command_line("user.delete", user.id.to_string(), scene.clock.now());
        assert!(scene.db.store().users().delete(user.id, &record).await.unwrap());
        assert_eq!(refusal(&other, &token.token).await, bad_credential());
    });
}

#[test]
fn a_token_that_was_signed_out_is_refused_by_every_instance_and_others_go_on() {
    scene(async |scene| {
        let (gate, other) = (scene.gate(), scene.gate());
        create_user(scene.db.store(), "ada", PASSWORD, Role::Admin).await.unwrap();
        let token = scene.sign_in(&gate, "ada", PASSWORD).await.unwrap().token;
        let second = scene.sign_in(&gate, "ada", PASSWORD).await.unwrap().token;
        let caller = ask(&other, &token).await.unwrap();
        let sound = gate.token(&Head::from(&with(&token))).unwrap();
        let origin = Origin { request: RequestId::new(), ip: None };
        gate.sign_out(sound, caller, origin).await.unwrap();
        assert_eq!(refusal(&gate, &token).await, bad_credential());
        assert_eq!(refusal(&other, &token).await, bad_credential());
        ask(&other, &second).await.unwrap();
        assert_eq!(scene.actions().await, ["logout", "login", "login", "user.create"]);
    });
}

#[test]
fn an_instance_knows_its_own_changes_at_once() {
    scene(async |scene| {
        let hour = Duration::from_secs(3600);
        let gate = scene.gate_with(hour, hour);
        create_user(scene.db.store(), "ada", PASSWORD, Role::Admin).await.unwrap();
        let token = scene.sign_in(&gate, "ada", PASSWORD).await.unwrap().token;
        let key = scene.key(None).await;
        ask(&gate, &key.key).await.unwrap();
        let caller = ask(&gate, &token).await.unwrap();
        let sound = gate.token(&Head::from(&with(&token))).unwrap();
        let origin = Origin { request: RequestId::new(), ip: None };
        gate.sign_out(sound, caller, origin).await.unwrap();
        assert_eq!(refusal(&gate, &token).await, bad_credential());
        ask(&gate, &key.key).await.unwrap();
        scene.revoke(&key).await;
        ask(&gate, &key.key).await.unwrap();
        gate.changed();
        assert_eq!(refusal(&gate, &key.key).await, bad_credential());
    });
}

#[test]
fn wrong_passwords_and_unknown_users_are_told_the_same_and_wait_after_five() {
    scene(async |scene| {
        let gate = scene.gate();
        create_user(scene.db.store(), "ada", PASSWORD, Role::Viewer).await.unwrap();
        let wrong = scene.sign_in(&gate, "ada", "another horse battery").await.unwrap_err();
        let nobody = scene.sign_in(&gate, "bob", PASSWORD).await.unwrap_err();
        assert_eq!((wrong.name(), wrong.detail()), ("unauthenticated", nobody.detail()));
        for _ in 0..3 {
            scene.sign_in(&gate, "ada", "short").await.unwrap_err();
        }
        let error = scene.sign_in(&gate, "ada", PASSWORD).await.unwrap_err();
        assert_eq!((error.name(), error.status()), ("rate_limited", 429));
        scene.clock.advance(Duration::from_secs(12));
        scene.sign_in(&gate, "ada", PASSWORD).await.unwrap();
        let mut expected = vec!["login"];
        expected.extend(["login.failed"; 5]);
        expected.push("user.create");
        assert_eq!(scene.actions().await, expected);
    });
}

#[test]
fn the_last_use_is_written_to_the_minute() {
    scene(async |scene| {
        let (gate, key) = (scene.gate(), scene.key(None).await);
        scene.clock.advance(Duration::from_secs(90));
        ask(&gate, &key.key).await.unwrap();
        let used = async || {
            scene.db.store().keys().find(key.info.id).await.unwrap().unwrap().info.last_used_at
        };
        assert_eq!(used().await, None);
        gate.flush_last_used().await;
        assert_eq!(used().await, Some(scene.clock.now() - Duration::from_secs(30)));
        // A use does not make other instances forget what they know.
        let before = scene.db.store().versions().await.unwrap();
        scene.clock.advance(Duration::from_secs(60));
        ask(&gate, &key.key).await.unwrap();
        gate.flush_last_used().await;
        assert_eq!(scene.db.store().versions().await.unwrap(), before);
        assert_eq!(used().await, Some(scene.clock.now() - Duration::from_secs(30)));
    });
}

#[test]
fn the_command_line_makes_keys_and_users_that_work() {
    scene(async |scene| {
        let store = scene.db.store();
        let new =
            NewKey { name: "first".into(), scopes: vec![Scope::Admin], rate: None, expires: None };
        let made = create_key(store, new).await.unwrap();
        assert_eq!(made.info.user_id, None);
        assert!(ask(&scene.gate(), &made.key).await.unwrap().may(&Scope::Keys));
        let error = create_user(store, "ada", "short", Role::Admin).await.unwrap_err();
        assert_eq!(error.name(), "invalid_body");
        create_user(store, "ada", PASSWORD, Role::Admin).await.unwrap();
        let error = create_user(store, "ADA", PASSWORD, Role::Admin).await.unwrap_err();
        assert_eq!((error.name(), error.status()), ("conflict", 409));
    });
}
