//! What holds the jobs of a kind: the limit for each value of an argument, and the one for all of them.

use mindflight_core::jobs::Options;
use mindflight_core::policy::Rate;
use mindflight_core::ports::NewJob;
use mindflight_store::jobs::Limit;
use serde_json::Value;

use crate::resolve::short;

/// The names and limits of the gates that a job passes, one after the other.
pub(crate) fn gates(job: &NewJob, options: &Options) -> Vec<(String, Limit)> {
    let by_value = by_value(options).map(|(argument, slots, rate)| {
        let value = job.args.get(argument).unwrap_or(&Value::Null);
        let name = short(format!("{}:{argument}={value}", job.kind));
        (name, Limit { slots, rate, is_outer: false })
    });
    let (slots, rate) = (options.concurrency, options.rate);
    let is_limited = slots.is_some() || rate.is_some();
    let of_kind = is_limited.then(|| (job.kind.clone(), Limit { slots, rate, is_outer: true }));
    by_value.into_iter().chain(of_kind).collect()
}

/// The argument whose values have limits of their own, and the limits.
fn by_value(options: &Options) -> Option<(&str, Option<u32>, Option<Rate>)> {
    match (&options.concurrency_by, &options.rate_by) {
        (Some((argument, slots)), rated) => {
            let rate = rated.as_ref().filter(|(name, _)| name == argument);
            Some((argument, Some(*slots), rate.map(|(_, rate)| *rate)))
        }
        (None, Some((argument, rate))) => Some((argument, None, Some(*rate))),
        (None, None) => None,
    }
}

/// What of the limits of a kind is not kept.
pub(crate) fn left_out(options: &Options) -> Option<String> {
    match (&options.concurrency_by, &options.rate_by) {
        (Some((limited, _)), Some((rated, _))) if limited != rated => Some(format!(
            "its rate by `{rated}`: its limit is by `{limited}`, and a job waits for the value of one argument"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mindflight_core::ports::EnqueueOptions;
    use serde_json::json;

    use super::*;

    fn named(change: impl FnOnce(&mut Options)) -> Vec<(String, Limit)> {
        let mut options = Options::default();
        change(&mut options);
        let (kind, args) = ("mail.send".to_owned(), json!({"account": "a", "n": 1}));
        gates(&NewJob { kind, args, options: EnqueueOptions::default() }, &options)
    }

    fn rate(text: &str) -> Option<Rate> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn most_jobs_pass_no_gate() {
        assert_eq!(named(|_| ()), []);
    }

    #[test]
    fn a_key_comes_before_its_kind() {
        let both = named(|options| {
            options.concurrency = Some(5);
            options.rate = rate("100/1m");
            options.concurrency_by = Some(("account".to_owned(), 2));
            options.rate_by = Some(("account".to_owned(), rate("3/1h").unwrap()));
        });
        let by_key = Limit { slots: Some(2), rate: rate("3/1h"), is_outer: false };
        let of_kind = Limit { slots: Some(5), rate: rate("100/1m"), is_outer: true };
        let names = ["mail.send:account=\"a\"".to_owned(), "mail.send".to_owned()];
        assert_eq!(both, names.into_iter().zip([by_key, of_kind]).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_by_another_argument_than_the_limit_is_left_out() {
        let differ = |options: &mut Options| {
            options.concurrency_by = Some(("account".to_owned(), 2));
            options.rate_by = Some(("n".to_owned(), rate("3/1h").unwrap()));
        };
        assert_eq!(named(differ)[0].1, Limit::from(2));
        let mut options = Options::default();
        assert_eq!(left_out(&options), None);
        differ(&mut options);
        assert!(left_out(&options).unwrap().starts_with("its rate by `n`"));
        options.concurrency_by = None;
        assert_eq!(left_out(&options), None);
        let rated = named(|options| options.rate_by = Some(("n".to_owned(), rate("3/s").unwrap())));
        assert_eq!(rated[0].0, "mail.send:n=1");
        assert_eq!(rated[0].1.slots, None);
    }
}
