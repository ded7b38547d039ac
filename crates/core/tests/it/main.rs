//! What holds for every input of the pure decisions. Seeds are fixed: every run checks the same cases.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod attempts;
mod events;
mod failures;
mod keys;
mod rates;
mod slots;

use proptest::test_runner::{Config, RngSeed};

/// The same cases on every machine, and nothing written down.
fn always() -> Config {
    Config {
        cases: 512,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x6d69_6e64),
        ..Config::default()
    }
}
