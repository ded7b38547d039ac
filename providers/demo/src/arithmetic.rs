//! Tools that calculate.

use std::sync::Arc;

use mindflight_core::{Context, Error, Result, Tools};
use serde_json::Number;

use crate::{Demo, calculator};

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let calculator = "Calculates an arithmetic expression. Use it for any arithmetic beyond the trivial; \
        it knows + - * / %, ^ for powers, parentheses and numbers such as 1.5e-3.";
    t.add("calculator", calculator, Demo::calculator).read_only();
    let add = "Adds two numbers. Whole numbers are added exactly.";
    t.add("add", add, Demo::add).read_only();
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
