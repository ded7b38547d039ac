//! Each rule of RFC 8725 that concerns us, as a token that breaks it.

use chrono::TimeZone;
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn tokens(present: &str, previous: Option<&str>) -> Tokens {
    let previous = previous.map(secret);
    Tokens::new(Some(&secret(present)), previous.as_ref(), Duration::hours(24)).unwrap()
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 12, 0, 0).unwrap()
}

fn claims() -> Value {
    let at = now().timestamp();
    json!({"iss": "mindflight", "aud": "mindflight", "sub": UserId::new().to_string(), "jti": "x",
        "iat": at, "nbf": at, "exp": at + 3600})
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "at+jwt"})
}

/// A token with any header and claims, signed as the header says where that is possible.
fn token(header: &Value, claims: &Value, with: &str) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let algorithm = header["alg"].as_str().and_then(|name| name.parse().ok());
    let algorithm = algorithm.unwrap_or(Algorithm::HS256);
    let key = EncodingKey::from_secret(with.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm);
    format!("{message}.{}", signature.unwrap_or_default())
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |chunk: &[u8]| {
        let mut bits = [0; 4];
        bits[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(bits);
        (0..=chunk.len())
            .map(|at| DIGITS[(bits >> (18 - 6 * at)) as usize & 63] as char)
            .collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[test]
fn an_issued_token_is_sound_until_it_ends() {
    let (tokens, user) = (tokens(SECRET, None), UserId::new());
    let (text, ends) = tokens.issue(user, now()).unwrap();
    assert_eq!(ends, now() + Duration::hours(24));
    let sound = tokens.check(&text, now()).unwrap();
    assert_eq!((sound.user, sound.good_until), (user, ends + Duration::seconds(LEEWAY)));
    assert_eq!(sound.jti.len(), 22);
    let leeway = Duration::seconds(LEEWAY);
    assert!(tokens.check(&text, ends + leeway - Duration::seconds(1)).is_ok());
    assert_eq!(tokens.check(&text, ends + leeway), Err(NoToken::Expired));
    assert!(tokens.check(&text, now() - leeway).is_ok());
    assert_eq!(tokens.check(&text, now() - leeway - Duration::seconds(1)), Err(NoToken::Early));
    const { assert!(LEEWAY <= 60) };
}

#[test]
fn two_tokens_of_a_user_differ() {
    let (tokens, user) = (tokens(SECRET, None), UserId::new());
    let jti = || tokens.check(&tokens.issue(user, now()).unwrap().0, now()).unwrap().jti;
    assert_ne!(jti(), jti());
}

#[test]
fn what_our_own_test_signs_is_sound() {
    let text = token(&header(), &claims(), SECRET);
    assert_eq!(tokens(SECRET, None).check(&text, now()).unwrap().jti, "x");
    // Hints at where keys may be are never followed.
    let hinted = with(
        with(header(), "jku", json!("https://evil.example/")),
        "kid",
        json!("../../etc/passwd"),
    );
    assert!(tokens(SECRET, None).check(&token(&hinted, &claims(), SECRET), now()).is_ok());
    let typed = with(header(), "typ", json!("AT+JWT"));
    assert!(tokens(SECRET, None).check(&token(&typed, &claims(), SECRET), now()).is_ok());
}

#[test]
fn a_wrong_header_is_refused() {
    for (header, reason) in [
        (with(header(), "alg", json!("none")), NoToken::Form),
        (with(header(), "alg", json!("HS512")), NoToken::Algorithm),
        (with(header(), "alg", json!("HS384")), NoToken::Algorithm),
        (with(header(), "alg", json!("RS256")), NoToken::Algorithm),
        (without(header(), "alg"), NoToken::Form),
        (without(header(), "typ"), NoToken::Type),
        (with(header(), "typ", json!("JWT")), NoToken::Type),
        (with(header(), "typ", json!("dpop+jwt")), NoToken::Type),
        (with(header(), "crit", json!(["exp"])), NoToken::Critical),
        (with(header(), "crit", json!([])), NoToken::Critical),
        (json!("HS256"), NoToken::Form),
    ] {
        let text = token(&header, &claims(), SECRET);
        assert_eq!(tokens(SECRET, None).check(&text, now()), Err(reason), "{header}");
    }
}

#[test]
fn a_wrong_or_missing_claim_is_refused() {
    let at = now().timestamp();
    let mut wrong = vec![
        with(claims(), "iss", json!("other")),
        with(claims(), "iss", json!(["mindflight", "other"])),
        with(claims(), "aud", json!("other")),
        with(claims(), "aud", json!(["other"])),
        with(claims(), "sub", json!("ada")),
        with(claims(), "sub", json!(7)),
        with(claims(), "jti", json!("")),
        // A string is not a time; a library once counted it as absent.
        with(claims(), "exp", json!((at + 3600).to_string())),
        with(claims(), "exp", json!(at - 31)),
        with(claims(), "exp", Value::Null),
        with(claims(), "nbf", json!(at + 31)),
        with(claims(), "nbf", json!("now")),
        with(claims(), "iat", json!(at + 31)),
        with(claims(), "iat", json!(at + 3600)),
        with(claims(), "exp", json!(i64::MAX)),
    ];
    wrong.extend(
        ["iss", "aud", "sub", "jti", "exp", "nbf", "iat"].map(|name| without(claims(), name)),
    );
    for claims in wrong {
        let text = token(&header(), &claims, SECRET);
        assert!(tokens(SECRET, None).check(&text, now()).is_err(), "{claims}");
    }
}

#[test]
fn only_our_signature_counts() {
    let text = token(&header(), &claims(), OTHER);
    assert_eq!(tokens(SECRET, None).check(&text, now()), Err(NoToken::Signature));
    let ours = token(&header(), &claims(), SECRET);
    let (message, _) = ours.rsplit_once('.').unwrap();
    assert_eq!(tokens(SECRET, None).check(&format!("{message}."), now()), Err(NoToken::Signature));
    // Other claims under a good signature.
    let (head, signature) = (ours.split('.').next().unwrap(), ours.rsplit('.').next().unwrap());
    let other = with(claims(), "sub", json!(UserId::new().to_string())).to_string();
    let forged = format!("{head}.{}.{signature}", base64url(other.as_bytes()));
    assert_eq!(tokens(SECRET, None).check(&forged, now()), Err(NoToken::Signature));
}

#[test]
fn the_previous_secret_is_good_while_it_changes() {
    let (old, _) = tokens(SECRET, None).issue(UserId::new(), now()).unwrap();
    assert!(tokens(OTHER, Some(SECRET)).check(&old, now()).is_ok());
    assert_eq!(tokens(OTHER, None).check(&old, now()), Err(NoToken::Signature));
    let (new, _) = tokens(OTHER, Some(SECRET)).issue(UserId::new(), now()).unwrap();
    assert_eq!(tokens(SECRET, None).check(&new, now()), Err(NoToken::Signature));
}

#[test]
fn short_secrets_are_refused_by_name() {
    let (short, long) = (secret(&SECRET[1..]), secret(SECRET));
    let lifetime = Duration::hours(24);
    let present = Tokens::new(Some(&short), None, lifetime).err().unwrap().to_string();
    assert!(
        present.starts_with("SLOP_JWT_SECRET must") && present.contains("it has 31"),
        "{present}"
    );
    let previous = Tokens::new(Some(&long), Some(&short), lifetime).err().unwrap().to_string();
    assert!(previous.starts_with("SLOP_JWT_SECRET_PREVIOUS must"), "{previous}");
    assert!(!present.contains(&SECRET[1..]));
}

#[test]
fn without_a_secret_every_process_has_its_own() {
    let one = Tokens::new(None, None, Duration::hours(24)).unwrap();
    let other = Tokens::new(None, None, Duration::hours(24)).unwrap();
    let (text, _) = one.issue(UserId::new(), now()).unwrap();
    assert!(one.check(&text, now()).is_ok());
    assert_eq!(other.check(&text, now()), Err(NoToken::Signature));
}

#[test]
fn what_is_no_token_is_refused_before_it_is_parsed_too_far() {
    let tokens = tokens(SECRET, None);
    let (text, _) = tokens.issue(UserId::new(), now()).unwrap();
    assert_eq!(tokens.check(&"a".repeat(MOST_BYTES + 1), now()), Err(NoToken::TooLong));
    for wrong in ["", ".", "..", "a.b.c", "a.b.c.d.e", &text[1..], &format!("{text}.{text}")] {
        assert_eq!(tokens.check(wrong, now()), Err(NoToken::Form), "{wrong}");
    }
}
