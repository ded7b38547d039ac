//! The contract holds for a good provider, and a bad one fails it.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use mindflight_core::{
    Context, JobArgs, Jobs, Provider, ProviderContext, Request, Response, Result, Routes, Tools,
    respond,
};
use mindflight_testkit::contract::{self, Subject};
use mindflight_testkit::contract_tests;
use serde_json::{Value, json};

use crate::shop::{Shop, config};

contract_tests!(Shop, config = config());

/// The same for a provider of jobs.
mod works {
    mindflight_testkit::contract_tests!(crate::works::Works);
}

/// Its id is one that no server mounts.
struct Loud;

impl Provider for Loud {
    const ID: &'static str = "Loud";
    type Config = ();

    async fn build(_config: (), _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }
}

/// Its only kind is what the test makes it.
struct Misfit<const WHAT: u8>;

/// Nothing.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

impl JobArgs for Nothing {
    const KIND: &'static str = "nothing";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Shout {}

impl JobArgs for Shout {
    const KIND: &'static str = "Shout";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Words(Vec<String>);

impl JobArgs for Words {
    const KIND: &'static str = "words";
}

impl<const WHAT: u8> Misfit<WHAT> {
    fn work<A>(self: Arc<Self>, _cx: Context, _: A) -> Ready<Result<()>> {
        ready(Ok(()))
    }
}

impl<const WHAT: u8> Provider for Misfit<WHAT> {
    const ID: &'static str = "misfit";
    type Config = ();

    async fn build(_config: (), _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        let kind = match WHAT {
            0 => j.add(Self::work::<Shout>),
            1 => j.add(Self::work::<Words>),
            _ => j.add(Self::work::<Nothing>),
        };
        match WHAT {
            2 => kind.deadline(Duration::ZERO),
            3 => (0..11).fold(kind, |kind, tag| kind.tag(&tag.to_string())),
            4 => kind.every("* * * *"),
            5 => kind.concurrency_by("account", 1),
            6 => j.add(Self::work::<Nothing>),
            8 => kind.every("* * * * *"),
            9 => kind.rate_by("account", 1, Duration::from_secs(1)),
            10 => kind.concurrency_by("a", 1).rate_by("b", 1, Duration::from_secs(1)),
            _ => kind,
        };
    }
}

/// Its tool is all that a tool should not be.
struct Odd;

impl Provider for Odd {
    const ID: &'static str = "odd";
    type Config = ();

    async fn build(_config: (), _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        let properties = json!({
            "a": {"type": ["string", "null"]},
            "b": true,
            "c": {"type": "array"},
            "d": {"$ref": "#/properties/a"},
        });
        t.dynamic("x", "", json!({"properties": properties}), Self::x);
    }

    fn routes(&self, r: &mut Routes<Self>) {
        r.get("no/slash", Self::nothing);
    }
}

impl Odd {
    fn x(self: Arc<Self>, _cx: Context, _arguments: Value) -> Ready<Result<Value>> {
        panic!("on nothing")
    }

    fn nothing(self: Arc<Self>, _cx: Context, _request: Request) -> Ready<Result<Response>> {
        ready(Ok(respond::text("")))
    }
}

fn subject() -> Subject {
    Subject { config: json!({}), panics: Vec::new() }
}

#[test]
#[should_panic(expected = "`Loud` is no id of a provider")]
fn an_illegal_id_fails() {
    contract::names_are_legal_and_unique::<Loud>(&subject());
}

#[test]
fn each_kind_that_makes_no_sense_fails() {
    fn says<const WHAT: u8>(part: &str) {
        let check = || contract::kinds_are_legal::<Misfit<WHAT>>(&subject());
        let panic = std::panic::catch_unwind(check).expect_err(part);
        let text = panic.downcast_ref::<String>().expect("a text");
        assert!(text.contains(part), "no {part} in {text}");
    }
    says::<1>("the arguments of `words`");
    says::<3>("at most 10 tags");
    says::<4>("`* * * *` has 4 fields");
    says::<5>("the argument `account`, which it does not have");
    says::<6>("two kinds `nothing`");
    says::<9>("the argument `account`, which it does not have");
    says::<10>("`rate_by` must name the argument of `concurrency_by`");
    contract::kinds_are_legal::<Misfit<7>>(&subject());
}

#[test]
fn each_error_of_the_check_fails_and_a_warning_does_not() {
    fn says<P: Provider>(parts: &[&str]) {
        let check = || contract::the_check_finds_no_error::<P>(&subject());
        let panic = std::panic::catch_unwind(check).expect_err("it fails");
        let text = panic.downcast_ref::<String>().expect("a text");
        for part in parts {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
    says::<Odd>(&[
        "P102 tool odd_x: the description is empty. Say what",
        "P104 tool odd_x, argument c",
        "P201 tool odd_x, argument a",
        "P203 tool odd_x, argument b",
        "P204 tool odd_x, argument c",
        "P202 tool odd_x, argument d",
    ]);
    says::<Misfit<0>>(&["P101 job misfit.Shout"]);
    says::<Misfit<2>>(&["P502 job misfit.nothing"]);
    // Its schedule may overlap with itself, which is a warning.
    contract::the_check_finds_no_error::<Misfit<8>>(&subject());
}

#[test]
#[should_panic(expected = "tool_panicked")]
fn a_panic_without_arguments_fails_unless_it_is_meant() {
    let meant = Subject { panics: vec!["x"], ..subject() };
    contract::no_tool_panics_without_arguments::<Odd>(&meant);
    contract::no_tool_panics_without_arguments::<Odd>(&subject());
}

#[test]
#[should_panic(expected = "the route `no/slash` does not begin with `/`")]
fn a_path_that_is_none_fails() {
    contract::routes_are_legal::<Odd>(&subject());
}
