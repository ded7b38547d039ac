//! A calculator: reads an expression by recursive descent and calculates while it reads.

use std::fmt;

/// Deep enough for what people write, and far from the end of a thread's stack.
const DEEPEST: usize = 64;
/// Characters of an expression.
const LONGEST: usize = 1000;

/// What is wrong with an expression, and at which character, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    at: usize,
    what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.what, self.at)
    }
}

/// The value of `expression`; always a finite number.
pub(crate) fn evaluate(expression: &str) -> Result<f64, Mistake> {
    let text: Vec<char> = expression.chars().collect();
    if text.len() > LONGEST {
        let what = format!("more than {LONGEST} characters");
        return Err(Mistake { at: LONGEST, what });
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = reader.sum()?;
    match reader.peek() {
        None => Ok(value),
        Some(found) => Err(reader.mistake(format!("expected an operator, found `{found}`"))),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    depth: usize,
}

type Value = Result<f64, Mistake>;

impl Reader {
    /// sum = product (("+" | "-") product)*
    fn sum(&mut self) -> Value {
        let mut value = self.product()?;
        while let Some((at, operator)) = self.operator(&["+", "-"]) {
            let right = self.product()?;
            let result = if operator == "+" { value + right } else { value - right };
            value = finite(result, at)?;
        }
        Ok(value)
    }

    /// product = signed (("*" | "/" | "%") signed)*
    fn product(&mut self) -> Value {
        let mut value = self.signed()?;
        while let Some((at, operator)) = self.operator(&["*", "/", "%"]) {
            let right = self.signed()?;
            if operator != "*" && right == 0.0 {
                let what = "division by zero".to_owned();
                return Err(Mistake { at: at + 1, what });
            }
            let result = match operator {
                "*" => value * right,
                "/" => value / right,
                _ => value % right,
            };
            value = finite(result, at)?;
        }
        Ok(value)
    }

    /// signed = ("-" | "+") signed | power; so -2^2 is -4, as in mathematics.
    fn signed(&mut self) -> Value {
        match self.operator(&["-", "+"]) {
            Some((_, "-")) => self.deeper(|inner| inner.signed()).map(|value| -value),
            Some(_) => self.deeper(|inner| inner.signed()),
            None => self.power(),
        }
    }

    /// power = atom (("^" | "**") signed)?; so 2^3^2 is 512 and 2^-1 is 0.5.
    fn power(&mut self) -> Value {
        let base = self.atom()?;
        let Some((at, _)) = self.operator(&["**", "^"]) else {
            return Ok(base);
        };
        let exponent = self.deeper(|inner| inner.signed())?;
        if base == 0.0 && exponent < 0.0 {
            let what = "division by zero".to_owned();
            return Err(Mistake { at: at + 1, what });
        }
        finite(base.powf(exponent), at)
    }

    /// atom = number | "(" sum ")"
    fn atom(&mut self) -> Value {
        match self.peek() {
            Some('(') => {
                let opened = self.at + 1;
                self.at += 1;
                let value = self.deeper(|inner| inner.sum())?;
                match self.peek() {
                    Some(')') => {
                        self.at += 1;
                        Ok(value)
                    }
                    Some(found) => {
                        Err(self.mistake(format!("expected an operator or `)`, found `{found}`")))
                    }
                    None => Err(self
                        .mistake(format!("the parenthesis of character {opened} is not closed"))),
                }
            }
            Some(digit) if digit.is_ascii_digit() || digit == '.' => self.number(),
            Some(found) => Err(self.mistake(format!("expected a number or `(`, found `{found}`"))),
            None => Err(self.mistake("expected a number or `(`, found the end".to_owned())),
        }
    }

    /// number = digits? ("." digits?)? (("e" | "E") ("+" | "-")? digits)?
    fn number(&mut self) -> Value {
        let start = self.at;
        self.digits();
        if self.here() == Some('.') {
            self.at += 1;
            self.digits();
        }
        if matches!(self.here(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.here(), Some('+' | '-')) {
                self.at += 1;
            }
            self.digits();
        }
        let text: String = self.text[start..self.at].iter().collect();
        let value: f64 = text
            .parse()
            .map_err(|_| Mistake { at: start + 1, what: format!("`{text}` is no number") })?;
        finite(value, start)
    }

    fn digits(&mut self) {
        while self.here().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// The next of these operators with its place, if one comes next. `*` is not taken out of `**`.
    fn operator(&mut self, operators: &[&'static str]) -> Option<(usize, &'static str)> {
        self.peek()?;
        let rest = &self.text[self.at..];
        let starts =
            |operator: &str| rest.iter().copied().take(operator.len()).eq(operator.chars());
        let found = operators
            .iter()
            .find(|operator| starts(operator) && !(**operator == "*" && starts("**")))?;
        let at = self.at;
        self.at += found.len();
        Some((at, found))
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Value) -> Value {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.mistake(format!("nested deeper than {DEEPEST} levels")));
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        while self.here().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.here()
    }

    fn here(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn mistake(&self, what: String) -> Mistake {
        Mistake { at: self.at + 1, what }
    }
}

fn finite(value: f64, at: usize) -> Value {
    let what = match value {
        value if value.is_finite() => return Ok(value),
        value if value.is_nan() => "the result is no real number",
        _ => "the result is too large",
    };
    Err(Mistake { at: at + 1, what: what.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_their_value() {
        let cases = [
            ("2 + 2", 4.0),
            ("2+3*4", 14.0),
            ("(2+3)*4", 20.0),
            ("10 - 4 - 3", 3.0),
            ("100 / 10 / 2", 5.0),
            ("7 % 4", 3.0),
            ("-7 % 4", -3.0),
            ("2^10", 1024.0),
            ("2**10", 1024.0),
            ("2 ** 3 ** 2", 512.0),
            ("2^-1", 0.5),
            ("-2^2", -4.0),
            ("(-2)^2", 4.0),
            ("2*-3", -6.0),
            ("--3", 3.0),
            ("+3", 3.0),
            ("1.5e3 + .5 + 2.", 1502.5),
            ("1e-3", 0.001),
            (" \t3\n", 3.0),
            ("((((1))))", 1.0),
            ("0^0", 1.0),
        ];
        for (expression, value) in cases {
            assert_eq!(evaluate(expression), Ok(value), "{expression}");
        }
    }

    #[test]
    fn mistakes_name_their_place() {
        let cases = [
            ("", "expected a number or `(`, found the end at character 1"),
            ("2 +", "expected a number or `(`, found the end at character 4"),
            ("2 + x", "expected a number or `(`, found `x` at character 5"),
            ("2 3", "expected an operator, found `3` at character 3"),
            ("(1 + 2", "the parenthesis of character 1 is not closed at character 7"),
            ("(1 2)", "expected an operator or `)`, found `2` at character 4"),
            ("1)", "expected an operator, found `)` at character 2"),
            ("2 * * 3", "expected a number or `(`, found `*` at character 5"),
            (".", "`.` is no number at character 1"),
            ("1e", "`1e` is no number at character 1"),
            ("1.2.3", "expected an operator, found `.` at character 4"),
            ("1 / 0", "division by zero at character 3"),
            ("1 % (2 - 2)", "division by zero at character 3"),
            ("0 ^ -1", "division by zero at character 3"),
            ("10 ^ 400", "the result is too large at character 4"),
            ("1e308 * 10", "the result is too large at character 7"),
            ("1e999", "the result is too large at character 1"),
            ("(-8) ^ 0.5", "the result is no real number at character 6"),
            ("ä + 1", "expected a number or `(`, found `ä` at character 1"),
        ];
        for (expression, mistake) in cases {
            let found = evaluate(expression).map_err(|mistake| mistake.to_string());
            assert_eq!(found, Err(mistake.to_owned()), "{expression}");
        }
    }

    #[test]
    fn depth_and_length_have_limits() {
        let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(evaluate(&nested(DEEPEST)), Ok(1.0));
        for deep in [nested(DEEPEST + 1), "-".repeat(900) + "1", "2^".repeat(450) + "1"] {
            let mistake = evaluate(&deep).unwrap_err();
            assert!(mistake.what.contains("deeper than 64"), "{mistake}");
        }
        assert!(evaluate(&"1+".repeat(500)).is_err());
        let long = evaluate(&"1".repeat(LONGEST + 1)).unwrap_err();
        assert!(long.what.contains("more than 1000"), "{long}");
    }
}
