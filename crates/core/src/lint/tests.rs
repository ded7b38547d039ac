//! Each rule finds its bad sample, and lets its good one pass.

mod pairs;

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Finding, Findings, Level, RULES, check, safety};
use crate::mounted::Mounted;
use crate::ports::{NotSupported, Ports, SystemClock};
use crate::tools::Tool;
use crate::{
    Context, Error, Event, JobArgs, Jobs, Provider, ProviderContext, Request, Response, Result,
    Routes, Subscriptions, Tools, respond,
};

/// A provider whose declarations are the sample's.
struct Sample {
    tools: fn(&mut Tools<Self>),
    routes: fn(&mut Routes<Self>),
    jobs: fn(&mut Jobs<Self>),
    subscriptions: fn(&mut Subscriptions<Self>),
}

const EMPTY: Sample = Sample { tools: |_| {}, routes: |_| {}, jobs: |_| {}, subscriptions: |_| {} };

impl Provider for Sample {
    const ID: &'static str = "sample";
    type Config = ();

    async fn build((): (), _: ProviderContext) -> Result<Self> {
        Err(Error::failed("samples are made, not built"))
    }

    fn tools(&self, t: &mut Tools<Self>) {
        (self.tools)(t);
    }

    fn routes(&self, r: &mut Routes<Self>) {
        (self.routes)(r);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        (self.jobs)(j);
    }

    fn subscriptions(&self, s: &mut Subscriptions<Self>) {
        (self.subscriptions)(s);
    }
}

impl Sample {
    fn answer(self: Arc<Self>, _: Context, _: Value) -> Ready<Result<Value>> {
        ready(Ok(Value::Null))
    }

    fn serve(self: Arc<Self>, _: Context, _: Request) -> Ready<Result<Response>> {
        ready(Ok(respond::text("")))
    }

    fn work<A>(self: Arc<Self>, _: Context, _: A) -> Ready<Result<()>> {
        ready(Ok(()))
    }

    fn hear(self: Arc<Self>, _: Context, _: Event<Value>) -> Ready<Result<()>> {
        ready(Ok(()))
    }

    fn found(self) -> Vec<Finding> {
        let none = Arc::new(NotSupported);
        let ports = Ports {
            memory: none.clone(),
            jobs: none.clone(),
            events: none.clone(),
            resources: none.clone(),
            http: none.clone(),
            clock: Arc::new(SystemClock),
            transactions: none,
        };
        check(&Mounted::new(self, ProviderContext::new("sample", ports)))
    }
}

fn tools(tools: fn(&mut Tools<Sample>)) -> Vec<Finding> {
    Sample { tools, ..EMPTY }.found()
}

/// A tool with these properties as its arguments.
fn with(t: &mut Tools<Sample>, properties: Value) -> &mut Tool {
    with_schema(t, json!({"type": "object", "properties": properties}))
}

fn with_schema(t: &mut Tools<Sample>, schema: Value) -> &mut Tool {
    t.dynamic("list_orders", "Lists the open orders.", schema, Sample::answer)
}

fn named<'a>(t: &'a mut Tools<Sample>, name: &str, about: &str) -> &'a mut Tool {
    t.dynamic(name, about, json!({"type": "object"}), Sample::answer)
}

/// A property with a description.
fn described(mut property: Value) -> Value {
    property["description"] = json!("One of them, such as 7.");
    property
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Nothing {}

impl JobArgs for Nothing {
    const KIND: &'static str = "sweep";
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Loud {}

impl JobArgs for Loud {
    const KIND: &'static str = "Sweep";
}

fn jobs(jobs: fn(&mut Jobs<Sample>)) -> Vec<Finding> {
    Sample { jobs, ..EMPTY }.found()
}

fn settings(schema: &Value) -> Vec<Finding> {
    let mut found = Findings::default();
    safety::settings(schema, "", &mut found);
    found.0
}

#[test]
fn each_rule_finds_its_bad_sample_and_lets_its_good_one_pass() {
    let mut tried = BTreeSet::new();
    for (code, bad, good) in pairs::all() {
        let breaks = |found: &[Finding]| found.iter().any(|finding| finding.rule.code == code);
        assert!(breaks(&bad), "{code} is not found: {bad:?}");
        assert!(!breaks(&good), "{code} is found where it is kept: {good:?}");
        tried.insert(code);
    }
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(tried, all);
}

#[test]
fn a_good_provider_breaks_no_rule() {
    let found = tools(|t| {
        let limit = described(json!({"type": "integer", "minimum": 1}));
        with(t, json!({"limit": limit})).read_only().output(json!({"type": "array"}));
    });
    assert_eq!(found, []);
}

#[test]
fn findings_name_their_place_and_come_by_rule() {
    let found = tools(|t| {
        named(t, "delete", "");
        with(t, json!({"city": {"type": "array"}}));
    });
    let places: Vec<(&str, &str)> =
        found.iter().map(|finding| (finding.rule.code, finding.at.as_str())).collect();
    assert_eq!(
        places,
        [
            ("P102", "tool sample_delete"),
            ("P104", "tool sample_list_orders, argument city"),
            ("P204", "tool sample_list_orders, argument city"),
            ("P302", "tool sample_delete"),
        ]
    );
    assert!(found[0].to_string().starts_with("P102 tool sample_delete: "));
}

#[test]
fn the_table_is_sorted_and_says_everything() {
    assert!(RULES.windows(2).all(|pair| pair[0].code < pair[1].code));
    for rule in RULES {
        for text in [rule.title, rule.why, rule.fix] {
            assert!(!text.is_empty(), "{}", rule.code);
        }
        assert!(rule.why.ends_with('.') && rule.fix.ends_with('.'), "{}", rule.code);
        assert!(!rule.title.ends_with('.'), "{}", rule.code);
    }
    assert!(RULES.iter().any(|rule| rule.level == Level::Warning));
}
