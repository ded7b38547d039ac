//! Tokens of signed-in users: HS256 JWTs after RFC 8725 and RFC 9068, checked against the server's clock.

use std::sync::Once;

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use mindflight_api::UserId;
use mindflight_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::base62;

/// Who signs, and for whom.
const ISSUER: &str = "mindflight";
/// Tells these tokens from every other use of the same secret (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";
/// How far the clocks of instances may be apart, in seconds.
const LEEWAY: i64 = 30;
/// Longer texts are refused before anything parses them.
const MOST_BYTES: usize = 8 * 1024;
/// RFC 7518 §3.2: at least as long as the hash.
const SECRET_BYTES: usize = 32;

/// Signs and checks tokens.
pub(crate) struct Tokens {
    sign: EncodingKey,
    /// The present secret, and the one before while it changes.
    check: Vec<DecodingKey>,
    rules: Validation,
    lifetime: Duration,
}

/// A secret that must not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name} must have at least {SECRET_BYTES} bytes; it has {length}. Make one with `openssl rand -base64 48`."
)]
pub struct WeakSecret {
    name: &'static str,
    length: usize,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    /// The user's id.
    pub(crate) sub: String,
    /// The token's own name, by which it is ended early.
    pub(crate) jti: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
}

/// A token that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) user: UserId,
    pub(crate) jti: String,
    /// With the leeway; from then on it is refused everywhere.
    pub(crate) good_until: DateTime<Utc>,
}

/// Why a token is refused; for the log, callers read one sentence for all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    #[error("it has more than {MOST_BYTES} bytes")]
    TooLong,
    #[error("it is no JWT")]
    Form,
    #[error("its `typ` is not {TYPE}")]
    Type,
    #[error("it has a `crit` header")]
    Critical,
    #[error("its algorithm is not HS256")]
    Algorithm,
    #[error("its signature is not ours")]
    Signature,
    #[error("its claim `{0}` is missing or not what it has to be")]
    Claim(&'static str),
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    Early,
}

impl Tokens {
    /// `secret` signs; without one, as in development, a new one that lasts as long as the process.
    pub(crate) fn new(
        secret: Option<&SecretString>,
        previous: Option<&SecretString>,
        lifetime: Duration,
    ) -> Result<Self, WeakSecret> {
        static PROVIDER: Once = Once::new();
        // Explicit: a second provider that a dependency switches on would make the choice ambiguous.
        PROVIDER.call_once(|| {
            jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
        });
        let given = secret.map(|secret| strong("SLOP_JWT_SECRET", secret)).transpose()?;
        let present = match given {
            Some(secret) => secret.to_vec(),
            None => random().map_err(|_| WeakSecret { name: "SLOP_JWT_SECRET", length: 0 })?,
        };
        let mut check = vec![DecodingKey::from_secret(&present)];
        if let Some(previous) = previous {
            let previous = strong("SLOP_JWT_SECRET_PREVIOUS", previous)?;
            check.push(DecodingKey::from_secret(previous));
        }
        Ok(Self { sign: EncodingKey::from_secret(&present), check, rules: rules(), lifetime })
    }

    /// A token for a user, and when it ends.
    pub(crate) fn issue(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<(String, DateTime<Utc>)> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|error| Error::internal(error.to_string()))?;
        let issued = now.timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: user.to_string(),
            jti: base62::encode(&name),
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(self.lifetime.num_seconds()),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        let text = jsonwebtoken::encode(&header, &claims, &self.sign).map_err(Error::internal)?;
        let ends = DateTime::from_timestamp(claims.exp, 0).unwrap_or(now);
        Ok((text, ends))
    }

    /// What a token says, if all of RFC 8725 holds for it.
    pub(crate) fn check(&self, text: &str, now: DateTime<Utc>) -> Result<Sound, NoToken> {
        if text.len() > MOST_BYTES {
            return Err(NoToken::TooLong);
        }
        let header = jsonwebtoken::decode_header(text).map_err(|_| NoToken::Form)?;
        if header.alg != Algorithm::HS256 {
            return Err(NoToken::Algorithm);
        }
        if !header.typ.is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE)) {
            return Err(NoToken::Type);
        }
        if header.crit.is_some() {
            return Err(NoToken::Critical);
        }
        sound(self.claims(text)?, now)
    }

    fn claims(&self, text: &str) -> Result<Claims, NoToken> {
        let mut refused = NoToken::Signature;
        for key in &self.check {
            match jsonwebtoken::decode::<Claims>(text, key, &self.rules) {
                Ok(data) => return Ok(data.claims),
                Err(error) => refused = reason(error.kind()),
            }
            if refused != NoToken::Signature {
                break;
            }
        }
        Err(refused)
    }
}

/// What the library checks. Times are checked by us, with the server's clock.
fn rules() -> Validation {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ISSUER]);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules
}

fn sound(claims: Claims, now: DateTime<Utc>) -> Result<Sound, NoToken> {
    let now = now.timestamp();
    if claims.exp.saturating_add(LEEWAY) <= now {
        return Err(NoToken::Expired);
    }
    if claims.nbf > now.saturating_add(LEEWAY) {
        return Err(NoToken::Early);
    }
    if claims.iat > now.saturating_add(LEEWAY) || claims.iat >= claims.exp {
        return Err(NoToken::Claim("iat"));
    }
    if claims.jti.is_empty() {
        return Err(NoToken::Claim("jti"));
    }
    let good_until = DateTime::from_timestamp(claims.exp.saturating_add(LEEWAY), 0);
    let good_until = good_until.ok_or(NoToken::Claim("exp"))?;
    let user = claims.sub.parse().map_err(|_| NoToken::Claim("sub"))?;
    Ok(Sound { user, jti: claims.jti, good_until })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may grow reasons, and all of them are refusals"
)]
fn reason(kind: &ErrorKind) -> NoToken {
    match kind {
        ErrorKind::InvalidSignature => NoToken::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => NoToken::Algorithm,
        ErrorKind::InvalidIssuer => NoToken::Claim("iss"),
        ErrorKind::InvalidAudience => NoToken::Claim("aud"),
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => {
            NoToken::Claim("exp, nbf, iat, iss, aud, sub, jti")
        }
        _ => NoToken::Form,
    }
}

fn strong<'a>(name: &'static str, secret: &'a SecretString) -> Result<&'a [u8], WeakSecret> {
    let bytes = secret.expose_secret().as_bytes();
    let length = bytes.len();
    if length < SECRET_BYTES {
        return Err(WeakSecret { name, length });
    }
    Ok(bytes)
}

fn random() -> Result<Vec<u8>, getrandom::Error> {
    let mut secret = vec![0; 64];
    getrandom::fill(&mut secret).map(|()| secret)
}

#[cfg(test)]
mod tests;
