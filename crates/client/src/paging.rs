//! Which page of a list is asked for.

use crate::transport::Query;

/// The part of a list to fetch; by default its first page, as long as the server likes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// The most items to answer.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    pub(crate) fn query(&self) -> Query {
        self.query_as("cursor")
    }

    /// The same where the cursor has another name.
    pub(crate) fn query_as(&self, cursor: &'static str) -> Query {
        let limit = self.limit.map(|limit| ("limit".into(), limit.to_string()));
        let cursor = self.cursor.clone().map(|value| (cursor.into(), value));
        limit.into_iter().chain(cursor).collect()
    }
}
