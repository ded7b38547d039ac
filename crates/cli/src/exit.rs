//! Exit codes: what a script can branch on.

use std::process::ExitCode;

use mindflight_api::codes::{
    BUSY, DATABASE_UNAVAILABLE, INVALID_CURSOR, INVALID_ID, INVALID_QUERY, PROVIDER_UNAVAILABLE,
    SHUTTING_DOWN, TIMEOUT, TOOL_UNAVAILABLE,
};
use mindflight_api::{Code, Fault, Problem};

macro_rules! exits {
    ($($(#[$doc:meta])* $name:ident $code:literal $meaning:literal $example:literal;)*) => {
        /// How a command ended. The numbers never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Exit {
            $($(#[$doc])* $name = $code,)*
        }

        impl Exit {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it means, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }

            /// When it happens, for example.
            #[must_use]
            pub const fn example(self) -> &'static str {
                match self {
                    $(Self::$name => $example,)*
                }
            }
        }
    };
}

exits! {
    /// It worked.
    Done 0 "done" "every named item was done";
    /// It ran, and the answer is no.
    No 1 "it ran and the answer is no" "the tool returned an error, the watched job failed";
    /// The command line is wrong.
    Usage 2 "wrong use" "unknown flag, `--json` that is no JSON";
    /// What it names is not there.
    NotFound 3 "not found" "no such tool or job; near names are listed";
    /// Credentials or a scope are missing.
    NotAllowed 4 "not signed in or not allowed" "the missing scope is named";
    /// The state of things forbids it.
    Conflict 5 "conflict or not possible in this state" "a name that is taken, a provider that is off, a job that has ended";
    /// There is no server, or none that is ready.
    Unreachable 6 "server unreachable or not ready" "the address is named";
    /// The time ran out.
    TimedOut 7 "ran out of time" "`--timeout`, the tool's own deadline; a watched job goes on";
    /// Some items were done, others not.
    Partly 8 "partly done" "some of the named items failed";
    /// A file is not as it must be.
    Invalid 9 "a file did not pass a check" "`config check` found mistakes";
    /// Ctrl-C.
    Interrupted 130 "interrupted" "Ctrl-C";
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a server's refusal means for the command.
    ///
    /// A status alone says little: a tool may answer 404 about its own things, and that is an answer, not a typo.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let ours = Code::find(&problem.code).is_some();
        if !ours || matches!(problem.fault, Fault::Provider | Fault::Upstream) {
            let out_of_time = problem.code == TIMEOUT.name;
            return if out_of_time { Self::TimedOut } else { state_of(problem) };
        }
        if [INVALID_QUERY.name, INVALID_CURSOR.name, INVALID_ID.name].contains(&&*problem.code) {
            return Self::Usage;
        }
        match problem.status {
            401 | 403 => Self::NotAllowed,
            404 => Self::NotFound,
            409 | 428 => Self::Conflict,
            503 => state_of(problem),
            504 => Self::TimedOut,
            _ => Self::No,
        }
    }
}

fn state_of(problem: &Problem) -> Exit {
    let code = problem.code.as_str();
    if [BUSY.name, DATABASE_UNAVAILABLE.name, SHUTTING_DOWN.name].contains(&code) {
        Exit::Unreachable
    } else if [PROVIDER_UNAVAILABLE.name, TOOL_UNAVAILABLE.name].contains(&code) {
        Exit::Conflict
    } else {
        Exit::No
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
