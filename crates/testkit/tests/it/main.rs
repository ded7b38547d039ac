//! Tests of the test kit, on a provider that uses all of it.

mod calls;
mod contract;
mod outside;
mod routes;
mod shop;
mod stored;
