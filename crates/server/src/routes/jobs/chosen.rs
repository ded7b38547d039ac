//! From the body to the filter of an action on many jobs.

use mindflight_api::codes;
use mindflight_api::job::{JobAction, JobFilter};
use mindflight_core::{Error, Result};
use mindflight_store::job_views::Filter;

/// The most jobs of one bulk action that is answered at once, and the most that can be named.
pub(super) const MOST: u32 = 1000;

/// Which jobs are meant. An empty filter would be about every job, which nobody means who leaves it out.
pub(crate) fn chosen(action: JobAction, filter: JobFilter) -> Result<Filter> {
    let wrong = |pointer: &str, detail: String| {
        Err(Error::of(codes::INVALID_BODY, detail.clone()).field(pointer, detail, Vec::new()))
    };
    if action == JobAction::Snooze {
        let detail = "`action` must be cancel, retry or delete; jobs are put off one by one, with `POST /api/jobs/{id}/snooze`";
        return wrong("/action", detail.to_owned());
    }
    if filter == JobFilter::default() {
        let detail = "`filter` needs at least one member; to mean every job, name its states";
        return wrong("/filter", detail.to_owned());
    }
    if filter.ids.len() > MOST as usize {
        let got = filter.ids.len();
        return wrong("/filter/ids", format!("`ids` must have at most {MOST} items; got {got}"));
    }
    if filter.args.len() > 1 {
        let got = filter.args.len();
        let detail = format!("`args` must name one argument at most; got {got}");
        return wrong("/filter/args", detail);
    }
    let mut args = None;
    for (path, value) in filter.args {
        let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            let detail = format!("`{path}` names no argument; write it as account.id");
            return wrong("/filter/args", detail);
        }
        args = Some((parts, value));
    }
    Ok(Filter {
        states: filter.state,
        kind: filter.kind,
        queue: filter.queue,
        provider: filter.provider,
        tag: filter.tag,
        since: filter.since,
        until: filter.until,
        args,
        error: filter.error,
        owner: None,
        ids: (!filter.ids.is_empty()).then_some(filter.ids),
        after: None,
    })
}

#[cfg(test)]
mod tests {
    use mindflight_api::JobId;

    use super::*;

    fn read(filter: JobFilter) -> Result<Filter> {
        chosen(JobAction::Cancel, filter)
    }

    #[test]
    fn a_bulk_action_needs_a_filter() {
        assert_eq!(read(JobFilter::default()).unwrap_err().name(), "invalid_body");
        let ids = vec![JobId::new(); 1001];
        let error = read(JobFilter { ids, ..JobFilter::default() }).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/filter/ids");
        let kind = Some("demo.sleep".to_owned());
        let named = JobFilter { kind: kind.clone(), ..JobFilter::default() };
        let filter = read(named.clone()).unwrap();
        assert_eq!((filter.kind, filter.ids), (kind, None));
        let error = chosen(JobAction::Snooze, named).unwrap_err();
        assert_eq!(error.fields()[0].pointer, "/action");
    }

    #[test]
    fn one_argument_can_be_compared() {
        let with = |pairs: &[(&str, &str)]| {
            let pair = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
            JobFilter { args: pairs.iter().map(pair).collect(), ..JobFilter::default() }
        };
        let path = vec!["account".to_owned(), "id".to_owned()];
        let args = read(with(&[("account.id", "7")])).unwrap().args;
        assert_eq!(args, Some((path, "7".to_owned())));
        for pairs in [&[("a", "1"), ("b", "2")] as &[_], &[("a..b", "1")], &[("", "1")]] {
            let error = read(with(pairs)).unwrap_err();
            assert_eq!(error.fields()[0].pointer, "/filter/args");
        }
    }
}
