//! The ways in which a request is refused: they say what is wrong, and never what would have been right.

use mindflight_api::codes;
use mindflight_core::Error;

fn refused(detail: String, fix: String) -> Error {
    Error::of(codes::UNAUTHENTICATED, detail).fix(fix)
}

pub(crate) fn missing(header: &str) -> Error {
    refused(
        format!("the header `{header}` is missing"),
        format!("Sign the request and send the signature's headers, `{header}` among them."),
    )
}

pub(crate) fn twice(header: &str) -> Error {
    refused(
        format!("the header `{header}` stands more than once"),
        format!("Send `{header}` once."),
    )
}

pub(crate) fn unreadable(header: &str) -> Error {
    refused(
        format!("the header `{header}` is not plain text"),
        format!("Send `{header}` in printable ASCII."),
    )
}

pub(crate) fn malformed(header: &str, form: &str) -> Error {
    refused(
        format!("the header `{header}` has another form than `{form}`"),
        format!("Send `{header}` as `{form}`."),
    )
}

pub(crate) fn wrong(header: &str) -> Error {
    refused(
        format!("the signature in `{header}` does not fit the body and the secret"),
        "Check that both sides have the same secret, and that the body is sent byte for byte as it was signed."
            .to_owned(),
    )
}

pub(crate) fn too_old(header: &str, by: u64) -> Error {
    refused(
        format!("the timestamp in `{header}` is too old by {by} s"),
        "Send the request within 5 minutes of signing it; sign each retry anew, and check the clock."
            .to_owned(),
    )
}

pub(crate) fn too_new(header: &str, by: u64) -> Error {
    refused(
        format!("the timestamp in `{header}` is too far in the future by {by} s"),
        "Check the sender's clock.".to_owned(),
    )
}
