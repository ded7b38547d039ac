//! Tests of the test kit, on providers that use all of it.

mod calls;
mod contract;
mod crashes;
mod drain;
mod graphs;
mod jobs;
mod outside;
mod routes;
mod shop;
mod stored;
mod subscriptions;
mod works;
