//! Failures that are the same, and which of them happened lately.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use mindflight_api::error_group::{ErrorGroup, Fingerprint};
use mindflight_api::{Page, codes};
use mindflight_core::{Error, Result};
use mindflight_store::job_views::ErrorFilter;

use super::filter::time;
use crate::refusal::Answer;
use crate::request::Query;
use crate::state::AppState;

/// Query parameters of the list.
pub(super) const QUERY: &[(&str, &str)] = &[
    ("kind", "only failures of this kind"),
    ("since", "only what was seen at this time (RFC 3339) or later"),
    ("limit", "groups a page, 1 to 500"),
    ("cursor", "the `next` of the page before"),
];

pub(super) async fn list(state: web::Data<AppState>, query: Query) -> Answer {
    let limit = query.page_limit()?;
    let filter = ErrorFilter {
        kind: query.get("kind").map(str::to_owned),
        since: time(&query, "since")?,
        after: after(&query)?,
    };
    let views = state.store.job_views();
    let work = async move { Ok(views.errors(&filter, limit + 1).await?) };
    let mut items = state.tasks.run(work).await?;
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| has_more).map(cursor);
    Ok(HttpResponse::Ok().json(Page::<ErrorGroup> { items, next }))
}

/// When a group was seen, and which it is: groups are ordered by that.
fn cursor(group: &ErrorGroup) -> String {
    format!("{}-{}", group.last_at.timestamp_micros(), group.fingerprint)
}

fn after(query: &Query) -> Result<Option<(DateTime<Utc>, Fingerprint)>> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let read = || {
        let (micros, fingerprint) = text.rsplit_once('-')?;
        let seen = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some((seen, fingerprint.parse().ok()?))
    };
    let wrong = || Error::of(codes::INVALID_CURSOR, "`cursor` is not one this list gave");
    read().map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use mindflight_api::JobId;

    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written() {
        let seen = DateTime::from_timestamp_micros(1_767_225_600_123_456).unwrap();
        let group = ErrorGroup {
            fingerprint: Fingerprint::from(-7),
            kind: "mail.send".to_owned(),
            code: "timeout".to_owned(),
            pattern: "too late".to_owned(),
            attempts: 1,
            jobs: 0,
            first_at: seen,
            last_at: seen,
            last_job: JobId::new(),
        };
        let query = Query::parse(&format!("cursor={}", cursor(&group)));
        assert_eq!(after(&query).unwrap(), Some((seen, group.fingerprint)));
        for wrong in ["cursor=", "cursor=7", "cursor=7-x", "cursor=x-0f3a9d2b115e0f3a"] {
            assert_eq!(after(&Query::parse(wrong)).unwrap_err().name(), "invalid_cursor");
        }
    }
}
