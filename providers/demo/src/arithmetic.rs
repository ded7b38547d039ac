//! Tools that calculate.

use std::sync::Arc;

use mindflight_core::policy::JobState;
use mindflight_core::{Context, Error, JobArgs, Jobs, Result, Tools};
use serde_json::{Number, Value};

use crate::{Demo, calculator, pace};

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let calculator = "Calculates an arithmetic expression. Use it for any arithmetic beyond the trivial; \
        it knows + - * / %, ^ for powers, parentheses and numbers such as 1.5e-3.";
    t.add("calculator", calculator, Demo::calculator).read_only();
    let add = "Adds two numbers. Whole numbers are added exactly.";
    t.add("add", add, Demo::add).read_only();
}

pub(crate) fn jobs(j: &mut Jobs<Demo>) {
    j.add(Demo::sum).backoff(pace::quick());
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    /// Numbers of its own, beside those of the jobs it waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    numbers: Vec<i64>,
}

impl JobArgs for Numbers {
    const KIND: &'static str = "sum";
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Total {
    /// All numbers together.
    sum: i64,
    /// How many jobs it waited for.
    parents: usize,
    /// How many of them did not succeed.
    failed: usize,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Calculation {
    /// What to calculate, such as `2 * (3 + 4)^2`.
    #[schemars(length(min = 1, max = 1000))]
    expression: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Calculated {
    /// The value of the expression.
    result: Number,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Summands {
    /// The first number.
    a: Number,
    /// The second number.
    b: Number,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Sum {
    /// Both together.
    sum: Number,
}

impl Demo {
    async fn calculator(self: Arc<Self>, _cx: Context, input: Calculation) -> Result<Calculated> {
        let value = calculator::evaluate(&input.expression).map_err(|mistake| {
            let detail = mistake.to_string();
            Error::invalid(format!("`expression`: {detail}"))
                .field("/expression", detail, Vec::new())
                .fix("Correct the expression at that character, and send it again.")
        })?;
        let result = shortest(value).ok_or_else(|| too_large("the result"))?;
        Ok(Calculated { result })
    }

    /// Adds what the jobs gave that it waited for: their `sum`, or their `count`.
    async fn sum(self: Arc<Self>, cx: Context, own: Numbers) -> Result<Total> {
        let parents = cx.parents().await?;
        let number = |result: &Value| result.get("sum").or(result.get("count"))?.as_i64();
        let theirs = parents.iter().filter_map(|parent| number(parent.result.as_ref()?));
        let sum = theirs.chain(own.numbers).try_fold(0_i64, i64::checked_add);
        let failed = parents.iter().filter(|parent| parent.state != JobState::Succeeded).count();
        let sum = sum.ok_or_else(|| too_large("the sum").permanent())?;
        Ok(Total { sum, parents: parents.len(), failed })
    }

    async fn add(self: Arc<Self>, _cx: Context, input: Summands) -> Result<Sum> {
        let sum = match (summand("a", &input.a)?, summand("b", &input.b)?) {
            (Summand::Whole(a), Summand::Whole(b)) => a.checked_add(b).map(Number::from),
            (a, b) => shortest(a.float() + b.float()),
        };
        let sum = sum.ok_or_else(|| too_large("the sum"))?;
        Ok(Sum { sum })
    }
}

#[derive(Clone, Copy)]
enum Summand {
    Whole(i64),
    Float(f64),
}

impl Summand {
    fn float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }
}

fn summand(name: &str, number: &Number) -> Result<Summand> {
    let summand = match (number.as_i64(), number.is_u64()) {
        (Some(whole), _) => Some(Summand::Whole(whole)),
        // Adding it as a fraction would lose digits without a word.
        (None, true) => None,
        (None, false) => number.as_f64().map(Summand::Float),
    };
    summand.ok_or_else(|| {
        let detail =
            format!("a whole number must be between {} and {}; got {number}", i64::MIN, i64::MAX);
        Error::invalid(format!("`{name}`: {detail}")).field(format!("/{name}"), detail, Vec::new())
    })
}

fn too_large(what: &'static str) -> Error {
    Error::invalid(format!("{what} is too large to be written as a number"))
        .fix("Use smaller numbers.")
}

/// Whole numbers without a point, as people write them, as far as a float holds every one of them.
fn shortest(value: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}
