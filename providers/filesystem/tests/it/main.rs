//! The filesystem provider as its callers meet it, and as those who want out of its folders meet it.

mod escapes;
mod races;
mod reading;
mod searching;
mod settings;
mod world;
mod writing;

use mindflight_testkit::contract_tests;
use provider_filesystem::Filesystem;
use serde_json::json;

contract_tests!(Filesystem, config = json!({"allowed_dirs": [std::env::temp_dir()]}));
