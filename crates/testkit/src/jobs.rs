//! Jobs that the provider asked for. A kit runs none.

use mindflight_core::JobArgs;
use mindflight_core::ports::NewJob;

use crate::store::Store;

/// Jobs that the provider asked for.
pub struct Enqueued<'kit> {
    pub(crate) store: &'kit Store,
    pub(crate) provider: &'kit str,
}

impl Enqueued<'_> {
    /// Every job, in the order in which they were made.
    #[must_use]
    pub fn all(&self) -> Vec<NewJob> {
        let state = self.store.state();
        state.jobs.iter().map(|(_, job)| job.clone()).collect()
    }

    /// The arguments of the jobs of one kind.
    ///
    /// # Panics
    /// If arguments are no `A`.
    #[track_caller]
    #[must_use]
    pub fn enqueued<A: JobArgs>(&self) -> Vec<A> {
        let kind = format!("{}.{}", self.provider, A::KIND);
        let jobs = self.all().into_iter().filter(|job| job.kind == kind);
        jobs.map(|job| match serde_json::from_value(job.args.clone()) {
            Ok(args) => args,
            Err(error) => panic!("`{kind}`: {error}: {}", job.args),
        })
        .collect()
    }

    /// There are so many jobs of one kind.
    ///
    /// # Panics
    /// If there are more or fewer.
    #[track_caller]
    pub fn assert_enqueued<A: JobArgs>(&self, jobs: usize) {
        let found = self.enqueued::<A>().len();
        assert_eq!(found, jobs, "jobs of kind `{}`: {:#?}", A::KIND, self.all());
    }
}
