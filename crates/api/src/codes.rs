//! The table of error codes: status, title, fault and retry class of everything the server itself answers.

use crate::problem::{Fault, Retry};

/// One row of the table. Codes are never reused, and never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// What clients match on.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The same for every problem with this code.
    pub title: &'static str,
    /// Who has to act.
    pub fault: Fault,
    /// Whether the same request may succeed later.
    pub retry: Retry,
    /// What to do about it, in one sentence.
    pub fix: &'static str,
}

impl Code {
    /// The row of `name`, if the server knows that code; providers bring codes of their own.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|code| code.name == name)
    }
}

macro_rules! codes {
    ($($constant:ident $name:literal $status:literal $fault:ident $retry:ident $title:literal $fix:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $title, ".")]
            pub const $constant: Code = Code {
                name: $name,
                status: $status,
                title: $title,
                fault: Fault::$fault,
                retry: Retry::$retry,
                fix: $fix,
            };
        )*
        /// Every code of the server, sorted by status, then name.
        pub const ALL: &[Code] = &[$($constant),*];
    };
}

codes! {
    INVALID_CURSOR "invalid_cursor" 400 Caller AfterFix "Invalid cursor" "Send the `next` of the page before, unchanged, or leave the cursor out.";
    INVALID_ID "invalid_id" 400 Caller AfterFix "Invalid id" "Send the id as the server gave it: a hyphenated UUID.";
    INVALID_JSON "invalid_json" 400 Caller AfterFix "Unreadable JSON" "Send one JSON document in UTF-8, nested at most 128 deep.";
    INVALID_QUERY "invalid_query" 400 Caller AfterFix "Invalid query parameter" "Correct or leave out the named query parameter.";
    INVALID_REQUEST "invalid_request" 400 Caller AfterFix "Invalid request" "Correct what the detail names.";
    UNAUTHENTICATED "unauthenticated" 401 Caller AfterFix "No valid credentials" "Send `Authorization: Bearer <API key or token>`; make a key with `mindflight key create`.";
    FORBIDDEN "forbidden" 403 Caller AfterFix "Missing scope" "Use a key that has the named scope.";
    NOT_ALLOWED "not_allowed" 403 Caller No "Not allowed" "This is refused whatever the credentials are; see the detail.";
    NOT_FOUND "not_found" 404 Caller AfterFix "Not found" "Check the path and the id.";
    TOOL_NOT_FOUND "tool_not_found" 404 Caller AfterFix "No such tool" "List the tools with `GET /api/tools`.";
    METHOD_NOT_ALLOWED "method_not_allowed" 405 Caller AfterFix "Method not allowed" "Use one of the methods in the `Allow` header.";
    NOT_ACCEPTABLE "not_acceptable" 406 Caller AfterFix "No such version" "Ask for version 1, or leave the version out of `Accept`.";
    CONFLICT "conflict" 409 Caller AfterFix "Not possible in this state" "Read the current state, then decide again.";
    JOB_CANCELLED "job_cancelled" 409 Caller No "The job was cancelled" "Enqueue it again if it is still wanted.";
    JOB_PARENT_FAILED "job_parent_failed" 409 Caller No "A job it waited for did not succeed" "Look at the job that the detail names; once it is corrected, retry this one, or make both again.";
    LEASE_LOST "lease_lost" 409 Server No "Another worker has the job" "Do nothing: what this attempt did in its transaction was undone, and the job goes on elsewhere.";
    TOO_LARGE "too_large" 413 Caller AfterFix "Too large" "Send less; the detail says the limit.";
    URI_TOO_LONG "uri_too_long" 414 Caller AfterFix "URL too long" "Send the values in the body; the detail says the limit.";
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415 Caller AfterFix "Unsupported content type" "Send JSON with `Content-Type: application/json`.";
    INVALID_ARGUMENTS "invalid_arguments" 422 Caller AfterFix "Invalid arguments" "Correct the fields that `errors` lists; `GET /api/tools/{name}` has the schema.";
    INVALID_BODY "invalid_body" 422 Caller AfterFix "Invalid body" "Correct the fields that `errors` lists.";
    UNKNOWN_KIND "unknown_kind" 422 Caller AfterFix "No such kind of job" "List the kinds with `GET /api/providers`.";
    HEADERS_TOO_LARGE "headers_too_large" 431 Caller AfterFix "Headers too large" "Send fewer or shorter headers.";
    RATE_LIMITED "rate_limited" 429 Caller After "Too many requests" "Wait as long as `Retry-After` says.";
    INTERNAL "internal" 500 Server Same "Internal error" "Try again; if it stays, give the operator the request id.";
    INVALID_RESULT "invalid_result" 500 Provider No "The tool broke its own contract" "Report the tool and the request id to the provider's author.";
    JOB_PANICKED "job_panicked" 500 Provider Same "The job crashed" "Report the kind and the job's id to the provider's author.";
    PROVIDER_ERROR "provider_error" 500 Provider No "The tool failed" "Report the tool and the request id to the provider's author.";
    TOOL_PANICKED "tool_panicked" 500 Provider No "The tool crashed" "Report the tool and the request id to the provider's author.";
    WORKER_LOST "worker_lost" 500 Server Same "The worker died" "Look at what the worker's process died of; retry the job once that is corrected.";
    NOT_SUPPORTED "not_supported" 501 Caller No "Not supported" "Leave out what the detail names.";
    UPSTREAM "upstream_error" 502 Upstream Same "An outside service failed" "Try again later; the outside service is named in the detail.";
    UPSTREAM_REFUSED "upstream_refused" 502 Operator No "An outside service refused our credentials" "Ask the operator to correct the provider's credentials; the detail has the outside service's words.";
    BUSY "busy" 503 Server After "Busy" "Wait as long as `Retry-After` says.";
    DATABASE_UNAVAILABLE "database_unavailable" 503 Operator After "The database is away" "Wait as long as `Retry-After` says; operators look at `GET /health`.";
    PROVIDER_UNAVAILABLE "provider_unavailable" 503 Operator After "The provider is off" "Wait as long as `Retry-After` says; `GET /api/providers` has the reason.";
    SHUTTING_DOWN "shutting_down" 503 Server After "Shutting down" "Send the request again: another instance, or this one restarted, will take it.";
    TOOL_UNAVAILABLE "tool_unavailable" 503 Provider After "The tool is resting" "Wait as long as `Retry-After` says; the tool failed several times in a row.";
    TIMEOUT "timeout" 504 Provider Same "Deadline passed" "Try again, or call with less work.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_snake_case_and_found() {
        let mut seen = HashSet::new();
        for code in ALL {
            assert!(seen.insert(code.name), "{} stands twice", code.name);
            assert!(code.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!((400..600).contains(&code.status));
            assert_eq!(Code::find(code.name), Some(code));
        }
        assert_eq!(Code::find("weather_gone"), None);
    }
}
