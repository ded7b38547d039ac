//! Which page of a list is asked for.

/// The part of a list to fetch; by default its first page, as long as the server likes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// The most items to answer.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl Paging {
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        let cursor = self.cursor.clone().map(|cursor| ("cursor", cursor));
        limit.into_iter().chain(cursor).collect()
    }
}
