//! A client of a server of canned answers.

use mindflight_client::{Client, Settings};
pub(crate) use mindflight_testapp::canned::{Canned, answer, ours};

/// A client that repeats at once.
pub(crate) fn client(url: &str) -> Client {
    let settings = Settings { backoff: std::time::Duration::ZERO, ..Settings::default() };
    Client::with_settings(url, Some("mf_key"), settings).expect("a good address")
}
