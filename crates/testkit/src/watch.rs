//! Where progress and log lines of calls go: each call has its own, and the kit has all.

use std::sync::{Arc, Mutex, PoisonError};

use mindflight_core::progress::{Progress, Report};

#[derive(Clone, Default)]
pub(crate) struct Lines {
    progress: Arc<Mutex<Vec<Progress>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Lines {
    pub(crate) fn progress(&self) -> Vec<Progress> {
        let steps = self.progress.lock();
        steps.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn log(&self) -> Vec<String> {
        let lines = self.log.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) struct Watch {
    pub(crate) call: Lines,
    pub(crate) all: Lines,
}

impl Report for Watch {
    fn progress(&self, progress: Progress) {
        for lines in [&self.call, &self.all] {
            let mut steps = lines.progress.lock().unwrap_or_else(PoisonError::into_inner);
            steps.push(progress.clone());
        }
    }

    fn log(&self, line: &str) {
        for lines in [&self.call, &self.all] {
            let mut log = lines.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(line.to_owned());
        }
    }
}
