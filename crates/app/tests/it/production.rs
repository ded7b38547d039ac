//! What stands around every request of a production server.

mod headers;
mod limits;
mod log;
mod origins;
mod proxies;
