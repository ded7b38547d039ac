//! Running a job twice: what is done at least once should not matter twice.

use mindflight_api::JobId;
use mindflight_core::Provider;
use mindflight_core::policy::Next;

use super::as_job::{AsJob, whole};
use super::effects::Effects;
use super::run::{Fate, JobRun};
use crate::Kit;

/// What a job left behind the first time, and what the second time made of it.
#[derive(Debug)]
pub struct Twice {
    kind: String,
    first: (JobRun, Effects),
    second: (JobRun, Effects),
}

impl<P: Provider> Kit<P> {
    /// Runs a job to success and then runs it to success again, as the same job: what a server does when the
    /// outcome of the first time was lost.
    ///
    /// A job whose effects go through `cx.begin()` cannot lose its outcome and keep its effects; for those, a
    /// [`crash_matrix`](Self::crash_matrix) says what there is to say.
    ///
    /// # Panics
    /// If it does not succeed both times.
    pub async fn run_twice(&self, job: impl AsJob) -> Twice {
        let (kind, args) = (self.known_kind(job.kind()), job.args());
        let (begin, job) = (self.world.snapshot(), JobId::new());
        let name = whole(P::ID, &kind.name);
        let once = async |time: &str| {
            let run = self.run_to_end(&kind, &args, job).await;
            let succeeded = run.fate() == Fate::Next(Next::Succeeded);
            assert!(succeeded, "`{name}` does not succeed the {time} time: {:?}", run.error());
            (run, self.effects_since(&begin))
        };
        let (first, second) = (once("first").await, once("second").await);
        Twice { kind: name, first, second }
    }
}

impl Twice {
    /// The last attempt of each time.
    #[must_use]
    pub fn runs(&self) -> [&JobRun; 2] {
        [&self.first.0, &self.second.0]
    }

    /// What was there after each time.
    #[must_use]
    pub fn effects(&self) -> [&Effects; 2] {
        [&self.first.1, &self.second.1]
    }

    /// Whether memory, jobs or events were others after the second time.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.second.1.differences(&self.first.1).is_empty()
    }

    /// The second time changed neither memory nor jobs nor events.
    ///
    /// # Panics
    /// If it did, with what is different.
    #[track_caller]
    pub fn changed_nothing(&self) -> &Self {
        let differences = self.second.1.differences(&self.first.1);
        assert!(
            differences.is_empty(),
            "running `{}` a second time changes what the first left:\n    {}",
            self.kind,
            differences.join("\n    ")
        );
        self
    }
}
