//! For each rule what breaks it, and what is near that and keeps it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    EMPTY, Loud, Nothing, Sample, described, jobs, named, settings, tools, with, with_schema,
};
use crate::lint::Finding;
use crate::policy::Unique;
use crate::{Routes, Subscriptions};

/// A code, what is found in its bad sample, and what is found in its good one.
pub(super) type Pair = (&'static str, Vec<Finding>, Vec<Finding>);

/// Every pair.
pub(super) fn all() -> Vec<Pair> {
    [
        texts(),
        descriptions(),
        schemas(),
        limits(),
        harm(),
        contradictions(),
        much(),
        trouble(),
        attempts(),
    ]
    .concat()
}

fn texts() -> Vec<Pair> {
    let good = || {
        tools(|t| {
            with(t, json!({"a": described(json!({"type": "string"}))}));
        })
    };
    vec![
        (
            "P101",
            tools(|t| {
                named(t, "List", "Lists the open orders.");
            }),
            good(),
        ),
        (
            "P101",
            jobs(|j| {
                j.add(Sample::work::<Loud>);
            }),
            jobs(|j| {
                j.add(Sample::work::<Nothing>);
            }),
        ),
        (
            "P102",
            tools(|t| {
                named(t, "list", " ");
            }),
            good(),
        ),
        (
            "P103",
            tools(|t| {
                named(t, "list", &"Lists all of them and more ".repeat(5));
            }),
            tools(|t| {
                named(t, "list", &"Lists the open orders. ".repeat(9));
            }),
        ),
        (
            "P104",
            tools(|t| {
                with(t, json!({"a": {"type": "string"}}));
            }),
            good(),
        ),
        (
            "P104",
            tools(|t| {
                let inner = json!({"type": "object", "properties": {"b": {"type": "string"}}});
                with(t, json!({"a": described(json!({"type": "array", "items": inner}))}));
            }),
            good(),
        ),
    ]
}

fn descriptions() -> Vec<Pair> {
    let good = || {
        tools(|t| {
            with(t, json!({"a": described(json!({"type": "string"}))}));
        })
    };
    vec![
        (
            "P105",
            tools(|t| {
                named(t, "weather_now", "The weather at the moment.");
            }),
            tools(|t| {
                named(t, "weather_now", "Tells the weather at the moment.");
            }),
        ),
        (
            "P106",
            tools(|t| {
                named(t, "list", "Lists orders with our powerful engine.");
            }),
            good(),
        ),
        (
            "P107",
            tools(|t| {
                named(t, "find_order", "Finds one.").read_only();
                named(t, "search_orders", "Searches them.").read_only();
            }),
            tools(|t| {
                named(t, "find_order", "Finds one. Use it with a number.").read_only();
                named(t, "search_orders", "Searches them. Use it with words.").read_only();
                named(t, "update_order", "Updates one.");
            }),
        ),
        (
            "P108",
            tools(|t| {
                named(t, "list_orders", "List orders.");
            }),
            good(),
        ),
        (
            "P109",
            tools(|t| {
                named(t, "list", "Lists orders. TODO: more");
            }),
            good(),
        ),
    ]
}

/// Schemas that every vendor takes.
fn portable() -> Vec<Finding> {
    tools(|t| {
        let list = json!({"type": "array", "items": {"type": "string", "format": "date"}});
        let choice = json!({"type": "string", "enum": ["a", "b"]});
        with(t, json!({"a": described(list), "b-c.d": described(choice)}));
    })
}

fn schemas() -> Vec<Pair> {
    vec![
        (
            "P201",
            tools(|t| {
                with(t, json!({"a": {"type": ["string", "null"]}}));
            }),
            portable(),
        ),
        (
            "P202",
            tools(|t| {
                with(t, json!({"a": {"$ref": "#/$defs/a"}}));
            }),
            portable(),
        ),
        (
            "P202",
            tools(|t| {
                with(t, json!({})).output(json!({"items": {"$ref": "#"}}));
            }),
            portable(),
        ),
        (
            "P203",
            tools(|t| {
                with(t, json!({"a": true}));
            }),
            portable(),
        ),
        (
            "P204",
            tools(|t| {
                with(t, json!({"a": {"type": "array"}}));
            }),
            portable(),
        ),
        (
            "P205",
            tools(|t| {
                with_schema(t, json!({"type": "string"}));
            }),
            portable(),
        ),
        (
            "P205",
            tools(|t| {
                with_schema(t, json!({"type": "object", "oneOf": []}));
            }),
            portable(),
        ),
    ]
}

fn limits() -> Vec<Pair> {
    vec![
        (
            "P206",
            tools(|t| {
                with(t, json!({"a": {"type": "string", "format": "iri"}}));
            }),
            portable(),
        ),
        (
            "P207",
            tools(|t| {
                with(t, json!({"a": {"type": "integer", "format": "uint8"}}));
            }),
            portable(),
        ),
        (
            "P208",
            tools(|t| {
                let deep = (0..5).fold(
                    json!({"type": "string"}),
                    |inner, _| json!({"type": "object", "properties": {"a": inner}}),
                );
                with(t, json!({"a": deep}));
            }),
            portable(),
        ),
        (
            "P209",
            tools(|t| {
                let many = (0..101).map(|n| (format!("a{n}"), json!({"type": "string"})));
                with(t, Value::Object(many.collect()));
            }),
            portable(),
        ),
        (
            "P210",
            tools(|t| {
                with(t, json!({"a b": {"type": "string"}}));
            }),
            portable(),
        ),
        (
            "P211",
            tools(|t| {
                with(t, json!({"a": {"enum": [1, 2]}}));
            }),
            portable(),
        ),
    ]
}

fn harm() -> Vec<Pair> {
    let route = |routes: fn(&mut Routes<Sample>)| Sample { routes, ..EMPTY }.found();
    let text =
        json!({"properties": {"a": {"properties": {"api_key": {"type": ["string", "null"]}}}}});
    let mut hidden = text.clone();
    hidden["properties"]["a"]["properties"]["api_key"]["writeOnly"] = json!(true);
    vec![
        (
            "P301",
            tools(|t| {
                named(t, "send_mail", "Sends a mail.").read_only();
            }),
            tools(|t| {
                named(t, "list_sent", "Lists sent mails.").read_only();
            }),
        ),
        (
            "P302",
            tools(|t| {
                named(t, "mail_delete", "Deletes a mail.");
            }),
            tools(|t| {
                named(t, "mail_delete", "Deletes a mail.").destructive();
            }),
        ),
        ("P303", settings(&text), settings(&hidden)),
        (
            "P304",
            route(|r| {
                r.post("/in", Sample::serve).public();
            }),
            route(|r| {
                r.get("/in", Sample::serve).public();
            }),
        ),
    ]
}

fn contradictions() -> Vec<Pair> {
    vec![
        (
            "P305",
            tools(|t| {
                named(t, "list", "Lists.").read_only().destructive();
            }),
            tools(|t| {
                named(t, "list", "Lists.").read_only().cache_for(Duration::MAX);
            }),
        ),
        (
            "P305",
            tools(|t| {
                named(t, "list", "Lists.").cache_for(Duration::MAX);
            }),
            tools(|t| {
                named(t, "list", "Lists.").destructive();
            }),
        ),
        (
            "P306",
            tools(|t| {
                with(t, json!({"password": {"type": "string"}}));
            }),
            tools(|t| {
                with(t, json!({"key": {"type": "string"}}));
            }),
        ),
    ]
}

fn much() -> Vec<Pair> {
    vec![
        (
            "P401",
            tools(|t| {
                named(t, "list", &"Lists the open orders. ".repeat(80));
            }),
            tools(|t| {
                named(t, "list", &"Lists the open orders. ".repeat(40));
            }),
        ),
        (
            "P402",
            tools(|t| {
                for n in 0..20 {
                    named(t, &format!("list{n}"), &"Lists the open orders. ".repeat(40));
                }
            }),
            tools(|t| {
                named(t, "list", "Lists the open orders.");
            }),
        ),
        (
            "P403",
            tools(|t| {
                with(t, json!({})).output(json!({"type": "array"}));
            }),
            tools(|t| {
                let limit = json!({"limit": {"type": "integer"}});
                with(t, limit).output(json!({"type": "array"}));
            }),
        ),
        (
            "P403",
            tools(|t| {
                let orders = json!({"type": "object", "properties": {"orders": {"type": "array"}}});
                with(t, json!({})).output(orders);
            }),
            tools(|t| {
                with(t, json!({})).output(json!({"type": "array", "maxItems": 7}));
            }),
        ),
    ]
}

fn trouble() -> Vec<Pair> {
    let route = |routes: fn(&mut Routes<Sample>)| Sample { routes, ..EMPTY }.found();
    vec![
        (
            "P501",
            tools(|t| {
                named(t, "list", "Lists.").timeout(Duration::from_secs(301));
            }),
            tools(|t| {
                named(t, "list", "Lists.").timeout(Duration::from_secs(300));
            }),
        ),
        (
            "P502",
            route(|r| {
                r.get("/in", Sample::serve).timeout(Duration::ZERO);
            }),
            route(|r| {
                r.get("/in", Sample::serve);
            }),
        ),
        (
            "P502",
            jobs(|j| {
                j.add(Sample::work::<Nothing>).deadline(Duration::ZERO);
            }),
            jobs(|j| {
                j.add(Sample::work::<Nothing>);
            }),
        ),
    ]
}

fn attempts() -> Vec<Pair> {
    let hears =
        |subscriptions: fn(&mut Subscriptions<Sample>)| Sample { subscriptions, ..EMPTY }.found();
    let work = || {
        jobs(|j| {
            j.add(Sample::work::<Nothing>).every("* * * * *").concurrency(1);
        })
    };
    vec![
        (
            "P503",
            jobs(|j| {
                j.add(Sample::work::<Nothing>).every("* * * * *");
            }),
            work(),
        ),
        (
            "P503",
            jobs(|j| {
                j.add(Sample::work::<Nothing>).every("* * * * *");
            }),
            jobs(|j| {
                let kind = j.add(Sample::work::<Nothing>).every("* * * * *");
                kind.unique(Unique::default());
            }),
        ),
        (
            "P504",
            jobs(|j| {
                j.add(Sample::work::<Nothing>).transactional().max_attempts(1);
            }),
            jobs(|j| {
                j.add(Sample::work::<Nothing>).max_attempts(1);
            }),
        ),
        (
            "P505",
            hears(|s| {
                s.on("**", Sample::hear);
            }),
            hears(|s| {
                s.on("**", Sample::hear).from("mail");
            }),
        ),
        (
            "P506",
            jobs(|j| {
                let kind = j.add(Sample::work::<Nothing>).concurrency_by("account", 1);
                kind.rate_by("folder", 1, Duration::from_secs(1));
            }),
            jobs(|j| {
                let kind = j.add(Sample::work::<Nothing>).concurrency_by("account", 1);
                kind.rate_by("account", 1, Duration::from_secs(1));
            }),
        ),
    ]
}
