//! `job errors`: how jobs failed.

use chrono::{DateTime, Utc};
use mindflight_client::jobs::ErrorFilter;

use super::filter::time;
use crate::access::values;
use crate::connect::Session;
use crate::parser::job::JobErrors;
use crate::{Column, Outcome, Output};

pub(super) fn run(asked: &JobErrors, now: DateTime<Utc>, session: &Session) -> Outcome {
    let since = asked.since.as_deref().map(|text| time("--since", text, now)).transpose()?;
    let filter = ErrorFilter { kind: asked.kind.clone(), since, paging: asked.pages.paging() };
    let page = session.wait(session.client.jobs().errors(&filter))?;
    let output = Output::list(columns(), values(&page.items)?, page.next);
    Ok(match page.items.first() {
        Some(group) => {
            let fingerprint = group.fingerprint;
            output.note(format!("its jobs: mindflight job list error:{fingerprint}"))
        }
        None => output,
    })
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("FINGERPRINT", "fingerprint"),
        Column::new("KIND", "kind"),
        Column::new("CODE", "code"),
        Column::new("ATTEMPTS", "attempts"),
        Column::new("JOBS", "jobs"),
        Column::time("LAST", "last_at"),
        Column::sentence("ERROR", "pattern"),
    ]
}
