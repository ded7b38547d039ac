//! The guarded client against a corpus of addresses and a local server that misbehaves on demand.

mod corpus;
mod exchanges;
mod failures;
mod names;
mod redirects;
mod retries;
mod server;
