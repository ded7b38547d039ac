//! Filter words: `state:failed queue:mail since:24h args.user=7`.

use chrono::{DateTime, Utc};
use mindflight_api::JobState;
use mindflight_api::error_group::Fingerprint;
use mindflight_api::job::JobFilter;
use mindflight_client::jobs::Filter;

use crate::Failure;
use crate::parser::value::{duration, moment};

const WORDS: &[&str] = &["state", "kind", "queue", "provider", "tag", "error", "since", "until"];
const ALL: &str = "there are state:STATE, kind:NAME, queue:NAME, provider:NAME, tag:WORD, error:FINGERPRINT, since:TIME, until:TIME, args.PATH=VALUE";

/// What the words say; times such as `24h` are counted back from `now`.
pub(super) fn read(words: &[String], now: DateTime<Utc>) -> Result<Filter, Failure> {
    let mut filter = Filter::default();
    for word in words {
        if let Some(rest) = word.strip_prefix("args.") {
            filter.args.push(argument(word, rest)?);
            continue;
        }
        let (name, text) = word.split_once(':').ok_or_else(|| no_filter(word))?;
        if text.is_empty() {
            return Err(Failure::usage(format!("`{word}`: nothing stands behind the colon"))
                .fix(format!("Write {name}:VALUE.")));
        }
        match name {
            "state" => states(word, text, &mut filter.state)?,
            "kind" => once(word, &mut filter.kind, text.to_owned())?,
            "queue" => once(word, &mut filter.queue, text.to_owned())?,
            "provider" => once(word, &mut filter.provider, text.to_owned())?,
            "tag" => once(word, &mut filter.tag, text.to_owned())?,
            "error" => once(word, &mut filter.error, fingerprint(word, text)?)?,
            "since" => once(word, &mut filter.since, time(word, text, now)?)?,
            "until" => once(word, &mut filter.until, time(word, text, now)?)?,
            _ => return Err(no_filter(word)),
        }
    }
    Ok(filter)
}

/// The same for what changes jobs, which compares one argument at a time.
pub(super) fn read_for_change(words: &[String], now: DateTime<Utc>) -> Result<JobFilter, Failure> {
    let Filter { state, kind, queue, provider, tag, since, until, error, args, .. } =
        read(words, now)?;
    if let Some((path, value)) = args.get(1) {
        let detail = format!("`args.{path}={value}`: one argument can be compared at a time");
        return Err(Failure::usage(detail)
            .fix("Name the jobs by their ids: `mindflight job list … -o name` prints them."));
    }
    let args = args.into_iter().collect();
    let ids = Vec::new();
    Ok(JobFilter { state, kind, queue, provider, tag, since, until, error, args, ids })
}

fn fingerprint(word: &str, text: &str) -> Result<Fingerprint, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!("`{word}`: {error}")).fix("`mindflight job errors` lists them.")
    })
}

fn argument(word: &str, rest: &str) -> Result<(String, String), Failure> {
    match rest.split_once('=') {
        Some((path, value)) if !path.split('.').any(str::is_empty) => {
            Ok((path.to_owned(), value.to_owned()))
        }
        Some(_) | None => Err(Failure::usage(format!("`{word}` is no filter of an argument"))
            .fix("Write args.PATH=VALUE, as args.user.id=7.")),
    }
}

fn states(word: &str, text: &str, into: &mut Vec<JobState>) -> Result<(), Failure> {
    for name in text.split(',') {
        let found = JobState::ALL.into_iter().find(|state| state.name() == name);
        let state = found.ok_or_else(|| {
            let names: Vec<&str> = JobState::ALL.iter().map(|state| state.name()).collect();
            let detail = format!("`{word}`: no state `{name}`; there are {}", names.join(", "));
            near(Failure::usage(detail), name, &names)
        })?;
        if !into.contains(&state) {
            into.push(state);
        }
    }
    Ok(())
}

fn once<T>(word: &str, slot: &mut Option<T>, value: T) -> Result<(), Failure> {
    if slot.replace(value).is_none() {
        return Ok(());
    }
    let name = word.split(':').next().unwrap_or_default();
    Err(Failure::usage(format!("`{word}`: {name} is given twice"))
        .fix("Give it once; only state:A,B takes several values."))
}

pub(super) fn time(word: &str, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    if let Ok(time) = moment(text) {
        return Ok(time);
    }
    duration(text).map(|ago| now - ago).map_err(|_| {
        Failure::usage(format!("`{word}`: `{text}` is no time"))
            .fix("Write how long ago, as 90s, 24h or 30d, or a time, as 2026-01-31 or 2026-01-31T18:00:00Z.")
    })
}

fn no_filter(word: &str) -> Failure {
    let name = word.split([':', '=']).next().unwrap_or_default();
    near(Failure::usage(format!("`{word}` is no filter; {ALL}")), name, WORDS)
}

fn near(failure: Failure, name: &str, names: &[&str]) -> Failure {
    let nearest = names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, known)) if likeness > 0.8 => {
            failure.fix(format!("Did you mean `{known}`?"))
        }
        Some(_) | None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn read_words(line: &str) -> Result<Filter, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words, at("2026-01-02T03:04:05Z"))
    }

    #[test]
    fn words_become_a_filter() {
        let filter = read_words(
            "state:failed,retrying state:failed kind:demo.sleep queue:a:b error:0f3a9d2b115e0f3a since:24h until:2026-01-02 args.a.b=x=y",
        )
        .unwrap();
        let expected = Filter {
            state: vec![JobState::Failed, JobState::Retrying],
            kind: Some("demo.sleep".to_owned()),
            queue: Some("a:b".to_owned()),
            since: Some(at("2026-01-01T03:04:05Z")),
            until: Some(at("2026-01-02T00:00:00Z")),
            error: Some(Fingerprint::from(0x0f3a_9d2b_115e_0f3a)),
            args: vec![("a.b".to_owned(), "x=y".to_owned())],
            ..Filter::default()
        };
        assert_eq!(filter, expected);
        assert_eq!(read_words("").unwrap(), Filter::default());
    }

    #[test]
    fn wrong_words_are_named_with_what_is_allowed() {
        for (line, part, fix) in [
            ("failed", "`failed` is no filter; there are state:STATE", None),
            ("sate:failed", "`sate:failed` is no filter", Some("Did you mean `state`?")),
            ("state=failed", "`state=failed` is no filter", Some("Did you mean `state`?")),
            (
                "state:faild",
                "no state `faild`; there are scheduled, queued",
                Some("Did you mean `failed`?"),
            ),
            ("state:failed,", "no state ``", None),
            ("queue:", "nothing stands behind the colon", Some("Write queue:VALUE.")),
            ("queue:a queue:b", "`queue:b`: queue is given twice", None),
            ("since:yesterday", "`yesterday` is no time", None),
            ("since:24", "`24` is no time", None),
            (
                "error:7",
                "a fingerprint is 16 hexadecimal digits",
                Some("`mindflight job errors` lists them."),
            ),
            (
                "args.=1",
                "is no filter of an argument",
                Some("Write args.PATH=VALUE, as args.user.id=7."),
            ),
            ("args.a", "is no filter of an argument", None),
        ] {
            let failure = read_words(line).unwrap_err();
            assert!(failure.problem().detail.contains(part), "{line}: {failure:?}");
            assert_eq!(failure.exit(), crate::Exit::Usage);
            if fix.is_some() {
                assert_eq!(failure.problem().fix.as_deref(), fix, "{line}");
            }
        }
    }
}
