//! Errors, as a job keeps them.

use mindflight_api::RequestId;
use mindflight_api::job::JobError;
use mindflight_core::Error;

/// What a job keeps of an error: what its caller may read.
pub(crate) fn as_job_error(error: &Error) -> JobError {
    let problem = error.problem(RequestId::new());
    JobError {
        code: problem.code,
        detail: problem.detail.replace('\0', ""),
        fault: problem.fault,
        retry: problem.retry,
        fix: problem.fix.map(|fix| fix.replace('\0', "")),
    }
}
