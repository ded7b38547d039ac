//! The tidy tests: rules of the project that a machine can check, each with a text that says what to do.

mod arrows;
mod book;
mod code;
mod docs;
mod layout;
mod licence;
mod manifests;
mod proof;
mod requirements;
mod sources;
mod supply;
mod tree;
