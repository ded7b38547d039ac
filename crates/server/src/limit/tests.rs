//! Limits as callers meet them, on a clock that stands still unless it is moved.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::test::TestRequest;
use chrono::{DateTime, Utc};
use mindflight_api::access::CallerKind;
use mindflight_api::{KeyId, UserId};
use mindflight_core::BoxFuture;
use mindflight_core::caller::Facts;

use super::*;

struct Stopped(Mutex<DateTime<Utc>>);

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }
}

fn limits(requests: u32, key_creations: u32) -> (Limits, Arc<Stopped>) {
    let clock = Arc::new(Stopped(Mutex::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap())));
    let limits = Limits(Arc::new(Inner {
        enabled: true,
        requests,
        key_creations,
        sent: Buckets::new(MOST_SUBJECTS),
        created: Buckets::new(MOST_SUBJECTS),
        clock: clock.clone(),
    }));
    (limits, clock)
}

fn caller(key: Option<KeyId>, user: Option<UserId>, rate: Option<u32>) -> Caller {
    Facts { kind: CallerKind::Key, name: "k".into(), user, key, scopes: vec![], rate }.into()
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn the_answer_says_what_is_left_and_when_it_is_back() {
    let (limits, clock) = limits(100, 5);
    let who = caller(Some(KeyId::new()), None, None);
    let request = TestRequest::default().to_http_request();
    for _ in 0..49 {
        limits.request(&who, None).unwrap().verdict().unwrap();
    }
    Standings::note(&request, limits.request(&who, None)).unwrap();
    let headers = Standings::headers(&request);
    assert_eq!(
        (headers[0].0.as_str(), headers[0].1.to_str().unwrap()),
        ("ratelimit", "\"default\";r=50;t=30")
    );
    assert_eq!(
        (headers[1].0.as_str(), headers[1].1.to_str().unwrap()),
        ("ratelimit-policy", "\"default\";q=100;w=60")
    );
    *clock.0.lock().unwrap() += Duration::from_secs(30);
    assert_eq!(limits.request(&who, None).unwrap().state(), "\"default\";r=99;t=1");
}

#[test]
fn who_is_beyond_the_quota_is_told_when_to_come_again() {
    let (limits, _) = limits(2, 5);
    let who = caller(Some(KeyId::new()), None, None);
    limits.request(&who, None);
    limits.request(&who, None);
    let refused = limits.request(&who, None).unwrap();
    let error = refused.verdict().unwrap_err();
    assert_eq!((error.name(), error.status()), ("rate_limited", 429));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(error.detail(), "more than 2 requests in 60 s");
    assert_eq!(refused.state(), "\"default\";r=0;t=30");
}

#[test]
fn every_limit_that_was_counted_stands_in_one_list() {
    let (limits, _) = limits(10, 1);
    let who = caller(None, Some(UserId::new()), None);
    let request = TestRequest::default().to_http_request();
    Standings::note(&request, limits.request(&who, None)).unwrap();
    Standings::note(&request, limits.key_creation(&who, None)).unwrap();
    let headers = Standings::headers(&request);
    assert_eq!(headers[0].1, "\"default\";r=9;t=6, \"key-creation\";r=0;t=60");
    assert_eq!(headers[1].1, "\"default\";q=10;w=60, \"key-creation\";q=1;w=60");
    let error = Standings::note(&request, limits.key_creation(&who, None)).unwrap_err();
    assert_eq!(error.detail(), "more than 1 new keys in 60 s");
}

#[test]
fn a_key_may_have_a_rate_of_its_own() {
    let (limits, _) = limits(1, 5);
    let (own, other) =
        (caller(Some(KeyId::new()), None, Some(3)), caller(Some(KeyId::new()), None, None));
    let allowed = |who: &Caller| {
        (0..5).filter(|_| limits.request(who, None).unwrap().verdict().is_ok()).count()
    };
    assert_eq!((allowed(&own), allowed(&other)), (3, 1));
}

#[test]
fn credentials_are_counted_before_addresses_and_addresses_by_network() {
    let (key, user, here) = (KeyId::new(), UserId::new(), ip("10.0.0.1"));
    let of = |who: &Caller, ip| Subject::of(who, ip);
    assert_eq!(of(&caller(Some(key), Some(user), None), here), Subject::Key(key));
    assert_eq!(of(&caller(None, Some(user), None), here), Subject::User(user));
    let public = Caller::public();
    assert_eq!(of(&public, None), Subject::Unknown);
    assert_eq!(of(&public, ip("::ffff:10.0.0.1")), of(&public, here));
    assert_ne!(of(&public, ip("10.0.0.2")), of(&public, here));
    assert_eq!(of(&public, ip("2001:db8::1")), of(&public, ip("2001:db8::ffff:0:0:1")));
    assert_ne!(of(&public, ip("2001:db8::1")), of(&public, ip("2001:db8:0:1::1")));
}

#[test]
fn whoever_is_idle_is_forgotten() {
    let (limits, clock) = limits(60, 5);
    for _ in 0..3 {
        limits.request(&caller(Some(KeyId::new()), None, None), None);
    }
    limits.forget_idle();
    assert_eq!(limits.0.sent.len(), 3);
    *clock.0.lock().unwrap() += Duration::from_secs(1);
    limits.forget_idle();
    assert_eq!(limits.0.sent.len(), 0);
}

#[test]
fn without_limits_nothing_is_counted_nor_told() {
    let (limits, _) = limits(1, 1);
    let Ok(mut inner) = Arc::try_unwrap(limits.0) else { panic!("shared") };
    inner.enabled = false;
    let limits = Limits(Arc::new(inner));
    let request = TestRequest::default().to_http_request();
    for _ in 0..3 {
        Standings::note(&request, limits.request(&Caller::public(), None)).unwrap();
    }
    assert!(Standings::headers(&request).is_empty());
}
