//! Crashing a job everywhere it can crash.

use std::sync::Arc;

use mindflight_api::JobId;
use mindflight_core::Provider;
use mindflight_core::jobs::Kind;
use mindflight_core::policy::Next;
use serde_json::Value;

use super::MOST_ATTEMPTS;
use super::as_job::{AsJob, whole};
use super::attempt::Attempt;
use super::effects::Effects;
use super::run::{Fate, JobRun};
use crate::Kit;

/// What a job left behind without a crash, and with a crash at each of its steps.
#[derive(Debug)]
pub struct CrashMatrix {
    kind: String,
    smooth: Effects,
    crashes: Vec<Crash>,
}

/// One row of the matrix.
#[derive(Debug)]
#[non_exhaustive]
pub struct Crash {
    /// Before which step it was, such as ``tx.memory.add of `count` ``.
    pub point: String,
    /// The number of the attempt that brought the job to its end.
    pub attempts: u32,
    /// What was there in the end.
    pub effects: Effects,
}

impl<P: Provider> Kit<P> {
    /// Runs a job to its end once without a crash, and then once for each step that it can crash at: each use of
    /// memory, jobs, events, the outside and the transaction, the commit before and after, and the end of the
    /// function. A crash drops the function where it is; another attempt follows, without a pause. Every run begins
    /// with the world as it is now, and so does the test after the last of them: memory, jobs, events, scripted
    /// answers and the clock. What the provider keeps in fields of its own is not brought back.
    ///
    /// # Panics
    /// If a run does not end `succeeded`, or there is no end after 10,000 steps or attempts.
    pub async fn crash_matrix(&self, job: impl AsJob) -> CrashMatrix {
        let (kind, args) = (self.known_kind(job.kind()), job.args());
        let begin = self.world.snapshot();
        let name = whole(P::ID, &kind.name);
        let wire = self.world.store.wire();
        let mut smooth = None;
        let mut crashes = Vec::new();
        // The first of these runs is the one without a crash.
        for at in std::iter::once(None).chain((0..MOST_ATTEMPTS).map(Some)) {
            wire.arm(at);
            let run = self.run_to_end(&kind, &args, JobId::new()).await;
            let point = at.and_then(|at| wire.disarm(at));
            let effects = self.effects_since(&begin);
            self.world.restore(&begin);
            let crash = match (at, &point) {
                (None, _) => "without a crash".to_owned(),
                (Some(_), Some(point)) => format!("with a crash at: {point}"),
                // This one ended before it came so far.
                (Some(_), None) => break,
            };
            assert!(
                run.fate() == Fate::Next(Next::Succeeded),
                "`{name}` does not succeed {crash}: {:?}",
                run.error()
            );
            match point {
                None => smooth = Some(effects),
                Some(point) => crashes.push(Crash { point, attempts: run.attempt(), effects }),
            }
        }
        wire.disarm(0);
        let Some(smooth) = smooth else { unreachable!("the first run is the smooth one") };
        CrashMatrix { kind: name, smooth, crashes }
    }

    /// Runs attempts at a job until it has ended, and gives the last of them.
    pub(super) async fn run_to_end(&self, kind: &Arc<Kind>, args: &Value, job: JobId) -> JobRun {
        let store = &self.world.store;
        for _ in 0..MOST_ATTEMPTS {
            let max = kind.options.max_attempts;
            let attempt = Attempt::new(store, job, kind.clone(), args.clone(), max);
            let run = self.runner().run(attempt).await;
            match run.fate() {
                Fate::Crashed => {}
                Fate::Next(Next::Retry(wait) | Next::Snooze(wait)) => {
                    self.world.clock.advance(wait).await;
                }
                Fate::Lost | Fate::Next(Next::Succeeded | Next::Failed | Next::Cancelled) => {
                    return run;
                }
            }
        }
        panic!(
            "`{}` has not ended after {MOST_ATTEMPTS} attempts: does it snooze for ever?",
            kind.name
        )
    }
}

impl CrashMatrix {
    /// What the job leaves behind without a crash.
    #[must_use]
    pub fn smooth(&self) -> &Effects {
        &self.smooth
    }

    /// The crashes, in the order of the job's steps.
    #[must_use]
    pub fn crashes(&self) -> &[Crash] {
        &self.crashes
    }

    /// However it crashed, memory, jobs and events are in the end as without a crash.
    ///
    /// # Panics
    /// If not, with the crash points and what is different.
    #[track_caller]
    pub fn effects_once(&self) -> &Self {
        let mut lines = Vec::new();
        for (at, crash) in self.crashes.iter().enumerate() {
            let differences = crash.effects.differences(&self.smooth);
            if !differences.is_empty() {
                lines.push(format!(
                    "crash {at}, at: {}\n    {}",
                    crash.point,
                    differences.join("\n    ")
                ));
            }
        }
        assert!(
            lines.is_empty(),
            "`{}` leaves something else behind when it crashes (use `cx.begin()`, or keys that make repeating harmless):\n{}",
            self.kind,
            lines.join("\n")
        );
        self
    }
}
