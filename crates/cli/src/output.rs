//! What a command prints, and the one place that prints it: data on stdout, all else on stderr.

mod fields;
mod live;
mod person;
mod render;
mod table;

use std::io::{self, IsTerminal, Read, Write};

use serde_json::{Map, Value};

use crate::parser::{Form, When};
use crate::{Environment, Exit, Failure};
pub(crate) use live::Live;
pub(crate) use person::span;
pub use table::Column;

/// Where a command reads and writes.
pub struct Streams<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Hints and errors.
    pub err: &'a mut dyn Write,
    /// What is piped in.
    pub input: &'a mut dyn Read,
    /// Which of them are a person's.
    pub terminals: Terminals,
}

/// Which streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input.
    pub input: bool,
    /// Standard output.
    pub out: bool,
    /// Standard error.
    pub err: bool,
}

impl Terminals {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            input: io::stdin().is_terminal(),
            out: io::stdout().is_terminal(),
            err: io::stderr().is_terminal(),
        }
    }
}

/// What a command prints when it worked.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    body: Body,
    notes: Vec<String>,
    exit: Exit,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Nothing,
    Plain {
        text: String,
        value: Value,
    },
    Text {
        lines: Vec<String>,
        value: Value,
    },
    List {
        columns: Vec<Column>,
        items: Vec<Value>,
        next: Option<String>,
        beside: Map<String, Value>,
    },
}

impl Output {
    /// Nothing at all, whatever form is asked for: for commands that run until they are stopped.
    #[must_use]
    pub const fn nothing() -> Self {
        Self::of(Body::Nothing)
    }

    /// One bare value, alone on its line, for `$(…)`; `value` is what `-o json` prints.
    #[must_use]
    pub fn plain(text: impl Into<String>, value: Value) -> Self {
        Self::of(Body::Plain { text: text.into(), value })
    }

    /// Lines for people; `value` is what `-o json` prints.
    #[must_use]
    pub fn text(lines: Vec<String>, value: Value) -> Self {
        Self::of(Body::Text { lines, value })
    }

    /// A list: a table for people, `{"items":…,"next":…}` as JSON. The first column is the items' name.
    #[must_use]
    pub fn list(columns: Vec<Column>, items: Vec<Value>, next: Option<String>) -> Self {
        Self::of(Body::List { columns, items, next, beside: Map::new() })
    }

    const fn of(body: Body) -> Self {
        Self { body, notes: Vec::new(), exit: Exit::Done }
    }

    /// Gives a list's document another member, before its items.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        if let Body::List { beside, .. } = &mut self.body {
            beside.insert(name.to_owned(), value);
        }
        self
    }

    /// Ends with another exit code than 0: the answer is there, and it is no.
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

    /// Adds a hint that people see on stderr.
    #[must_use]
    pub fn note(mut self, line: impl Into<String>) -> Self {
        self.notes.push(line.into());
        self
    }
}

/// How this command line wants things printed.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    pub(crate) form: Form,
    pub(crate) fields: Vec<String>,
    color_out: bool,
    color_err: bool,
}

impl Printer {
    pub(crate) fn new(form: Form, when: When, terminals: Terminals, env: &Environment) -> Self {
        let color = |terminal: bool| match when {
            When::Always => true,
            When::Never => false,
            // NO_COLOR goes first: who sets both wants peace.
            When::Auto => !env.no_color && (terminal || env.force_color),
        };
        let (color_out, color_err) = (color(terminals.out), color(terminals.err));
        Self { form, fields: Vec::new(), color_out, color_err }
    }

    /// Prints what a command gives.
    ///
    /// # Errors
    /// If `--fields` names what is not there.
    pub(crate) fn output(&self, output: &Output, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let text = render::output(output, self.form, &self.fields, self.color_out)?;
        self.data(&text, streams)?;
        if matches!(self.form, Form::Table | Form::Name) {
            let notes = render::notes(output);
            write_to(streams.err, &notes).ok();
        }
        Ok(())
    }

    /// Prints why a command did not do it.
    pub(crate) fn failure(&self, failure: &Failure, streams: &mut Streams<'_>) {
        let (text, on_stdout) = render::failure(failure, self.form, self.color_err);
        let stream = if on_stdout { &mut *streams.out } else { &mut *streams.err };
        // There is nowhere left to say that this failed.
        write_to(stream, &text).ok();
    }

    /// Prints what the parser has to say: help that was asked for, or what is wrong.
    pub(crate) fn parser(&self, error: &clap::Error, streams: &mut Streams<'_>) {
        let rendered = error.render();
        let (color, stream): (_, &mut dyn Write) = if error.use_stderr() {
            (self.color_err, streams.err)
        } else {
            (self.color_out, streams.out)
        };
        let text = if color { rendered.ansi().to_string() } else { rendered.to_string() };
        write_to(stream, &text).ok();
    }

    fn data(&self, text: &str, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match write_to(streams.out, text) {
            // Whoever reads has enough, as `head` does: that is no failure of ours.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::local("the output cannot be written").because(&error)),
            Ok(()) => Ok(()),
        }
    }
}

/// Prints a line of data while the command goes on; answers whether someone still reads.
pub(crate) fn print_now(line: &str, streams: &mut Streams<'_>) -> bool {
    write_to(streams.out, &(person::printable(line) + "\n")).is_ok()
}

/// Prints a line for people on stderr while the command goes on.
pub(crate) fn hint_now(line: &str, streams: &mut Streams<'_>) {
    // Nobody reading is no reason to stop.
    write_to(streams.err, &(person::printable(line) + "\n")).ok();
}

fn write_to(stream: &mut dyn Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
