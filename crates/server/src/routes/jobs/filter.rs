//! From the query string to the filter of a list.

use chrono::{DateTime, Utc};
use mindflight_api::error_group::Fingerprint;
use mindflight_api::{JobId, JobState, codes};
use mindflight_calls::nearest;
use mindflight_core::{Error, Result};
use mindflight_store::job_views::Filter;

use crate::request::Query;

/// Query parameters of the list.
pub(super) const QUERY: &[(&str, &str)] = &[
    ("state", "only these states, separated by commas"),
    ("kind", "only jobs of this kind"),
    ("queue", "only jobs in this queue"),
    ("provider", "only jobs of this provider"),
    ("tag", "only jobs with this tag"),
    ("error", "only jobs that failed with this fingerprint, 16 hexadecimal digits"),
    ("since", "only jobs made at this time (RFC 3339) or later"),
    ("until", "only jobs made before this time"),
    ("args.*", "only jobs whose argument at this path, such as `args.account.id`, is this text"),
    ("limit", "jobs a page, 1 to 500"),
    ("cursor", "the `next` of the page before"),
];

const ARGS: &str = "args.";

pub(super) fn read(query: &Query) -> Result<Filter> {
    once(query)?;
    let text = |name| query.get(name).map(str::to_owned);
    Ok(Filter {
        states: states(query.get("state"))?,
        kind: text("kind"),
        queue: text("queue"),
        provider: text("provider"),
        tag: text("tag"),
        since: time(query, "since")?,
        until: time(query, "until")?,
        args: args(query)?,
        owner: None,
        error: query.read::<Fingerprint>("error", "a fingerprint: 16 hexadecimal digits")?,
        ids: None,
        after: query.cursor::<JobId>()?,
    })
}

fn invalid(detail: String) -> Error {
    Error::of(codes::INVALID_QUERY, detail)
}

/// A parameter that is ignored because it stands twice would answer the wrong question.
fn once(query: &Query) -> Result<()> {
    let mut seen = Vec::new();
    for name in query.names() {
        if seen.contains(&name) {
            let hint = if name == "state" { "; write `state=failed,running`" } else { "" };
            return Err(invalid(format!("`{name}` stands twice{hint}")));
        }
        seen.push(name);
    }
    Ok(())
}

fn states(text: Option<&str>) -> Result<Vec<JobState>> {
    let names = text.into_iter().flat_map(|text| text.split(','));
    names.map(|name| state(name.trim())).collect()
}

fn state(name: &str) -> Result<JobState> {
    JobState::ALL.into_iter().find(|state| state.name() == name).ok_or_else(|| {
        let known = JobState::ALL.map(JobState::name);
        let near = nearest(name, known);
        let hint = near.first().map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("; there are {}", known.join(", ")));
        invalid(format!("`{name}` is no state of a job{hint}"))
    })
}

pub(super) fn time(query: &Query, name: &str) -> Result<Option<DateTime<Utc>>> {
    query.read(name, "a time such as 2026-11-21T09:00:00Z (a + is written %2B)")
}

/// `args.account.id=777` → the path and the text.
fn args(query: &Query) -> Result<Option<(Vec<String>, String)>> {
    let mut names = query.names().filter(|name| name.starts_with(ARGS));
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        return Err(invalid("one argument can be compared at a time".to_owned()));
    }
    let path: Vec<String> = name[ARGS.len()..].split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(invalid(format!("`{name}` names no argument; write `args.account=777`")));
    }
    Ok(query.get(name).map(|value| (path, value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = read(&Query::parse(text)).unwrap_err();
        assert_eq!(error.status(), 400);
        error.detail().to_owned()
    }

    #[test]
    fn every_parameter_becomes_part_of_the_filter() {
        let after = JobId::new();
        let text = format!(
            "state=failed,running&kind=mail.send&queue=mail&provider=mail&tag=vip\
             &error=0f3a9d2b115e0f3a&since=2026-11-21T09:00:00Z&until=2026-11-21T11:00:00%2B01:00\
             &args.account.id=7%3D7&limit=5&cursor={after}"
        );
        let filter = read(&Query::parse(&text)).unwrap();
        assert_eq!(filter.states, [JobState::Failed, JobState::Running]);
        assert_eq!(
            (filter.kind.as_deref(), filter.tag.as_deref()),
            (Some("mail.send"), Some("vip"))
        );
        let hour = filter.until.unwrap() - filter.since.unwrap();
        assert_eq!(hour.num_minutes(), 60);
        let path = vec!["account".to_owned(), "id".to_owned()];
        assert_eq!(filter.args, Some((path, "7=7".to_owned())));
        assert_eq!((filter.after, filter.owner), (Some(after), None));
        assert_eq!(filter.error, Some(Fingerprint::from(0x0f3a_9d2b_115e_0f3a)));
        assert_eq!(read(&Query::parse("")).unwrap(), Filter::default());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_right() {
        assert!(refused("state=faild").contains("did you mean `failed`?"));
        assert!(refused("state=x").contains("there are scheduled, queued"));
        assert!(refused("state=").contains("no state"));
        assert!(refused("state=failed&state=running").contains("state=failed,running"));
        assert!(refused("since=yesterday").contains("`since` must be a time such as"));
        assert!(refused("args.=1").contains("names no argument"));
        assert!(refused("args.a=1&args.b=2").contains("one argument"));
        assert!(refused("error=7").contains("16 hexadecimal digits"));
        assert!(refused("cursor=7").contains("`cursor`"));
    }
}
