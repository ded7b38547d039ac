//! Lists: a page of items and the cursor of the next one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items of a page when `limit` is not given.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most items a page can have.
pub const MAX_LIMIT: u32 = 500;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The items, in the list's own order.
    pub items: Vec<T>,
    /// Send as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The only page of a list that is short by nature.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
