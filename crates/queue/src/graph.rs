//! Jobs that wait for each other: what can be asked for, and who of one call waits for whom.

use std::collections::{HashMap, HashSet};

use mindflight_api::{JobId, codes};
use mindflight_core::ports::EnqueueOptions;
use mindflight_core::{Error, Result};
use mindflight_store::jobs::NewRow;

/// Jobs that one can wait for.
pub const MOST_PARENTS: usize = 100;

/// Refuses what can never start, or was not meant.
pub(crate) fn check<'a>(jobs: impl IntoIterator<Item = &'a EnqueueOptions>) -> Result<()> {
    let mut after: HashMap<JobId, &[JobId]> = HashMap::new();
    for options in jobs {
        check_one(options)?;
        if let Some(id) = options.id
            && after.insert(id, &options.after).is_some()
        {
            return Err(refused(format!("two jobs of one call have the id {id}")));
        }
    }
    match circle(&after) {
        Some(id) => Err(refused(format!("the job {id} would wait for itself, by way of `after`"))),
        None => Ok(()),
    }
}

fn check_one(options: &EnqueueOptions) -> Result<()> {
    let parents = &options.after;
    if parents.len() > MOST_PARENTS {
        let count = parents.len();
        return Err(refused(format!("`after` may name {MOST_PARENTS} jobs; got {count}")));
    }
    if !parents.is_empty() && (options.delay.is_some() || options.run_at.is_some()) {
        return Err(refused("`after` and a time to start cannot be given together".to_owned()));
    }
    let mut seen = HashSet::new();
    match parents.iter().find(|parent| !seen.insert(**parent)) {
        Some(twice) => Err(refused(format!("`after` names the job {twice} twice"))),
        None => Ok(()),
    }
}

fn refused(detail: String) -> Error {
    Error::of(codes::INVALID_BODY, detail.clone()).field("/after", detail, Vec::new())
}

/// A job that waits for itself, if there is one: takes away, again and again, those that wait for none of the others.
pub fn circle<K>(after: &HashMap<K, &[K]>) -> Option<K>
where
    K: Copy + Eq + std::hash::Hash + Ord,
{
    let mut open: HashMap<K, usize> = HashMap::new();
    let mut then: HashMap<K, Vec<K>> = HashMap::new();
    for (job, parents) in after {
        let inside = parents.iter().filter(|parent| after.contains_key(parent));
        let mut count = 0;
        for parent in inside {
            then.entry(*parent).or_default().push(*job);
            count += 1;
        }
        open.insert(*job, count);
    }
    let mut free: Vec<K> = open.iter().filter(|(_, n)| **n == 0).map(|(job, _)| *job).collect();
    while let Some(job) = free.pop() {
        open.remove(&job);
        for next in then.remove(&job).unwrap_or_default() {
            if let Some(count) = open.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    free.push(next);
                }
            }
        }
    }
    // What only waits for a circle is no part of one: whoever has a parent left and a child left is.
    let is_part =
        |job: &K| then.get(job).is_some_and(|next| next.iter().any(|next| open.contains_key(next)));
    open.keys().filter(|job| is_part(job)).min().or_else(|| open.keys().min()).copied()
}

/// Notes which of these rows others of them wait for.
pub(crate) fn mark(rows: &mut [NewRow]) {
    let awaited: HashSet<JobId> = rows.iter().flat_map(|row| row.after.iter().copied()).collect();
    if awaited.is_empty() {
        return;
    }
    for row in rows {
        row.is_awaited = awaited.contains(&row.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn named(id: JobId, after: &[JobId]) -> EnqueueOptions {
        EnqueueOptions { id: Some(id), ..EnqueueOptions::after(after.iter().copied()) }
    }

    fn refusal(jobs: &[EnqueueOptions]) -> String {
        let error = check(jobs).unwrap_err();
        assert_eq!((error.status(), error.fields()[0].pointer.as_str()), (422, "/after"));
        error.detail().to_owned()
    }

    #[test]
    fn jobs_may_wait_for_each_other_in_any_order_but_a_circle() {
        let [a, b, c, d] = [(); 4].map(|()| JobId::new());
        let diamond = [named(d, &[b, c]), named(b, &[a]), named(c, &[a]), named(a, &[])];
        assert!(check(&diamond).is_ok());
        let round = [named(a, &[c]), named(b, &[a]), named(c, &[b])];
        assert!(refusal(&round).contains("would wait for itself"));
        assert!(refusal(&[named(a, &[a])]).contains(&a.to_string()));
        let tail = [named(a, &[b]), named(b, &[a]), named(c, &[a, d])];
        let detail = refusal(&tail);
        assert!(detail.contains(&a.to_string()) || detail.contains(&b.to_string()), "{detail}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let [a, b] = [(); 2].map(|()| JobId::new());
        assert!(refusal(&[named(b, &[a, a])]).contains("twice"));
        assert!(refusal(&[named(a, &[]), named(a, &[])]).contains("two jobs"));
        let late = EnqueueOptions { delay: Some(Duration::ZERO), ..named(b, &[a]) };
        assert!(refusal(&[late]).contains("together"));
        let many: Vec<JobId> = (0..=MOST_PARENTS).map(|_| JobId::new()).collect();
        assert!(refusal(&[named(a, &many)]).contains("100 jobs; got 101"));
        assert!(check(&[named(a, &many[1..])]).is_ok());
    }
}
