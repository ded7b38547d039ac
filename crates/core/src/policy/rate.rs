//! How many jobs may start in a stretch of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// At most this many starts in each period: a bucket of so many tokens, which fills evenly and is full in the beginning.
/// A start takes a token, so no stretch of one period sees more than twice the count, and in the long run there is
/// one count for each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Starts in one period; also how many may come at once.
    pub count: u32,
    /// The period.
    pub period: Duration,
}

/// The shortest and the longest period.
const PERIODS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(366 * 86_400));

/// The most starts in one period.
const MOST: u32 = 1_000_000;

/// How long a unit is, in milliseconds, and what it is called.
const UNITS: [(&str, u64, &str); 5] = [
    ("d", 86_400_000, "day"),
    ("h", 3_600_000, "hour"),
    ("m", 60_000, "minute"),
    ("s", 1_000, "second"),
    ("ms", 1, "millisecond"),
];

/// Tokens come out of sums of fractions: what lacks less than this is whole.
const ALMOST: f64 = 1e-6;

impl Rate {
    /// So many starts in each period; at least one, and a period of 1 ms to 366 days.
    #[must_use]
    pub fn new(count: u32, period: Duration) -> Self {
        Self { count: count.clamp(1, MOST), period: period.clamp(PERIODS.0, PERIODS.1) }
    }

    /// The tokens after `elapsed`, if there were `tokens` before.
    #[must_use]
    pub fn refill(&self, tokens: f64, elapsed: Duration) -> f64 {
        let share = elapsed.as_secs_f64() / self.period.as_secs_f64();
        (tokens.max(0.0) + share * f64::from(self.count)).min(f64::from(self.count))
    }

    /// How many may start with so many tokens.
    #[must_use]
    pub fn whole(&self, tokens: f64) -> u32 {
        (tokens + ALMOST).clamp(0.0, f64::from(self.count)) as u32
    }

    /// How long until one may start, with so many tokens.
    #[must_use]
    pub fn wait(&self, tokens: f64) -> Duration {
        if self.whole(tokens) > 0 {
            return Duration::ZERO;
        }
        let missing = 1.0 - tokens.clamp(0.0, 1.0);
        self.period.mul_f64(missing / f64::from(self.count.max(1)))
    }

    /// In words: `100 a minute`, `5 every 10 seconds`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (number, _, unit) = self.unit();
        match (number, unit) {
            (1, "hour") => format!("{} an hour", self.count),
            (1, unit) => format!("{} a {unit}", self.count),
            (number, unit) => format!("{} every {number} {unit}s", self.count),
        }
    }

    /// The period in its largest unit: a number, the unit's letters, and its name.
    fn unit(&self) -> (u64, &'static str, &'static str) {
        let millis = u64::try_from(self.period.as_millis()).unwrap_or(u64::MAX).max(1);
        let fits = UNITS.iter().find(|(_, length, _)| millis.is_multiple_of(*length));
        fits.map_or((millis, "ms", "millisecond"), |(short, length, name)| {
            (millis / length, *short, *name)
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit, _) = self.unit();
        write!(f, "{}/{number}{unit}", self.count)
    }
}

/// A text that is no rate; says what would be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRate(String);

impl fmt::Display for BadRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0;
        write!(
            f,
            "`{text}` is no rate; write how many may start in how long, as 100/1m or 5/s: \
             from 1 to {MOST}, in ms, s, m, h or d, up to 366d"
        )
    }
}

impl std::error::Error for BadRate {}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        read(text).ok_or_else(|| BadRate(text.chars().take(100).collect()))
    }
}

fn read(text: &str) -> Option<Rate> {
    let (count, period) = text.trim().split_once('/')?;
    let digits = period.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = period.split_at(digits);
    let number = if number.is_empty() { 1 } else { number.parse().ok()? };
    let (_, length, _) = UNITS.iter().find(|(short, ..)| *short == unit)?;
    let period = Duration::from_millis(length.checked_mul(number)?);
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u32 = count.parse().ok()?;
    let fits = (1..=MOST).contains(&count) && (PERIODS.0..=PERIODS.1).contains(&period);
    fits.then_some(Rate { count, period })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_read_back_as_written() {
        for (text, again, words) in [
            ("100/1m", "100/1m", "100 a minute"),
            ("5/s", "5/1s", "5 a second"),
            ("1/60s", "1/1m", "1 a minute"),
            ("3/h", "3/1h", "3 an hour"),
            ("20/10s", "20/10s", "20 every 10 seconds"),
            ("7/250ms", "7/250ms", "7 every 250 milliseconds"),
            ("1000000/366d", "1000000/366d", "1000000 every 366 days"),
        ] {
            let read = rate(text);
            assert_eq!((read.to_string().as_str(), read.in_words().as_str()), (again, words));
            assert_eq!(rate(&read.to_string()), read);
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "/",
            "5",
            "5/",
            "/s",
            "0/s",
            "-1/s",
            "+5/s",
            "5/0s",
            "5/x",
            "5/1y",
            "1000001/s",
            "5/367d",
            "5/99999999999999999999s",
            "5 / s",
            "5/s/s",
            "1.5/s",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("as 100/1m or 5/s"), "{text}: {error}");
        }
        assert_eq!(Rate::new(0, Duration::ZERO), Rate { count: 1, period: PERIODS.0 });
    }

    /// Whoever asks at whatever times, the bucket gives at most what it held and what came in since.
    #[test]
    fn no_stretch_of_time_sees_more_than_its_share_and_a_full_bucket() {
        let mut state: u64 = 7;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let rate = Rate::new(random(50) as u32 + 1, Duration::from_millis(random(5000) + 1));
            let (mut tokens, mut now) = (f64::from(rate.count), Duration::ZERO);
            let mut starts: Vec<Duration> = Vec::new();
            for _ in 0..60 {
                let step = Duration::from_millis(random(2000));
                (tokens, now) = (rate.refill(tokens, step), now + step);
                let wanted = (random(60) as u32).min(rate.whole(tokens));
                tokens -= f64::from(wanted);
                starts.extend((0..wanted).map(|_| now));
                assert!((-ALMOST..=f64::from(rate.count)).contains(&tokens), "{rate}: {tokens}");
            }
            for (first, from) in starts.iter().enumerate() {
                for (last, until) in starts.iter().enumerate().skip(first) {
                    let share = (*until - *from).as_secs_f64() / rate.period.as_secs_f64();
                    let most = f64::from(rate.count) * (1.0 + share) + 1e-3;
                    let seen = (last - first + 1) as f64;
                    assert!(seen <= most, "{rate}: {seen} from {from:?} to {until:?}");
                }
            }
        }
    }

    #[test]
    fn who_waits_as_long_as_it_says_may_start() {
        for text in ["100/1m", "3/h", "1/7s", "999/250ms", "1000000/366d"] {
            let rate = rate(text);
            for tokens in [0.0, 0.1, 0.5, 0.999] {
                let wait = rate.wait(tokens);
                assert!(!wait.is_zero() && wait <= rate.period, "{text}: {wait:?}");
                let after = rate.refill(tokens, wait + Duration::from_nanos(1));
                assert_eq!(rate.whole(after), 1, "{text}: {tokens} and {wait:?} give {after}");
            }
            assert_eq!(rate.wait(1.0), Duration::ZERO);
        }
    }
}
