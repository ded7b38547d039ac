//! Why a command did not do it: an exit code, a problem object, and more lines for people.

use std::error::Error as _;

use mindflight_api::problem::TYPE_BASE;
use mindflight_api::{Code, FieldError, Problem};
use mindflight_client::Error;

use crate::Exit;

/// Why a command did not do it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    exit: Exit,
    problem: Box<Problem>,
    lines: Vec<String>,
}

/// Codes that no server sends, because the command line says them itself.
pub mod codes {
    use mindflight_api::{Code, Fault, Retry};

    const fn code(name: &'static str, status: u16, title: &'static str, fix: &'static str) -> Code {
        Code { name, status, title, fault: Fault::Caller, retry: Retry::AfterFix, fix }
    }

    /// Wrong use of the command line.
    pub const USAGE: Code = code(
        "invalid_usage",
        400,
        "Wrong use",
        "Correct the command; `mindflight help COMMAND` shows what it takes.",
    );
    /// A file is not as it must be.
    pub const INVALID_FILE: Code =
        code("invalid_file", 422, "A file did not pass a check", "Correct what the lines name.");
    /// No server was reached.
    pub const UNREACHABLE: Code = code(
        "unreachable",
        503,
        "No server answers",
        "Start one with `mindflight dev`, or name another with `--url` or MINDFLIGHT_URL.",
    );
    /// Something answered, but no mindflight server of this version.
    pub const NOT_OURS: Code = code(
        "unexpected_answer",
        502,
        "Not a mindflight server's answer",
        "Check the address and the port; `--url` or MINDFLIGHT_URL name another.",
    );
    /// The answer did not come in time.
    pub const TIMED_OUT: Code = code(
        "timed_out",
        504,
        "No answer in time",
        "Give more with `--timeout`; what was asked for may still have happened.",
    );
    /// Ctrl-C, while something was watched that goes on by itself.
    pub const INTERRUPTED: Code = code(
        "interrupted",
        499,
        "Interrupted",
        "Watch it again; nothing was stopped but the watching.",
    );
    /// Something on this machine went wrong.
    pub const LOCAL: Code = code(
        "failed",
        500,
        "Did not work on this machine",
        "Correct what the error names, then try again.",
    );
    /// Every code of the command line.
    pub const ALL: &[Code] =
        &[USAGE, INVALID_FILE, UNREACHABLE, NOT_OURS, TIMED_OUT, INTERRUPTED, LOCAL];
}

impl Failure {
    /// A failure with a code of the server's or of the command line's table.
    #[must_use]
    pub fn new(exit: Exit, code: &Code, detail: impl Into<String>) -> Self {
        let problem = Problem {
            r#type: format!("{TYPE_BASE}{}", code.name),
            title: code.title.to_owned(),
            status: code.status,
            detail: detail.into(),
            // No request was made or answered, so there is none to name.
            instance: String::new(),
            code: code.name.to_owned(),
            fault: code.fault,
            retry: code.retry,
            retry_after_ms: None,
            fix: Some(code.fix.to_owned()),
            request_id: String::new(),
            errors: Vec::new(),
        };
        Self { exit, problem: Box::new(problem), lines: Vec::new() }
    }

    /// Wrong use of the command line (exit code 2).
    #[must_use]
    pub fn usage(detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, &codes::USAGE, detail)
    }

    /// Something on this machine did not work (exit code 1).
    #[must_use]
    pub fn local(detail: impl Into<String>) -> Self {
        Self::new(Exit::No, &codes::LOCAL, detail)
    }

    /// What a server's problem means for the command.
    #[must_use]
    pub fn of_problem(problem: Problem) -> Self {
        let exit = Exit::of_problem(&problem);
        Self { exit, problem: Box::new(problem), lines: Vec::new() }
    }

    /// Names another next step than the code's own.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.problem.fix = Some(fix.into());
        self
    }

    /// Adds one of several mistakes: where it is (a JSON Pointer or a path), and what is wrong there.
    #[must_use]
    pub fn error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        self.problem.errors.push(FieldError { pointer, detail, allowed: Vec::new() });
        self
    }

    /// Adds a line below the error; with `-o json` it is in the member `lines`.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Adds the causes of an error as lines, outermost first.
    #[must_use]
    pub fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let line = format!("because: {error}");
            // Some libraries repeat the inner text in the outer one.
            if !self.lines.contains(&line) {
                self.lines.push(line);
            }
            cause = error.source();
        }
        self
    }

    /// Ends with another exit code.
    #[must_use]
    pub fn exit_with(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What `-o json` shows as `error`.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The lines below the error.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let (exit, code) = match &error {
            Error::Api(problem) => return Self::of_problem((**problem).clone()),
            Error::Unreachable { .. } | Error::Broken { .. } => {
                (Exit::Unreachable, codes::UNREACHABLE)
            }
            Error::NotOurs { .. } | Error::Decode { .. } => (Exit::Unreachable, codes::NOT_OURS),
            Error::Timeout { .. } => (Exit::TimedOut, codes::TIMED_OUT),
            Error::Address { .. } | Error::Name { .. } | Error::InvalidKey => {
                (Exit::Usage, codes::USAGE)
            }
            Error::Encode(_) | Error::Setup(_) => (Exit::No, codes::LOCAL),
        };
        let failure = Self::new(exit, &code, text);
        // What lies between is the HTTP library's; the innermost cause is the one that helps.
        let mut root = error.source();
        while let Some(inner) = root.and_then(std::error::Error::source) {
            root = Some(inner);
        }
        match root {
            Some(root) => failure.because(root),
            None => failure,
        }
    }
}
