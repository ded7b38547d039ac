//! Running a command line with streams of the test's own and a binary that only records.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::PathBuf;

use mindflight_cli::{
    Column, ConfigCommand, DatabaseCommand, Environment, Exit, Failure, KeyCreate, Local, Outcome,
    Output, Place, PostgresCommand, ProviderCheck, Rule, ServeArgs, Streams, Terminals, UserCreate,
    execute,
};
use serde_json::{Value, json};

/// What a command line did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
    /// What was asked of the binary.
    pub(crate) local: Vec<String>,
}

impl Ran {
    /// Stdout as the one JSON document that it must be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A console, before a command line is typed into it.
#[derive(Default)]
pub(crate) struct Console {
    pub(crate) env: Environment,
    pub(crate) input: String,
    pub(crate) terminals: Terminals,
    pub(crate) data_dir: PathBuf,
}

impl Console {
    /// Runs `line`; its words are parted by blanks.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn run_words(&self, words: &[&str]) -> Ran {
        let local = Recorder { data_dir: self.data_dir.clone(), asked: RefCell::default() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut streams = Streams {
            out: &mut out,
            err: &mut err,
            input: &mut self.input.as_bytes(),
            terminals: self.terminals,
        };
        let args = ["mindflight"].iter().chain(words).map(OsString::from);
        let exit = execute(args, &self.env, &mut streams, &local);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Ran { exit, out: text(out), err: text(err), local: local.asked.into_inner() }
    }
}

/// Runs a line on a console that nobody looks at.
pub(crate) fn run(line: &str) -> Ran {
    Console::default().run(line)
}

/// Runs a line against a server; `URL` must not be given otherwise.
pub(crate) fn run_at(url: &str, line: &str) -> Ran {
    run(&format!("{line} --url {url}"))
}

pub(crate) struct Recorder {
    pub(crate) data_dir: PathBuf,
    pub(crate) asked: RefCell<Vec<String>>,
}

impl Recorder {
    fn asked(&self, text: String) {
        self.asked.borrow_mut().push(text);
    }
}

impl Local for Recorder {
    fn default_data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    fn serve(&self, args: &ServeArgs) -> Outcome {
        self.asked(format!("serve {args:?}"));
        Ok(Output::nothing())
    }

    fn dev(&self, args: &ServeArgs) -> Outcome {
        self.asked(format!("dev {args:?}"));
        Err(Failure::local("127.0.0.1:8080 is taken").line("by process 7").fix("Give --listen."))
    }

    fn migrate(&self, place: &Place) -> Outcome {
        self.asked(format!("migrate {place:?}"));
        Ok(Output::text(vec!["2 applied".to_owned()], json!({"applied": 2})).note("took 3 ms"))
    }

    fn config(&self, command: &ConfigCommand) -> Outcome {
        self.asked(format!("config {command:?}"));
        Ok(Output::list(vec![Column::new("KEY", "key")], Vec::new(), None))
    }

    fn create_key(&self, key: &KeyCreate) -> Outcome {
        self.asked(format!("key {key:?}"));
        Ok(Output::plain("mf_a_b_c", json!({"key": "mf_a_b_c"})))
    }

    fn create_user(&self, user: &UserCreate, password: &str) -> Outcome {
        self.asked(format!("user {user:?} <{password}>"));
        Ok(Output::plain("018f", json!({"id": "018f"})))
    }

    fn postgres(&self, command: &PostgresCommand) -> Outcome {
        self.asked(format!("postgres {command:?}"));
        Ok(Output::nothing())
    }

    fn database(&self, command: &DatabaseCommand) -> Outcome {
        self.asked(format!("db {command:?}"));
        Ok(Output::nothing())
    }

    fn check_providers(&self, check: &ProviderCheck) -> Outcome {
        self.asked(format!("check {check:?}"));
        Ok(Output::list(vec![Column::new("RULE", "rule")], Vec::new(), None))
    }

    fn providers(&self) -> Vec<&'static str> {
        vec!["echo"]
    }

    fn rules(&self) -> Vec<Rule> {
        let (level, title, fix) = ("error", "A list of types", "Use one type.");
        ["P201", "P202"].map(|code| Rule { code, level, title, why: "Why.", fix }).into()
    }
}
