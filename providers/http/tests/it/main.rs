//! The provider as its callers meet it.

mod caching;
mod fetching;
mod limits;
mod page;
mod redirects;

use mindflight_testkit::contract_tests;
use provider_http::Http;
use serde_json::json;

contract_tests!(
    Http,
    config = json!({
        "methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
        "hosts": ["api.example", "*.example.org"],
        "default_headers": {"authorization": "Bearer operator-secret"},
        "cache": {"max_entries": 10},
    })
);
