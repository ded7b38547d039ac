//! Who is calling: credentials, the loopback rules, sign-in, and how keys and users are made.

mod base62;
mod cache;
mod gate;
mod head;
mod issue;
mod key;
mod last_used;
mod loopback;
mod password;
mod sign_in;
mod token;
mod version;

pub(crate) use self::gate::{Gate, Pass};
pub(crate) use self::head::Head;
pub use self::issue::NewKey;
pub(crate) use self::issue::draft_key;
pub(crate) use self::issue::{create_key, create_user};
pub use self::token::WeakSecret;
