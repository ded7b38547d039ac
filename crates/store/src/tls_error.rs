//! Why TLS was refused, in words that say what to do.

use std::error::Error;
use std::io;

use rustls::CertificateError as Certificate;

/// What is wrong with the server's certificate or its TLS, if that is why it could not be reached. `variable` is where
/// its address comes from.
#[must_use]
pub fn tls_refusal(variable: &str, error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref::<rustls::Error>() {
            return Some(words(variable, refusal));
        }
        // What an I/O error carries is not its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn words(variable: &str, error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return format!("TLS with the database failed: {error}");
    };
    // One of a known name may have been signed by another of that name.
    if matches!(certificate, Certificate::UnknownIssuer | Certificate::BadSignature) {
        return format!(
            "the database's certificate is not trusted, because no known authority has signed it; name the file with its \
             authority's certificate as `sslrootcert=` in {variable}"
        );
    }
    let is_name = matches!(
        certificate,
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. }
    );
    if is_name {
        return format!(
            "the database's certificate is for another host than {variable} names: {certificate}; use a name that the \
             certificate has"
        );
    }
    format!("the database's certificate is not accepted: {certificate}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_found_inside_of_what_the_drivers_say() {
        let refused = rustls::Error::InvalidCertificate(Certificate::UnknownIssuer);
        let wrapped = sqlx::Error::Io(io::Error::new(io::ErrorKind::InvalidData, refused));
        let text = tls_refusal("DATABASE_URL", &wrapped).unwrap();
        for part in ["not trusted", "sslrootcert", "DATABASE_URL"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(tls_refusal("DATABASE_URL", &sqlx::Error::PoolTimedOut), None);
    }
}
